import Launch
import LinuxKernel

/// What a worker's start needs beyond its request.
public struct WorkerOptions {
    /// The worker is killed when this process's parent dies (exactly: the parent's thread that started this process).
    /// nil: where the worker's environment says that the parent is its raylet.
    public var diesWithParent: Bool?
    /// For sandboxes made ahead: where the command comes from. nil: it is the request's.
    public var sandbox: Sandbox?

    public init() {}

    /// Who is made ahead.
    public struct Sandbox {
        /// A stream socket, at which it waits for its command: ``WorkerCommand/send(over:)``. When the other end is closed,
        /// it ends.
        public var socket: Int32
        /// Called when all but the command is done, in the container and as its user, with what the request alone would
        /// execute: its words and its variables. It can use the descriptors that this process has opened before, and no
        /// file of the host.
        public var ready: (_ command: WorkerCommand) -> Void

        public init(socket: Int32, ready: @escaping (_ command: WorkerCommand) -> Void) {
            self.socket = socket
            self.ready = ready
        }
    }
}

/// The command of a sandbox that was made ahead.
public struct WorkerCommand: Equatable, Sendable {
    /// Entry point and arguments.
    public var arguments: [String]
    /// `NAME=value`, all of them.
    public var environment: [String]

    public init(arguments: [String], environment: [String]) {
        self.arguments = arguments
        self.environment = environment
    }

    /// The same with other words, where there are any, and with variables set beside, and over, those it has.
    public func with(arguments: [String]?, environment: [(name: String, value: String)]) -> WorkerCommand {
        var command = self
        if let arguments { command.arguments = arguments }
        if !environment.isEmpty {
            var variables = VariableList(self.environment)
            for (name, value) in environment { variables.set(name, value) }
            command.environment = variables.entries
        }
        return command
    }

    /// Tells a sandbox that this is its command, by the other end of its socket; the streams stay the caller's.
    ///
    /// Throws ``EngineError`` `.invalid` for what no command can be, `.failed` where the sandbox is gone.
    public func send(over socket: Int32, streams: AttachedStreams) throws(EngineError) {
        let command: SandboxCommand
        do throws(PlanError) {
            command = try SandboxCommand(
                arguments: arguments, environment: environment, input: streams.stdin, output: streams.stdout,
                error: streams.stderr)
        } catch {
            throw EngineError(.invalid, error.description, cause: error)
        }
        try doing("start worker") { () throws(SyscallError) in try command.send(over: socket) }
    }
}
