import Glibc
import OCISpec
import Workers

/// Starts workers in containers, from any program however large and however many threads it has.
///
/// A launcher has one small process of its own, which is the workers' parent. Starting a worker costs this program a
/// message to it, whatever this program's size. When the program ends, however it ends, the launcher process and the
/// workers end too.
///
///     let launcher = try WorkerLauncher()
///     let env = ContainerRuntimeEnv(image: "localhost/whisper:1")
///     let prepared = try await launcher.prepare(env)
///     let worker = try await launcher.launch(env, arguments: [prepared.workerPath!, "--node-ip-address=…"])
///     let end = try await worker.wait()
public final class WorkerLauncher: Sendable {
    /// Where things are kept and who is the launcher.
    public struct Settings: Sendable {
        /// Images and containers; nil is swiftpod's own place, which depends on the user: `~/.local/share/swiftpod`, or
        /// `/var/lib/swiftpod` for root.
        public var root: String?
        /// The state of what runs; nil is `$XDG_RUNTIME_DIR/swiftpod`, or `/run/swiftpod` for root.
        public var runRoot: String?
        /// The `swiftpod` binary, to be the launcher. nil is this program itself, which becomes a launcher before its
        /// main: right for a program that this library is linked into, wrong for a plug-in of another program.
        public var binary: String?

        /// Where CDI documents are, a later directory's devices before an earlier one's; empty is /etc/cdi and
        /// /var/run/cdi. Absolute.
        public var cdiDirectories: [String] = []

        public init() {}

        /// What is executed; nil is this program.
        var program: String? { binary }

        var name: String { binary == nil ? LauncherProcess.name : "swiftpod" }

        var arguments: [String] {
            var options: [String] = []
            if let root { options += ["--root", root] }
            if let runRoot { options += ["--runroot", runRoot] }
            for directory in cdiDirectories { options += ["--cdi-spec-dir", directory] }
            let words = LauncherProcess.arguments(options)
            return binary == nil ? words : [LauncherProcess.word] + words
        }
    }

    let connection: LauncherConnection
    /// As it was started.
    public let settings: Settings

    /// Starts the launcher process.
    /// - Throws: `.failed` where it cannot be started. What is wrong with its surroundings (no place for images, say) is
    ///   thrown by the first request.
    public init(_ settings: Settings = Settings()) throws(WorkerError) {
        self.settings = settings
        connection = try LauncherConnection(settings)
        try connection.listen()
    }

    deinit {
        connection.shutDown()
    }

    /// Ends the launcher process and all workers; every request fails with `.closed` from then on.
    public func close() { connection.shutDown() }

    /// The launcher's own process.
    public var processID: Int32 { connection.launcher }

    // MARK: - Images

    /// What is known about an image once it is prepared.
    public struct Prepared: Hashable, Sendable {
        /// The image's id, `sha256:…`.
        public var imageID: String
        /// Ray's `default_worker.py` inside; nil where the image has no Ray.
        public var workerPath: String?
        /// Ray's version in the image, where it has Ray and it can be told.
        public var rayVersion: String?
        /// Python's version in the image; nil where the worker path was given, and nothing had to be looked for.
        public var pythonVersion: String?
        /// The user id of a worker.
        public var userID: UInt32?
        /// What only a look at the image tells, for ``check(_:python:)``.
        var writesRayDirectory: Bool?
        var hasWorkerPath: Bool?
        var foundWorkerPath: String?
    }

