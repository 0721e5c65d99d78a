/// A JSON value (RFC 8259), as small as the start path wants it: no Foundation, order of members kept.
public enum JSON: Equatable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// An integer above `Int64.max` and no other: resource limits and seccomp arguments use all 64 bits.
    case unsigned(UInt64)
    /// Any number that is not a 64-bit integer, and every number written with a fraction or an exponent.
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

// MARK: - Looking inside

extension JSON {
    /// The member of that name, or nil when there is none or this is no object.
    public subscript(name: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        for member in members where member.name == name { return member.value }
        return nil
    }

    public var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The value of an integer that fits; nil for `1.0` and `1e3`, which are numbers but not integers.
    public var integer: Int64? {
        if case .integer(let value) = self { value } else { nil }
    }

    /// The value of an integer that is not negative.
    public var unsigned: UInt64? {
        switch self {
        case .integer(let value): UInt64(exactly: value)
        case .unsigned(let value): value
        default: nil
        }
    }

    /// The value of any number.
    public var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .unsigned(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    public var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    public var array: [JSON]? {
        if case .array(let value) = self { value } else { nil }
    }

    public var members: [Member]? {
        if case .object(let value) = self { value } else { nil }
    }

    public var isNull: Bool { self == .null }
}

// MARK: - Building

extension JSON {
    /// An object of the members that have a value; a nil value leaves its member out.
    public init(members: KeyValuePairs<String, JSON?>) {
        var result: [Member] = []
        result.reserveCapacity(members.count)
        for (name, value) in members {
            if let value { result.append(Member(name, value)) }
        }
        self = .object(result)
    }

    /// An integer in its canonical case.
    public init(_ value: UInt64) {
        if let small = Int64(exactly: value) {
            self = .integer(small)
        } else {
            self = .unsigned(value)
        }
    }

    /// Sets, replaces or, with nil, removes a member. A value that is no object becomes one.
    public mutating func set(_ name: String, _ value: JSON?) {
        var members = self.members ?? []
        let index = members.firstIndex { $0.name == name }
        switch (index, value) {
        case (let index?, let value?): members[index].value = value
        case (let index?, nil): members.remove(at: index)
        case (nil, let value?): members.append(Member(name, value))
        case (nil, nil): break
        }
        self = .object(members)
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(elements.map { Member($0.0, $0.1) })
    }
}
