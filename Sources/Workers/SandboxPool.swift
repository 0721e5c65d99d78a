import CShims
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
    /// Ready ones, the oldest first.
    private var ready: [Child] = []
    private var making: Set<Int> = []
    private var waiting: [Acquisition] = []
    /// How many in a row have come to nothing.
    private var failures = 0

    /// A request that waits for a sandbox. It owns its descriptors.
    struct Acquisition {
        let request: Int
        let frame: Frame
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
    var members: [Int] { ready.map(\.number) + making }

    func began(_ child: Child) { making.insert(child.number) }

    func becameReady(_ child: Child, _ server: LaunchServer) {
        making.remove(child.number)
        failures = 0
        ready.append(child)
        if let request = opening, ready.count >= size {
            opening = nil
            server.answer(request, ["pool": number.json])
        }
        serve(server)
    }

    func failed(_ child: Child, _ fault: WorkerFault, _ server: LaunchServer) {
        making.remove(child.number)
        ready.removeAll { $0 === child }
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
            for descriptor in acquisition.frame.descriptors { close(descriptor) }
        }
        waiting = []
    }

    private func serve(_ server: LaunchServer) {
        while !ready.isEmpty, let next = waiting.first {
            let child = ready.removeFirst()
            do {
                try Frame.send(next.frame.body, descriptors: next.frame.descriptors, over: child.control)
            } catch {
                // It is gone, which its report will say; the next one may do.
                continue
            }
            waiting.removeFirst()
            for descriptor in next.frame.descriptors { close(descriptor) }
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
        _ = try Streams(frame)
        pool.acquire(SandboxPool.Acquisition(request: request, frame: frame), self)
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
        options.command = { () throws(EngineError) in
            report.tell(["container": .string(container)])
            // What is mapped of this program the exec has to unmap, and it is memory that waits.
            swiftpod_forget_clean_pages()
            report.tell(["ready": true])
            do {
                guard let frame = try Frame.receive(from: control) else { _exit(0) }
                let streams = try Streams(frame)
                let command: [String] = try frame.body.list("command")
                return WorkerCommand(
                    arguments: command.isEmpty ? nil : command, environment: try WorkerOrder.pairs(frame.body),
                    streams: streams.attached)
            } catch { throw EngineError(.failed, "start worker: \(WorkerFault(error).message)", cause: error) }
        }
        let nothing = AttachedStreams(stdin: nil, stdout: nil, stderr: nil)
        try engine.becomeWorker(run.configuration, io: nothing, options: options) { container = $0 }
    }
}
