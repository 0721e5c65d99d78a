import Workers

/// Why a worker could not be prepared, started or reached.
public struct WorkerError: Error, Sendable, CustomStringConvertible {
    /// Kinds of failure. More may come: switch with a default.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        let name: String

        /// The image, or something else that was named, is not there.
        public static let notFound = Code(name: "not found")
        /// Something of that name is there already.
        public static let exists = Code(name: "exists")
        /// What was asked for makes no sense, or an option is misspelt.
        public static let invalid = Code(name: "invalid")
        /// podman has it, swiftpod does not yet; or a launcher of another version.
        public static let unsupported = Code(name: "unsupported")
        /// The caller may not.
        public static let permission = Code(name: "permission")
        public static let failed = Code(name: "failed")
        /// The command is in the image but cannot be executed.
        public static let cannotInvoke = Code(name: "cannot invoke")
        /// The command is not in the image.
        public static let commandNotFound = Code(name: "command not found")
        /// The launcher is gone, and its workers with it.
        public static let closed = Code(name: "closed")
        /// The task that waited was cancelled.
        public static let cancelled = Code(name: "cancelled")

        public var description: String { name }
    }

    public let code: Code
    /// One line, lower case, without a full stop: what could not be done to what, and why.
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    init(_ fault: WorkerFault) {
        self.init(Code(name: fault.code), fault.message)
    }

    public var description: String { message }
}
