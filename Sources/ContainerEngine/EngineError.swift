/// What went wrong, for whoever has to decide what to do next.
public struct EngineError: Error, CustomStringConvertible, Sendable {
    /// Kinds of failure. More may come: switch with a default.
    public struct Code: Hashable, Sendable {
        package let name: String

        public static let notFound = Code(name: "not found")
        public static let exists = Code(name: "exists")
        public static let invalid = Code(name: "invalid")
        public static let unsupported = Code(name: "unsupported")
        public static let permission = Code(name: "permission")
        public static let failed = Code(name: "failed")
        /// The container's command is there but cannot be invoked; podman's exit code 126.
        public static let cannotInvoke = Code(name: "cannot invoke")
        /// The container's command is not there; podman's exit code 127.
        public static let commandNotFound = Code(name: "command not found")
    }

    public let code: Code
    /// One line, lower case, no full stop: verb, object, reason.
    public let message: String
    /// What caused it, where that is known.
    public let cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String { message }
}
