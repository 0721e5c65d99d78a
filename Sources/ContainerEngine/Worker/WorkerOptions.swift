/// What a worker's start needs beyond its request.
public struct WorkerOptions {
    /// The worker is killed when this process's parent dies (exactly: the parent's thread that started this process).
    /// nil: where the worker's environment says that the parent is its raylet.
    public var diesWithParent: Bool?
    /// For sandboxes made ahead: called when all but the command is done, in the container and as its user, to wait for
    /// what the command is. It can use the descriptors that this process has opened before, and no file of the host.
    /// nil in its place: the command is the request's.
    public var command: (() throws(EngineError) -> WorkerCommand)?

    public init() {}
}

/// The command of a sandbox that was made ahead.
public struct WorkerCommand: Equatable, Sendable {
    /// Entry point and arguments; nil keeps the request's.
    public var arguments: [String]?
    /// Set beside, and over, the request's variables.
    public var environment: [(name: String, value: String)]
    public var streams: AttachedStreams

    public init(
        arguments: [String]? = nil, environment: [(name: String, value: String)] = [],
        streams: AttachedStreams = AttachedStreams(stdin: nil)
    ) {
        self.arguments = arguments
        self.environment = environment
        self.streams = streams
    }

    public static func == (a: Self, b: Self) -> Bool {
        a.arguments == b.arguments && a.environment.elementsEqual(b.environment, by: ==) && a.streams == b.streams
    }
}
