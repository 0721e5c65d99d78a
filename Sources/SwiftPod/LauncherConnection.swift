import CShims
import Glibc
import LinuxKernel
import OCISpec
import Synchronization
import Workers

/// A program's end of the connection to its launcher process: requests and their answers, workers, and who listens.
final class LauncherConnection: Sendable {
    /// What a request comes back with.
    typealias Answer = Result<Reply, WorkerError>

    struct Reply: Sendable {
        var body: JSON
        /// Of an answer about one: found when the answer comes, for it may end before its task looks.
        var worker: WorkerState?
    }

    private let socket: Int32
    /// Of the launcher, a child of this process.
    let launcher: Int32
    /// Messages go out one after the other.
    private let writing = Mutex<Void>(())
    private let state = Mutex(State())

    private struct State {
        var nextRequest = 1
        var waiting: [Int: CheckedContinuation<Answer, Never>] = [:]
        var workers: [Int: WorkerState] = [:]
        var nextListener = 1
        var listeners: [Int: AsyncStream<WorkerEvent>.Continuation] = [:]
        /// Why nothing goes any more.
        var closed: WorkerError?
    }

    /// Starts the launcher.
    init(_ settings: WorkerLauncher.Settings) throws(WorkerError) {
        do throws(SyscallError) {
            let (ours, theirs) = try OwnedDescriptor.socketPair().release()
            defer { close(theirs) }
            do throws(SyscallError) {
                launcher = try HelperProgram(path: settings.program ?? "/proc/self/exe").start(
                    settings.arguments, name: settings.name,
                    descriptors: [(1, 1), (2, 2), (theirs, LauncherProcess.socket)])
            } catch {
                close(ours)
                throw error
            }
            socket = ours
        } catch {
            throw WorkerError(.failed, "start launcher: \(error)")
        }
    }

    deinit {
        close(socket)
    }

    /// Reads what the launcher says, in a thread of its own, till it is gone.
    func listen() throws(WorkerError) {
        let context = Unmanaged.passRetained(self).toOpaque()
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, readUntilGone, context)
        guard code == 0 else {
            Unmanaged<LauncherConnection>.fromOpaque(context).release()
            shutDown()
            throw WorkerError(.failed, "start launcher: \(SyscallError("pthread_create", errno: code))")
        }
        pthread_detach(thread)
    }

    /// The launcher ends, and its workers with it.
    func shutDown() { shutdown(socket, Int32(SHUT_RDWR)) }

    // MARK: - Requests

    func request(
        _ operation: String, _ members: KeyValuePairs<String, JSON?>, descriptors: [Int32] = []
    ) async throws(WorkerError) -> Reply {
        let answer: Answer = await withCheckedContinuation { continuation in
            let (number, closed) = state.withLock { state -> (Int, WorkerError?) in
                if let closed = state.closed { return (0, closed) }
                let number = state.nextRequest
                state.nextRequest += 1
                state.waiting[number] = continuation
                return (number, nil)
            }
            if let closed { return continuation.resume(returning: .failure(closed)) }
            var message = JSON(members: members)
            message.set("id", number.json)
            message.set("op", .string(operation))
            do throws(SyscallError) {
                try writing.withLock { _ throws(SyscallError) in
                    try Frame.send(message, descriptors: descriptors, over: socket)
                }
            } catch {
                // A launcher that is gone is found by the reader, too: one of the two has the continuation.
                let mine = state.withLock { $0.waiting.removeValue(forKey: number) }
                let code: WorkerError.Code = error.errno == EPIPE ? .closed : .failed
                mine?.resume(returning: .failure(WorkerError(code, "ask launcher: \(error)")))
            }
        }
        return try answer.get()
    }

    // MARK: - Workers and listeners

    var workers: [WorkerState] {
        state.withLock { state in state.workers.values.sorted { $0.number < $1.number } }
    }

    func events() -> AsyncStream<WorkerEvent> {
        let (stream, continuation) = AsyncStream.makeStream(of: WorkerEvent.self)
        let number = state.withLock { state -> Int? in
            if state.closed != nil { return nil }
            let number = state.nextListener
            state.nextListener += 1
            state.listeners[number] = continuation
            return number
        }
        guard let number else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.listeners.removeValue(forKey: number) }
        }
        return stream
    }

    private func announce(_ event: WorkerEvent) {
        let listeners = state.withLock { Array($0.listeners.values) }
        for listener in listeners { listener.yield(event) }
    }

    // MARK: - The reader

    fileprivate func readAll() {
        var reason = WorkerError(.closed, "the launcher is gone")
        while true {
            let frame: Frame?
            do throws(SyscallError) {
                frame = try Frame.receive(from: socket)
            } catch {
                reason = WorkerError(.closed, "the launcher is gone: \(error)")
                break
            }
            guard let frame else { break }
            for descriptor in frame.descriptors { close(descriptor) }
            if let fatal = frame.body["fatal"], let fault = try? WorkerFault(json: fatal) {
                reason = WorkerError(fault)
                break
            }
            take(frame.body)
        }
        end(reason)
    }

    private func take(_ message: JSON) {
        if let request = message["id"]?.integer.map({ Int($0) }) {
            let ok = message["ok"] ?? .null
            let (waiting, worker) = state.withLock { state in
                let worker = ok["worker"]?.integer.flatMap { state.workers[Int($0)] }
                return (state.waiting.removeValue(forKey: request), worker)
            }
            if let error = message["error"] {
                let fault = (try? WorkerFault(json: error)) ?? WorkerFault(code: "failed", message: "failed")
                waiting?.resume(returning: .failure(WorkerError(fault)))
            } else {
                waiting?.resume(returning: .success(Reply(body: ok, worker: worker)))
            }
            return
        }
        let number = message["worker"]?.integer.map { Int($0) }
        switch message["event"]?.string {
        case "started":
            guard let number, let pid = message["pid"]?.integer, let container = message["container"]?.string else {
                return
            }
            let worker = WorkerState(number: number, processID: Int32(clamping: pid), containerID: container)
            state.withLock { $0.workers[number] = worker }
            announce(WorkerEvent(.started, processID: worker.processID, containerID: container))
        case "ended":
            guard let number, let worker = state.withLock({ $0.workers.removeValue(forKey: number) }) else { return }
            let value = Int32(clamping: message["value"]?.integer ?? 0)
            let end: WorkerEnd =
                switch message["how"]?.string {
                case "signaled": .signaled(value)
                case "out of memory": .outOfMemory
                default: .exited(value)
                }
            worker.finish(.success(end))
            announce(WorkerEvent(.ended(end), processID: worker.processID, containerID: worker.containerID))
        case "pulling": announce(WorkerEvent(.pulling(image: message["image"]?.string ?? "")))
        case "pulled": announce(WorkerEvent(.pulled(image: message["image"]?.string ?? "")))
        case "warning": announce(WorkerEvent(.warning(message["message"]?.string ?? "")))
        default: break
        }
    }

    private func end(_ reason: WorkerError) {
        let (waiting, workers, listeners) = state.withLock { state in
            state.closed = reason
            defer {
                state.waiting = [:]
                state.workers = [:]
                state.listeners = [:]
            }
            return (Array(state.waiting.values), Array(state.workers.values), Array(state.listeners.values))
        }
        // It ends when its socket does; it may be busy with its workers' ends.
        waitpid(launcher, nil, 0)
        for continuation in waiting { continuation.resume(returning: .failure(reason)) }
        for worker in workers { worker.finish(.failure(reason)) }
        for listener in listeners {
            listener.yield(WorkerEvent(.closed))
            listener.finish()
        }
    }
}

