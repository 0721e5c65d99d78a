/// What a worker gets beside its image, command and environment. The default is nothing.
public struct WorkerOptions: Hashable, Sendable {
    /// Paths of the host that the worker sees.
    public var mounts: [Mount] = []
    /// Devices as `--device` takes them: `/dev/fuse`, `/dev/sda:/dev/xvda:r`, `nvidia.com/gpu=all`.
    public var devices: [String] = []
    /// So many processors' time at most, `--cpus`; nil is no limit.
    public var cpus: Double?
    /// So many bytes of memory at most, `--memory`; nil is no limit.
    public var memory: UInt64?
    /// The working directory inside; nil is the image's.
    public var workingDirectory: String?
    /// What is executed; nil is `python`, as Ray has it. An empty list leaves the image's own entry point.
    public var entrypoint: [String]?

    public init() {}

    /// A path of the host at a path of the worker's.
    public struct Mount: Hashable, Sendable {
        /// Absolute.
        public var source: String
        /// Absolute; nil is the same path.
        public var destination: String?
        public var isReadOnly: Bool

        public init(_ source: String, at destination: String? = nil, readOnly: Bool = false) {
            self.source = source
            self.destination = destination
            isReadOnly = readOnly
        }
    }

    /// As Ray starts its workers: with Ray's directory, where its sockets and logs are.
    public static func ray(temporaryDirectory: String = "/tmp/ray") -> WorkerOptions {
        var options = WorkerOptions()
        options.mounts = [Mount(temporaryDirectory)]
        return options
    }
}

/// Where one of a worker's standard streams leads.
public enum WorkerStream: Hashable, Sendable {
    /// /dev/null.
    case null
    /// This program's own stream of the same number. A worker never gets a terminal of the program's: its output is
    /// copied there.
    case inherit
    /// A file of the host. Output is appended to it, and it is made where it is missing (mode 0644).
    case file(String)
    /// An open descriptor of this program, which stays the program's.
    case descriptor(Int32)
    /// A new pipe, whose other end the ``Worker`` has.
    case pipe
}

/// A worker's three standard streams.
public struct WorkerStreams: Hashable, Sendable {
    public var input: WorkerStream
    public var output: WorkerStream
    public var error: WorkerStream

    public init(input: WorkerStream = .null, output: WorkerStream = .inherit, error: WorkerStream = .inherit) {
        self.input = input
        self.output = output
        self.error = error
    }
}

/// How a worker ended.
public enum WorkerEnd: Hashable, Sendable, CustomStringConvertible {
    /// By itself, with this status.
    case exited(Int32)
    /// Killed by this signal.
    case signaled(Int32)
    /// Killed by SIGKILL because it wanted more memory than its limit, or than the machine had. Told of workers with a
    /// limit of memory; of others it is `.signaled`.
    case outOfMemory

    /// The status as shells count it: 128 + signal for one that was killed.
    public var code: Int32 {
        switch self {
        case .exited(let code): code
        case .signaled(let signal): 128 + signal
        case .outOfMemory: 137
        }
    }

    public var description: String {
        switch self {
        case .exited(let code): "exited with status \(code)"
        case .signaled(let signal): "was killed by signal \(signal)"
        case .outOfMemory: "was killed: out of memory"
        }
    }
}
