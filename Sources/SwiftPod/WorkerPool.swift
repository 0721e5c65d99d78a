import OCISpec
import Workers

/// Sandboxes of one kind that wait for their command, so that a worker starts in the time of an exec.
///
/// One that is taken is made anew in the background. The pool is closed when this value is let go of; the workers that it
/// gave run on.
public final class WorkerPool: Sendable {
    private let launcher: WorkerLauncher
    private let number: Int
    private let entrypoint: [String]

    /// What its sandboxes are made from.
    public let env: ContainerRuntimeEnv
    /// How many wait when nobody takes any.
    public let size: Int

    init(_ launcher: WorkerLauncher, _ env: ContainerRuntimeEnv, _ options: WorkerOptions, number: Int, size: Int) {
        self.launcher = launcher
        self.env = env
        self.number = number
        self.size = size
        entrypoint = options.entrypoint ?? ["python"]
    }

    deinit {
        let (connection, number) = (launcher.connection, self.number)
        Task { _ = try? await connection.request("close", ["pool": number.json]) }
    }

    /// Executes a command in a sandbox that waits, or in the next one that is ready, and returns when it is executed.
    /// - Parameters:
    ///   - arguments: follow the entry point.
    ///   - environment: set over the variables of the image and of the run options.
    public func acquire(
        arguments: [String] = [], environment: [String: String] = [:], streams: WorkerStreams = WorkerStreams()
    ) async throws(WorkerError) -> Worker {
        let open = try OpenStreams(streams)
        defer { open.closeWorkersEnds() }
        let pairs = environment.map { (name: $0.key, value: $0.value) }
        let answer: LauncherConnection.Reply
        do throws(WorkerError) {
            answer = try await launcher.connection.request(
                "acquire",
                [
                    "pool": number.json, "command": (entrypoint + arguments).json,
                    "environment": WorkerOrder.json(pairs),
                    "streams": open.json,
                ], descriptors: open.descriptors)
        } catch {
            open.closeOurEnds()
            throw error
        }
        return try launcher.worker(answer, env, open)
    }

    /// Ends the sandboxes that wait. The pool gives none any more.
    public func close() async throws(WorkerError) {
        _ = try await launcher.connection.request("close", ["pool": number.json])
    }
}
