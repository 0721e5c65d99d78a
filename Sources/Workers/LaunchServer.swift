import CShims
import ContainerEngine
import Glibc
import ImageStore
import LinuxKernel
import OCISpec
import OptionGrammar
import Registry

/// The launcher: a small process of a program's own that has one thread and is the parent of the program's workers. See
/// README.md.
final class LaunchServer {
    let engine: Engine
    let socket: Int32
    let identity = getpid()
    /// By number, which is never used twice.
    var children: [Int: Child] = [:]
    var pools: [Int: SandboxPool] = [:]
    /// How the order that a child works on wants images to come. Written once, in the child, which has one thread.
    private let registry = RegistryChoice()
    private var nextNumber = 1
    /// A child that cleans up after ended workers; asked for again while it runs.
    private var cleaner: Int?
    private var cleansAgain = false

    init(_ globals: GlobalOptions, socket: Int32) throws {
        self.socket = socket
        var settings = try EngineSettings(globals, caller: .process)
        let report = ChildReport.current
        settings.warn = { report.value.warn($0) }
        let (root, treeKind, registry) = (settings.dataRoot, settings.treeKind, self.registry)
        settings.pull = { (name, platform, policy) throws(EngineError) in
            do {
                report.value.tell(["event": "pulling", "image": .string(name)])
                let store = try ImageStore(root: root, treeKind: treeKind)
                let id = try ImagePull(store: store, options: registry.options)
                    .bring(name, platform: platform, policy: policy)
                if id != nil { report.value.tell(["event": "pulled", "image": .string(name)]) }
            } catch { throw EngineError(.failed, WorkerFault(error).message, cause: error) }
        }
        engine = try Engine(settings)
    }

    private final class RegistryChoice {
        var options = RegistryOptions()
    }

    /// In a child: what its order means.
    func understand(_ order: WorkerOrder, _ report: ChildReport) throws -> RunRequest {
        let (run, warnings) = try order.request()
        for warning in warnings { report.warn(warning) }
        registry.options = run.pull
        return run
    }

    func number() -> Int {
        defer { nextNumber += 1 }
        return nextNumber
    }

    /// Serves until the program is gone; then nothing of it is left.
    func run() {
        while true {
            let list = children.values.sorted { $0.number < $1.number }
            var polls = [pollfd(fd: socket, events: Int16(POLLIN), revents: 0)]
            for child in list {
                let watched = child.memory.flatMap { $0.isWatched ? $0.descriptor : nil }
                polls.append(pollfd(fd: watched ?? -1, events: Int16(POLLPRI), revents: 0))
                polls.append(pollfd(fd: child.report, events: Int16(POLLIN), revents: 0))
                polls.append(pollfd(fd: child.pidfd, events: Int16(POLLIN), revents: 0))
            }
            // Sandboxes are made in the quiet moments: who waits for a worker comes first, till it has been executed. That
            // wakes this loop.
            let needy = list.contains(where: \.isTaken) ? [] : pools.values.filter(\.wantsMore)
            let ready = poll(&polls, nfds_t(polls.count), needy.isEmpty ? -1 : 0)
            if ready < 0, errno == EINTR { continue }
            if ready == 0 {
                for pool in needy { fill(pool) }
                continue
            }
            for (index, child) in list.enumerated() {
                // Before its end: the file is gone soon after.
                if polls[3 * index + 1].revents != 0 { child.memory?.look() }
                if polls[3 * index + 2].revents != 0 { readReport(of: child) }
                if polls[3 * index + 3].revents != 0 { reap(child) }
            }
            if polls[0].revents != 0, !serve() { break }
        }
        endAll()
    }

    // MARK: - Requests

    /// False when the program has gone.
    private func serve() -> Bool {
        guard let frame = (try? Frame.receive(from: socket)) ?? nil else { return false }
        var isTaken = false
        defer { if !isTaken { for descriptor in frame.descriptors { close(descriptor) } } }
        let request = Int(frame.body["id"]?.integer ?? 0)
        do {
            switch frame.body["op"]?.string {
            case "prepare": try prepare(frame.body, request)
            case "launch": try launch(frame, request)
            case "signal": try signal(frame.body, request)
            case "pool": try openPool(frame.body, request)
            case "acquire":
                try acquire(frame, request)
                isTaken = true
            case "close": try closePool(frame.body, request)
            default: throw WorkerFault(code: "unsupported", message: "unknown operation")
            }
        } catch {
            refuse(request, error)
        }
        return true
    }