/// A nonisolated function, as a C callback must be.
private func readUntilGone(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    Unmanaged<LauncherConnection>.fromOpaque(context).takeRetainedValue().readAll()
    return nil
}

/// What is known about a worker, and who waits for its end.
final class WorkerState: Sendable {
    let number: Int
    let processID: Int32
    let containerID: String
    private let state = Mutex(State())

    private struct State {
        var end: Result<WorkerEnd, WorkerError>?
        var nextWaiter = 1
        var waiters: [Int: CheckedContinuation<Result<WorkerEnd, WorkerError>, Never>] = [:]
    }

    init(number: Int, processID: Int32, containerID: String) {
        self.number = number
        self.processID = processID
        self.containerID = containerID
    }

    var end: WorkerEnd? { state.withLock { try? $0.end?.get() } }
    var hasEnded: Bool { state.withLock { $0.end != nil } }

    func finish(_ end: Result<WorkerEnd, WorkerError>) {
        let waiters = state.withLock { state in
            state.end = end
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume(returning: end) }
    }

    func wait() async throws(WorkerError) -> WorkerEnd {
        let number = state.withLock { state in
            defer { state.nextWaiter += 1 }
            return state.nextWaiter
        }
        let cancelled = Result<WorkerEnd, WorkerError>.failure(WorkerError(.cancelled, "wait for worker: cancelled"))
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let known = state.withLock { state -> Result<WorkerEnd, WorkerError>? in
                    if let end = state.end { return end }
                    // The handler may have run already, and found nobody.
                    if Task.isCancelled { return cancelled }
                    state.waiters[number] = continuation
                    return nil
                }
                if let known { continuation.resume(returning: known) }
            }
        } onCancel: {
            let waiter = state.withLock { $0.waiters.removeValue(forKey: number) }
            waiter?.resume(returning: cancelled)
        }
        return try result.get()
    }
}
