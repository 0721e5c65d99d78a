/// A type that a JSON value can be read into and written from.
///
/// Reading ignores members that it does not know, as the specifications ask, and takes null for an absent member, as
/// Go does, whose programs write these documents. Writing leaves out what is empty.
public protocol JSONDocument {
    /// - Throws: `DocumentError`, its path relative to `json`.
    init(json: JSON) throws(DocumentError)
    var json: JSON { get }
}

extension JSONDocument {
    /// Reads a document from its bytes.
    public init(parsing bytes: some Collection<UInt8>) throws(DocumentError) {
        try self.init(json: try JSON(parsing: bytes))
    }

    /// Writes the document in UTF-8.
    public func encoded(pretty: Bool = false) -> [UInt8] {
        json.encoded(pretty: pretty)
    }
}

// MARK: - Members of an object

extension JSON {
    /// The object's member of that name; absent and null are an error.
    public func required<T: JSONDocument>(_ name: String, as type: T.Type = T.self) throws(DocumentError) -> T {
        guard let value = try optional(name, as: type) else {
            throw DocumentError(path: name, reason: "is missing")
        }
        return value
    }

    /// The object's member of that name; nil where it is absent or null.
    public func optional<T: JSONDocument>(_ name: String, as type: T.Type = T.self) throws(DocumentError) -> T? {
        guard let value = try member(name) else { return nil }
        do { return try T(json: value) } catch { throw error.within(name) }
    }

    /// The object's member of that name, an array; empty where it is absent or null.
    public func list<T: JSONDocument>(_ name: String, of type: T.Type = T.self) throws(DocumentError) -> [T] {
        guard let value = try member(name) else { return [] }
        do { return try value.elements() } catch { throw error.within(name) }
    }

    /// The object's member of that name, an object of equal values; empty where it is absent or null.
    public func table<T: JSONDocument>(_ name: String, of type: T.Type = T.self) throws(DocumentError) -> [String: T] {
        guard let value = try member(name) else { return [:] }
        do { return try value.entries() } catch { throw error.within(name) }
    }

    /// The names of the object that is the member of that name: Go's way to write a set. Sorted.
    public func keys(_ name: String) throws(DocumentError) -> [String] {
        guard let value = try member(name) else { return [] }
        guard let members = value.members else { throw DocumentError(path: name, reason: "is not an object") }
        do {
            for member in members { try member.checkName() }
        } catch { throw error.within(name) }
        return members.map(\.name).sorted()
    }

    /// Every element of an array.
    public func elements<T: JSONDocument>(of type: T.Type = T.self) throws(DocumentError) -> [T] {
        guard let array else { throw DocumentError(reason: "is not an array") }
        var result: [T] = []
        result.reserveCapacity(array.count)
        for (index, element) in array.enumerated() {
            do { result.append(try T(json: element)) } catch { throw error.within(index) }
        }
        return result
    }

    /// Every member of an object whose values are of one kind.
    public func entries<T: JSONDocument>(of type: T.Type = T.self) throws(DocumentError) -> [String: T] {
        guard let members else { throw DocumentError(reason: "is not an object") }
        var result: [String: T] = [:]
        result.reserveCapacity(members.count)
        for member in members {
            try member.checkName()
            do { result[member.name] = try T(json: member.value) } catch { throw error.within(member.name) }
        }
        return result
    }

    private func member(_ name: String) throws(DocumentError) -> JSON? {
        guard case .object = self else { throw DocumentError(reason: "is not an object") }
        guard let value = self[name], value != .null else { return nil }
        return value
    }
}

extension JSON.Member {
    /// Names that we keep go where strings go, and must be as free of NUL as they.
    fileprivate func checkName() throws(DocumentError) {
        guard !name.utf8.contains(0) else { throw DocumentError(reason: "has a name with a NUL character") }
    }
}

// MARK: - Writing

extension Array where Element: JSONDocument {
    /// An array of the elements.
    public var json: JSON {
        // By number: an iterator and map() are generic types that have to be put together when this runs, for which
        // all conformances of the program are searched; every container's record comes along here.
        var elements: [JSON] = []
        elements.reserveCapacity(count)
        for index in 0..<count { elements.append(self[index].json) }
        return .array(elements)
    }

    /// An array of the elements, or nil when there are none, for `JSON(members:)`.
    public var jsonUnlessEmpty: JSON? { isEmpty ? nil : json }
}

extension Dictionary where Key == String, Value: JSONDocument {
    /// An object, its members sorted by name so that equal tables give equal bytes.
    public var json: JSON {
        .object(keys.sorted().map { JSON.Member($0, self[$0]!.json) })
    }

    /// An object, or nil when it would be empty, for `JSON(members:)`.
    public var jsonUnlessEmpty: JSON? { isEmpty ? nil : json }
}

extension Bool {
    /// `true`, or nil for a member whose absence means false.
    public var jsonUnlessFalse: JSON? { self ? .bool(true) : nil }
}

extension String {
    /// The string, or nil where an empty one means the same as none.
    public var jsonUnlessEmpty: JSON? { isEmpty ? nil : .string(self) }
}

// MARK: - Leaves

extension JSON: JSONDocument {
    public init(json: JSON) { self = json }
    public var json: JSON { self }
}

extension Bool: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        guard let value = json.bool else { throw DocumentError(reason: "is not true or false") }
        self = value
    }

    public var json: JSON { .bool(self) }
}

extension String: JSONDocument {
    /// A string without NUL: what we read goes to the kernel, which would take the part before it for the whole.
    public init(json: JSON) throws(DocumentError) {
        guard let value = json.string else { throw DocumentError(reason: "is not a string") }
        // In one piece: by the iterator of its bytes it takes as long as reading the string from its document.
        var text = value
        guard !text.withUTF8({ bytes in bytes.contains(0) }) else {
            throw DocumentError(reason: "has a NUL character")
        }
        self = value
    }

    public var json: JSON { .string(self) }
}

extension JSONDocument where Self: FixedWidthInteger {
    public init(json: JSON) throws(DocumentError) {
        let value: Self?
        switch json {
        case .integer(let integer): value = Self(exactly: integer)
        case .unsigned(let integer): value = Self(exactly: integer)
        default: throw DocumentError(reason: "is not an integer")
        }
        guard let value else { throw DocumentError(reason: "is out of range (\(Self.min) to \(Self.max))") }
        self = value
    }

    public var json: JSON {
        if let value = Int64(exactly: self) { .integer(value) } else { JSON(UInt64(truncatingIfNeeded: self)) }
    }
}

extension Int: JSONDocument {}
extension Int32: JSONDocument {}
extension Int64: JSONDocument {}
extension UInt16: JSONDocument {}
extension UInt32: JSONDocument {}
extension UInt64: JSONDocument {}
