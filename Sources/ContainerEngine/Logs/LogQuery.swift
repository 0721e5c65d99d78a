/// Which part of a container's log is wanted, and how it is to look.
public struct LogQuery: Equatable, Sendable {
    /// Goes on until the container ends.
    public var follow: Bool = false
    /// The last so many lines; nil is all.
    public var tail: Int?
    public var since: Timestamp?
    public var until: Timestamp?
    /// Each line begins with its time, RFC 3339 with nanoseconds.
    public var timestamps: Bool = false
    /// Each line begins with the container's name (or the first 12 digits of its id).
    public var prefix: String?

    public init() {}
}