    /// Pulls the image where it is missing, lays it out for the id mapping that a worker needs, and finds the worker
    /// path: what a first start would do, ahead of time.
    ///
    /// The image is started once to find the worker path, and never again for the same image id.
    /// - Parameter refresh: look again, starting the image, even where the worker path is known.
    /// - Throws: `.notFound` where there is no such image, `.commandNotFound` where it has no `python`, `.invalid` for run
    ///   options that cannot be.
    public func prepare(
        _ env: ContainerRuntimeEnv, options: WorkerOptions = WorkerOptions(), refresh: Bool = false
    ) async throws(WorkerError) -> Prepared {
        let order = try WorkerCommandLine.order(env, options)
        let probe = refresh ? "fresh" : env.workerPath == nil ? "remembered" : "nothing"
        let answer = try await connection.request(
            "prepare", ["order": order.json, "probe": .string(probe), "workerPath": env.workerPath.map(JSON.string)])
        do {
            let prepared = try Workers.Prepared(json: answer.body)
            return Prepared(
                imageID: prepared.image, workerPath: env.workerPath ?? prepared.probe?.workerPath,
                rayVersion: prepared.probe?.ray, pythonVersion: prepared.probe?.python, userID: prepared.probe?.uid,
                writesRayDirectory: prepared.probe?.writes, hasWorkerPath: prepared.probe?.hasGiven,
                foundWorkerPath: prepared.probe?.workerPath)
        } catch {
            throw WorkerError(.failed, "prepare \(env.image): the launcher's answer \(error)")
        }
    }

    // MARK: - Workers

    /// Starts a worker and returns when its command has been executed.
    ///
    /// The worker has the host's pid, network and IPC namespaces and the caller's user id; it leads a session and a
    /// process group of its own.
    /// - Parameters:
    ///   - arguments: follow the entry point, which is `python` unless the options say otherwise.
    ///   - environment: set over the image's variables, and over those of the run options.
    /// - Throws: whatever ``prepare(_:options:refresh:)`` does, `.commandNotFound` and `.cannotInvoke`.
    public func launch(
        _ env: ContainerRuntimeEnv, arguments: [String] = [], environment: [String: String] = [:],
        options: WorkerOptions = WorkerOptions(), streams: WorkerStreams = WorkerStreams()
    ) async throws(WorkerError) -> Worker {
        let order = try WorkerCommandLine.order(
            env, options, arguments: arguments, environment: environment.map { ($0.key, $0.value) })
        let open = try OpenStreams(streams)
        defer { open.closeWorkersEnds() }
        let answer: LauncherConnection.Reply
        do throws(WorkerError) {
            answer = try await connection.request(
                "launch", ["order": order.json, "streams": open.json], descriptors: open.descriptors)
        } catch {
            open.closeOurEnds()
            throw error
        }
        return try worker(answer, env, open)
    }

    func worker(
        _ reply: LauncherConnection.Reply, _ env: ContainerRuntimeEnv, _ open: OpenStreams
    ) throws(WorkerError) -> Worker {
        guard let state = reply.worker else {
            open.closeOurEnds()
            throw WorkerError(.failed, "start worker: the launcher's answer cannot be understood")
        }
        return Worker(state, env, connection, open)
    }

    /// The workers that run, in the order in which they started.
    public var workers: [RunningWorker] {
        connection.workers.map { RunningWorker(processID: $0.processID, containerID: $0.containerID) }
    }

    /// A worker in a listing.
    public struct RunningWorker: Hashable, Sendable {
        public var processID: Int32
        public var containerID: String
    }

    /// What happens from now on. Each call begins a stream of its own; one that is not read keeps everything.
    public func events() -> AsyncStream<WorkerEvent> { connection.events() }

    // MARK: - Pools

    /// Makes sandboxes ahead: pulled, unpacked, namespaces and mounts done, waiting for their command. Returns when
    /// `size` of them wait.
    /// - Parameter size: how many are kept waiting, 1 to 1000.
    /// - Throws: as ``launch(_:arguments:environment:options:streams:)`` for what is wrong with the first one.
    public func pool(
        for env: ContainerRuntimeEnv, size: Int, options: WorkerOptions = WorkerOptions()
    ) async throws(WorkerError) -> WorkerPool {
        if options.entrypoint?.isEmpty == true {
            throw WorkerError(.invalid, "make pool: its sandboxes need an entry point of their own")
        }
        let order = try WorkerCommandLine.order(env, options)
        let answer = try await connection.request("pool", ["order": order.json, "size": size.json])
        guard let number = answer.body["pool"]?.integer else {
            throw WorkerError(.failed, "make pool: the launcher's answer cannot be understood")
        }
        return WorkerPool(self, env, options, number: Int(number), size: size)
    }
}
