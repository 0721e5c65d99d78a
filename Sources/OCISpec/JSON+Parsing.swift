extension JSON {
    /// Values nest at most this deep: more than any real document, and little enough stack for any thread.
    public static let depthLimit = 128

    /// Reads one document, which must be all of `bytes`.
    ///
    /// Strict, since it reads what strangers send: UTF-8 is checked, a name may come once in an object, numbers have
    /// RFC 8259's form and must fit, nothing may follow the value. Two names that are canonically equivalent Unicode
    /// count as one name, as Swift's dictionaries would have it.
    ///
    /// - Throws: `DocumentError` with an empty path, the reason saying line and column.
    public init(parsing bytes: some Collection<UInt8>) throws(DocumentError) {
        var parser = JSONParser(bytes: (bytes as? [UInt8]) ?? Array(bytes))
        self = try parser.document()
    }

    /// Reads of an object the members that stand before the one of that name. The rest is not looked at, and need not
    /// be there: for one of our own documents, of whose file only the beginning was read.
    ///
    /// - Throws: as `init(parsing:)`; also where no member has that name.
    public init(parsing bytes: [UInt8], before name: String) throws(DocumentError) {
        var parser = JSONParser(bytes: bytes)
        parser.last = name
        self = try parser.beginning()
    }

    /// Reads one document from text.
    public init(parsing text: String) throws(DocumentError) {
        try self.init(parsing: Array(text.utf8))
    }
}

/// A recursive descent over an array, whose bounds checks stay on in release builds.
struct JSONParser {
    let bytes: [UInt8]
    var position = 0
    var depth = 0
    /// The member of the outermost object that ends the reading.
    var last: String?

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func document() throws(DocumentError) -> JSON {
        skipSpace()
        guard position < bytes.count else { throw DocumentError(reason: "is an empty document") }
        let value = try value()
        skipSpace()
        guard position == bytes.count else { throw unexpected() }
        return value
    }

    /// What stands before the last member.
    mutating func beginning() throws(DocumentError) -> JSON {
        skipSpace()
        guard peek == UInt8(ascii: "{") else { throw unexpected() }
        return try value()
    }

    private mutating func value() throws(DocumentError) -> JSON {
        switch peek {
        case UInt8(ascii: "{"): return try nested { parser throws(DocumentError) in try parser.object() }
        case UInt8(ascii: "["): return try nested { parser throws(DocumentError) in try parser.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw unexpected()
        }
    }

    private mutating func nested(
        _ body: (inout JSONParser) throws(DocumentError) -> JSON
    ) throws(DocumentError) -> JSON {
        guard depth < JSON.depthLimit else { throw failure("nests deeper than \(JSON.depthLimit) levels") }
        depth += 1
        position += 1
        skipSpace()
        let value = try body(&self)
        depth -= 1
        return value
    }

    private mutating func object() throws(DocumentError) -> JSON {
        var members: [JSON.Member] = []
        var names = NameSet()
        if take(UInt8(ascii: "}")) {
            if depth == 1, let last { throw failure("has no \(last)") }
            return .object(members)
        }
        while true {
            let start = position
            guard peek == UInt8(ascii: "\"") else { throw unexpected() }
            let name = try string()
            guard names.insert(name, after: members) else {
                throw failure("has the name \"\(name.escapingControls)\" twice", at: start)
            }
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw unexpected() }
            skipSpace()
            if depth == 1, let last, name == last { return .object(members) }
            members.append(JSON.Member(name, try value()))
            skipSpace()
            if take(UInt8(ascii: "}")) {
                if depth == 1, let last { throw failure("has no \(last)") }
                return .object(members)
            }
            guard take(UInt8(ascii: ",")) else { throw unexpected() }
            skipSpace()
        }
    }

    private mutating func array() throws(DocumentError) -> JSON {
        var elements: [JSON] = []
        if take(UInt8(ascii: "]")) { return .array(elements) }
        while true {
            elements.append(try value())
            skipSpace()
            if take(UInt8(ascii: "]")) { return .array(elements) }
            guard take(UInt8(ascii: ",")) else { throw unexpected() }
            skipSpace()
        }
    }

    private mutating func word(_ text: StaticString, _ value: JSON) throws(DocumentError) -> JSON {
        for index in 0..<text.utf8CodeUnitCount {
            guard peek == text.utf8Start[index] else { throw unexpected() }
            position += 1
        }
        return value
    }

    // MARK: - Where we are

    /// The byte in hand; 0 at the end, which no rule of the grammar takes.
    var peek: UInt8 {
        position < bytes.count ? bytes[position] : 0
    }

    mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte, position < bytes.count else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    func unexpected() -> DocumentError {
        guard position < bytes.count else { return failure("ends too early") }
        let byte = bytes[position]
        let what =
            (0x21...0x7E).contains(byte)
            ? "character '\(Character(Unicode.Scalar(byte)))'" : "byte 0x\(String(byte, radix: 16))"
        return failure("has an unexpected \(what)")
    }

    func failure(_ reason: String, at offset: Int? = nil) -> DocumentError {
        let before = bytes[..<min(offset ?? position, bytes.count)]
        let line = before.reduce(1) { $0 + ($1 == 0x0A ? 1 : 0) }
        let column = before.count - (before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0) + 1
        return DocumentError(reason: "is not valid JSON: \(reason) at line \(line), column \(column)")
    }
}

/// Finds names that come twice: by comparing in small objects, by hash in large ones.
private struct NameSet {
    private var names: Set<String> = []

    mutating func insert(_ name: String, after members: [JSON.Member]) -> Bool {
        if members.count < 12 {
            return !members.contains { $0.name == name }
        }
        if names.isEmpty { names = Set(members.map(\.name)) }
        return names.insert(name).inserted
    }
}
