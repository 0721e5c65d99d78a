import OCISpec

/// Makes, runs, observes and removes containers. One engine a process; single-threaded.
///
/// Everything that needs rights over the store or over containers moves this process into the namespace keeper's user
/// namespace first (see Keeper/README.md), which cannot be undone: host ids are then those of that namespace.
public struct Engine {
    public let settings: EngineSettings

    /// Makes the directories where they are missing.
    /// - Throws: `.permission` where one of them is not the caller's own.
    public init(_ settings: EngineSettings) throws(EngineError) {
        self.settings = settings
    }

    /// First statement of a program that uses an engine: a container's clean-up starts this program again with
    /// arguments of the engine's own. Returns the exit status in that case, nil otherwise.
    public static func internalCommand(_ arguments: [String]) -> Int32? {
        nil
    }

    /// Makes a container and does not start it. The image is pulled as the policy says.
    public func create(_ configuration: ContainerConfiguration) throws(EngineError) -> Container {
        throw EngineError(.unsupported, "create container: not written yet")
    }

    /// Creates, starts and supervises a container till it ends.
    /// - Parameter onCreate: called with the id when the container stands, before it runs (`--cidfile`).
    public func run(
        _ configuration: ContainerConfiguration, io: AttachedStreams,
        onCreate: (String) throws(EngineError) -> Void = { _ throws(EngineError) in }
    ) throws(EngineError) -> ExitStatus {
        throw EngineError(.unsupported, "run container: not written yet")
    }

    /// Creates and starts a container that a process of its own supervises. Returns the id once it runs.
    public func runDetached(_ configuration: ContainerConfiguration) throws(EngineError) -> String {
        throw EngineError(.unsupported, "run container: not written yet")
    }

    /// Starts a created or exited container. With `attach` it is supervised by this process and its end is returned;
    /// otherwise by a process of its own, and the result is nil. A container that runs already is left as it is.
    public func start(_ container: Container, attach: AttachedStreams?) throws(EngineError) -> ExitStatus? {
        throw EngineError(.unsupported, "start container: not written yet")
    }

    /// Runs a further process in a running container.
    /// - Returns: how it ended; nil when detached.
    public func exec(
        _ container: Container, _ configuration: ExecConfiguration, io: AttachedStreams
    ) throws(EngineError) -> ExitStatus? {
        throw EngineError(.unsupported, "exec in container: not written yet")
    }

    /// Finds one by name, id, or a beginning of its id that no other has.
    /// - Throws: `.notFound`, or `.invalid` where several ids begin so.
    public func container(_ nameOrID: String) throws(EngineError) -> Container {
        throw EngineError(.notFound, "no container with name or ID \"\(nameOrID)\" found: no such container")
    }

    /// All there are, oldest first.
    public func containers() throws(EngineError) -> [Container] { [] }

    /// - Throws: `.invalid` where it does not run.
    public func kill(_ container: Container, signal: Int32) throws(EngineError) {}

    /// Asks with the container's stop signal, and kills after `timeout` seconds (nil: the container's own). One that
    /// does not run is left as it is.
    public func stop(_ container: Container, timeout: UInt32?) throws(EngineError) {}

    /// Returns the exit code when the condition holds; -1 for a condition without one.
    public func wait(_ container: Container, for condition: WaitCondition = .stopped) throws(EngineError) -> Int32 { 0 }

    /// - Parameters:
    ///   - force: a running one is stopped first.
    ///   - timeout: seconds till it is killed; nil is the container's own.
    ///   - volumes: its anonymous volumes go too.
    public func remove(
        _ container: Container, force: Bool, timeout: UInt32? = nil, volumes: Bool = false
    ) throws(EngineError) {}

    /// Writes what the container wrote, its stdout to `out` and its stderr to `err`.
    public func logs(_ container: Container, _ query: LogQuery, out: Int32, err: Int32) throws(EngineError) {}

    /// One element of `podman inspect`'s array.
    public func inspect(_ container: Container) throws(EngineError) -> JSON { .null }

    /// `podman info`.
    public func info() throws(EngineError) -> JSON { .null }
}
