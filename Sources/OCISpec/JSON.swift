/// A JSON value (RFC 8259), as small as the start path wants it: no Foundation, order of members kept.
public enum JSON: Equatable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// Any number that is not a 64-bit integer.
    case number(Double)
    case string(String)
    case array([JSON])
    /// Members in the order of the document. A name that comes twice is an error when parsing.
    case object([Member])

    /// One name and its value.
    public struct Member: Equatable, Sendable {
        public var name: String
        public var value: JSON

        public init(_ name: String, _ value: JSON) {
            self.name = name
            self.value = value
        }
    }
}
