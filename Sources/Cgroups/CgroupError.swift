/// Why a cgroup could not be made, limited or acted upon.
public struct CgroupError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Kind: Equatable, Sendable {
        /// A value that no kernel takes.
        case invalid
        /// A resource that cgroup v2 does not have.
        case unsupported
        /// The kernel has the controllers, and the caller may not use them where he stands.
        case notDelegated
        case failed
    }

    public let kind: Kind
    /// One line, lower case, no full stop.
    public let description: String

    public init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}
