import Glibc
import Synchronization

/// A process in a container of its own. It runs on when this value is let go of; its pipes are closed then.
public final class Worker: Sendable {
    private let state: WorkerState
    private let connection: LauncherConnection
    private let pipes: Mutex<[Int32?]>

    /// What it was started from.
    public let env: ContainerRuntimeEnv

    init(_ state: WorkerState, _ env: ContainerRuntimeEnv, _ connection: LauncherConnection, _ open: OpenStreams) {
        self.state = state
        self.env = env
        self.connection = connection
        pipes = Mutex(open.ourEnds)
    }

    deinit {
        pipes.withLock { for pipe in $0 { if let pipe { close(pipe) } } }
    }

    /// Its pid, in this program's pid namespace and in its own.
    public var processID: Int32 { state.processID }
    /// As `swiftpod ps --no-trunc` shows it while it runs.
    public var containerID: String { state.containerID }
    /// How it ended; nil while it runs.
    public var end: WorkerEnd? { state.end }

    /// The write end of its stdin's pipe; nil where the stream is no pipe, or the pipe was taken. Closed with this value.
    public var standardInput: Int32? { pipes.withLock { $0[0] } }
    /// The read end of its stdout's pipe; nil where the stream is no pipe, or the pipe was taken. Closed with this value.
    public var standardOutput: Int32? { pipes.withLock { $0[1] } }
    /// The read end of its stderr's pipe; nil where the stream is no pipe, or the pipe was taken. Closed with this value.
    public var standardError: Int32? { pipes.withLock { $0[2] } }

    /// Gives a pipe's end away: the caller closes it.
    /// - Parameter stream: 0, 1 or 2.
    public func takePipe(_ stream: Int) -> Int32? {
        guard (0...2).contains(stream) else { return nil }
        return pipes.withLock { pipes in
            defer { pipes[stream] = nil }
            return pipes[stream]
        }
    }

    /// Waits for its end. Any number of tasks may wait, then and later.
    /// - Throws: `.cancelled` when the task is; `.closed` when the launcher is gone, and the worker with it.
    public func wait() async throws(WorkerError) -> WorkerEnd { try await state.wait() }

    /// Sends a signal. A worker that has ended is past it, which is no error.
    /// - Parameters:
    ///   - signal: its number, 0 to 64.
    ///   - group: to its whole process group, as a raylet does.
    public func signal(_ signal: Int32, group: Bool = false) async throws(WorkerError) {
        if state.hasEnded { return }
        _ = try await connection.request(
            "signal", ["worker": state.number.json, "signal": signal.json, "group": .bool(group)])
    }

    /// Asks its process group to end by SIGTERM, and kills it by SIGKILL when that takes longer than `grace`.
    public func terminate(grace: Duration = .seconds(10)) async throws(WorkerError) -> WorkerEnd {
        try await signal(SIGTERM, group: true)
        let state = self.state
        let killer = Task { [self] in
            try await Task.sleep(for: grace)
            if !state.hasEnded { try await signal(SIGKILL, group: true) }
        }
        defer { killer.cancel() }
        return try await wait()
    }
}
