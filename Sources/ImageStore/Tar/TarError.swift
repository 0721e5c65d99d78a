/// What is wrong with an archive.
public struct TarError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Lower case, one line, no full stop.
    public var reason: String
    /// The archive may be well made but goes beyond what the reader takes.
    public var isLimit: Bool

    init(_ reason: String, isLimit: Bool = false) {
        self.reason = reason
        self.isLimit = isLimit
    }

    public var description: String { reason }
}
