import ContainerEngine
import Glibc
import LinuxKernel
import OCISpec

/// Sandboxes of one kind: made, and waiting for their command.
final class SandboxPool {
    let number: Int
    let order: WorkerOrder
    let size: Int
    /// Told when the pool stands; nil afterwards.
    private var opening: Int?
    /// Ready ones, the oldest first, and what each would execute of itself.
    private var ready: [(child: Child, command: WorkerCommand)] = []
    private var making: Set<Int> = []
    private var waiting: [Acquisition] = []
    /// How many in a row have come to nothing.
    private var failures = 0

    /// A request that waits for a sandbox. It owns its descriptors.
    struct Acquisition {
        let request: Int
        /// nil: the order's.
        let arguments: [String]?
        let environment: [(name: String, value: String)]
        let streams: Streams
        let descriptors: [Int32]

        init(_ frame: Frame, request: Int) throws {
            let command: [String] = try frame.body.list("command")
            self.request = request
            arguments = command.isEmpty ? nil : command
            environment = try WorkerOrder.pairs(frame.body)
            streams = try Streams(frame)
            descriptors = frame.descriptors
        }

        func close() { for descriptor in descriptors { Glibc.close(descriptor) } }
    }

    init(number: Int, order: WorkerOrder, size: Int, opening: Int) {
        self.number = number
        self.order = order
        self.size = size
        self.opening = opening
    }

    /// What cannot be made three times in a row is not tried for ever.
    private var isBroken: Bool { failures >= 3 }
    var wantsMore: Bool { !isBroken && ready.count + making.count < max(size, min(waiting.count, size + 4)) }
    var members: [Int] { ready.map(\.child.number) + making }

    func began(_ child: Child) { making.insert(child.number) }

    func becameReady(_ child: Child, _ command: WorkerCommand, _ server: LaunchServer) {
        making.remove(child.number)
        failures = 0
        ready.append((child, command))
        if let request = opening, ready.count >= size {
            opening = nil
            server.answer(request, ["pool": number.json])
        }
        serve(server)
    }

    func failed(_ child: Child, _ fault: WorkerFault, _ server: LaunchServer) {
        making.remove(child.number)
        ready.removeAll { $0.child === child }
        failures += 1
        if let request = opening {
            // A pool whose first sandbox does not come about will not do better later.
            opening = nil
            failures = 3
            server.refuse(request, fault)
            server.drop(self)
        } else if isBroken {
            giveUp(fault, server)
        }
    }

    func acquire(_ acquisition: Acquisition, _ server: LaunchServer) {
        // What was wrong may have been mended meanwhile.
        if isBroken { failures = 2 }
        waiting.append(acquisition)
        serve(server)
    }

    func giveUp(_ fault: WorkerFault, _ server: LaunchServer) {
        for acquisition in waiting {
            server.refuse(acquisition.request, fault)
            acquisition.close()
        }
        waiting = []
    }

    private func serve(_ server: LaunchServer) {
        while !ready.isEmpty, let next = waiting.first {
            let (child, own) = ready[0]
            do {
                let command = own.with(arguments: next.arguments, environment: next.environment)
                try command.send(over: child.control, streams: next.streams.attached)
            } catch  where error.code == .invalid {
                server.refuse(next.request, WorkerFault(error))
                waiting.removeFirst().close()
                continue
            } catch {
                // It is gone, which its report will say; the next one may do.
                ready.removeFirst()
                continue
            }
            ready.removeFirst()
            waiting.removeFirst().close()
            child.role = .starting(request: next.request)
        }
    }
}

extension LaunchServer {
    func openPool(_ body: JSON, _ request: Int) throws {
        let size: Int = try body.required("size")
        guard (1...1000).contains(size) else {
            throw WorkerFault(code: "invalid", message: "size \(size) of a pool is not from 1 to 1000")
        }
        let pool = SandboxPool(number: number(), order: try body.required("order"), size: size, opening: request)
        pools[pool.number] = pool
    }

    func acquire(_ frame: Frame, _ request: Int) throws {
        let number: Int = try frame.body.required("pool")
        guard let pool = pools[number] else { throw WorkerFault(code: "not found", message: "the pool is closed") }
        pool.acquire(try SandboxPool.Acquisition(frame, request: request), self)
    }

    func closePool(_ body: JSON, _ request: Int) throws {
        let number: Int = try body.required("pool")
        if let pool = pools[number] { drop(pool) }
        answer(request)
    }

    func drop(_ pool: SandboxPool) {
        pools[pool.number] = nil
        for number in pool.members { children[number]?.send(SIGKILL, toGroup: false) }
        pool.giveUp(WorkerFault(code: "not found", message: "the pool is closed"), self)
    }

    /// Makes one sandbox more.
    func fill(_ pool: SandboxPool) {
        do {
            let child = try start(.sandbox(pool: pool.number)) { report, control in
                try self.becomeSandbox(pool.order, report, control)
            }
            pool.began(child)
        } catch {
            pool.giveUp(WorkerFault(error), self)
        }
    }

    /// The child's side: all but the command, and then waits for that.
    private func becomeSandbox(_ order: WorkerOrder, _ report: ChildReport, _ control: Int32) throws {
        var run = try understand(order, report)
        // Its stdin may be given.
        run.configuration.interactive = true
        var options = WorkerOptions()
        options.diesWithParent = true
        var container = ""
        options.sandbox = .init(socket: control) { command in
            let ready = JSON(members: [
                "container": .string(container), "arguments": .array(command.arguments.map { .string($0) }),
                "environment": .array(command.environment.map { .string($0) }),
            ])
            report.tell(["ready": ready])
        }
        let nothing = AttachedStreams(stdin: nil, stdout: nil, stderr: nil)
        try engine.becomeWorker(run.configuration, io: nothing, options: options) { container = $0 }
    }
}
