/// What was found out about the containers of a Serve configuration.
public struct ServeReport: Hashable, Sendable {
    /// What is wrong, and what mends it.
    public struct Fault: Hashable, Sendable {
        public var what: String
        public var mend: String

        public init(_ what: String, mend: String) {
            self.what = what
            self.mend = mend
        }
    }

    /// One container and the places that ask for it.
    public struct Row: Hashable, Sendable {
        public var env: ContainerRuntimeEnv
        /// `whisper`, `whisper/Transcriber`.
        public var places: [String]
        /// nil where the image could not be prepared.
        public var prepared: WorkerLauncher.Prepared?
        public var faults: [Fault] = []
    }

    public var rows: [Row] = []
    /// What concerns no image: the host's own Python and Ray.
    public var faults: [Fault] = []
    /// The host's versions; nil where they were not looked for or not found.
    public var host: HostPython?

    public var isGood: Bool { faults.isEmpty && rows.allSatisfy(\.faults.isEmpty) }
}

/// The host's Python and its Ray, which Ray wants to be those of every image.
public struct HostPython: Hashable, Sendable {
    public var python: String
    /// nil where this Python has no Ray.
    public var ray: String?

    public init(python: String, ray: String?) {
        self.python = python
        self.ray = ray
    }
}