    func answer(_ request: Int, _ members: KeyValuePairs<String, JSON?> = [:]) {
        tell(JSON(members: ["id": request.json, "ok": JSON(members: members)]))
    }

    func refuse(_ request: Int, _ error: any Error) {
        tell(JSON(members: ["id": request.json, "error": WorkerFault(error).json]))
    }

    /// A program that is gone is noticed when its socket is read.
    func tell(_ message: JSON) { try? Frame.send(message, over: socket) }

    private func launch(_ frame: Frame, _ request: Int) throws {
        let order: WorkerOrder = try frame.body.required("order")
        let streams = try Streams(frame)
        try start(.starting(request: request)) { report, _ in
            var run = try self.understand(order, report)
            run.configuration.interactive = streams.input != nil
            var options = WorkerOptions()
            options.diesWithParent = true
            try self.engine.becomeWorker(run.configuration, io: streams.attached, options: options) {
                report.tell(["container": .string($0)])
            }
        }
    }

    private func signal(_ body: JSON, _ request: Int) throws {
        let number: Int = try body.required("worker")
        let signal: Int32 = try body.required("signal")
        guard (0...64).contains(signal) else {
            throw WorkerFault(code: "invalid", message: "signal \(signal) is not from 0 to 64")
        }
        // One that has ended is past all signals, which is no error: it may have ended a moment ago.
        if let child = children[number], child.isWorker {
            child.send(signal, toGroup: body["group"]?.bool ?? false)
        }
        answer(request)
    }

    // MARK: - Ends

    /// The workers' files go; nobody waits for it.
    func cleanUp() {
        if cleaner != nil {
            cleansAgain = true
            return
        }
        cleansAgain = false
        let child = try? start(.cleaner) { [engine] _, _ in
            try engine.cleanUpAfterTheDead(entirely: true)
            _exit(0)
        }
        cleaner = child?.number
    }

    func cleanerEnded() {
        cleaner = nil
        if cleansAgain { cleanUp() }
    }

    /// The program is gone: so are its workers, and what they leave.
    private func endAll() {
        for child in children.values where child.role.endsWithProgram { child.send(SIGKILL, toGroup: true) }
        for child in children.values where child.role.endsWithProgram {
            _ = try? ProcessDescriptor.waitForEnd(child.pidfd, milliseconds: 5000)
            _ = try? ProcessDescriptor.reapIfEnded(child.pidfd)
        }
        // One that cleans up holds what it is at.
        if let cleaner = cleaner.flatMap({ children[$0] }) {
            _ = try? ProcessDescriptor.waitForEnd(cleaner.pidfd, milliseconds: 30_000)
        }
        ChildReport.current.value = ChildReport(writer: -1)
        try? engine.cleanUpAfterTheDead(entirely: true)
    }
}

/// A worker's streams among the descriptors of a message: `null`, `inherit`, or an index.
struct Streams {
    var input: Int32?
    var output: Int32?
    var error: Int32?

    init(_ frame: Frame) throws {
        let words = frame.body["streams"]?.array ?? []
        func descriptor(_ index: Int) throws -> Int32? {
            guard index < words.count else { return nil }
            if words[index].string == "null" { return nil }
            if words[index].string == "inherit" { return Int32(index) }
            guard let place = words[index].integer, frame.descriptors.indices.contains(Int(place)) else {
                throw WorkerFault(code: "invalid", message: "stream \(index) is not among the descriptors")
            }
            return frame.descriptors[Int(place)]
        }
        input = try descriptor(0)
        output = try descriptor(1)
        error = try descriptor(2)
    }

    var attached: AttachedStreams { AttachedStreams(stdin: input, stdout: output, stderr: error) }
}
