import OCISpec

/// A reader of TOML 1.0 into JSON values, for registries.conf.
///
/// Own code because the libraries there are bring full Foundation into the static executable (30 MB and a slower
/// start) for a file that uses tables, arrays of tables, strings, booleans and arrays. Dates and floating-point
/// numbers, which containers-registries.conf(5) has no use for, are kept as the text they were written as.
package struct TOML {
    package struct SyntaxError: Error, Equatable {
        /// Counted from 1.
        package var line: Int
        package var reason: String
    }

    private var bytes: [UInt8]
    private var position = 0
    private var line = 1

    /// Parses a whole document to an object.
    package static func parse(_ text: [UInt8]) throws(SyntaxError) -> JSON {
        var reader = TOML(bytes: text)
        return try reader.document()
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    private mutating func document() throws(SyntaxError) -> JSON {
        guard String(validating: bytes, as: UTF8.self) != nil else { throw failure("not UTF-8") }
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { position = 3 }
        var root = Table()
        var current: [String] = []
        var headers: Set<[String]> = []
        while true {
            skipBlankLines()
            guard let byte = peek() else { return root.json }
            if byte == UInt8(ascii: "[") {
                let isArray = peek(1) == UInt8(ascii: "[")
                position += isArray ? 2 : 1
                let path = try dottedKey()
                for _ in 0..<(isArray ? 2 : 1) { try expect("]") }
                if isArray {
                    guard root.appendTable(at: path[...]) else { throw failure("\(joined(path)) is not an array") }
                    // A new element starts afresh: its sub-tables may come again.
                    headers = headers.filter { !$0.starts(with: path) }
                } else {
                    guard headers.insert(path).inserted, root.openTable(at: path[...]) else {
                        throw failure("table \(joined(path)) is defined twice")
                    }
                }
                current = path
            } else {
                let key = try dottedKey()
                try expect("=")
                let value = try self.value(depth: 0)
                guard root.set(value, at: (current + key)[...]) else {
                    throw failure("key \(joined(key)) is defined twice")
                }
            }
            try endOfLine()
        }
    }

    // MARK: Keys

    private mutating func dottedKey() throws(SyntaxError) -> [String] {
        var parts: [String] = []
        while true {
            skipBlanks()
            parts.append(try simpleKey())
            skipBlanks()
            guard peek() == UInt8(ascii: ".") else { return parts }
            position += 1
        }
    }

    private mutating func simpleKey() throws(SyntaxError) -> String {
        switch peek() {
        case UInt8(ascii: "\""): return try basicString()
        case UInt8(ascii: "'"): return try literalString()
        default:
            let start = position
            while let byte = peek(), isBareKeyByte(byte) { position += 1 }
            guard position > start else { throw failure("a key is expected") }
            return String(decoding: bytes[start..<position], as: UTF8.self)
        }
    }

    private func isBareKeyByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    // MARK: Values

    private mutating func value(depth: Int) throws(SyntaxError) -> JSON {
        guard depth < 32 else { throw failure("values are nested too deeply") }
        skipBlanks()
        switch peek() {
        case UInt8(ascii: "\""):
            return .string(try starts(with: "\"\"\"") ? multilineString("\"\"\"") : basicString())
        case UInt8(ascii: "'"):
            return .string(try starts(with: "'''") ? multilineString("'''") : literalString())
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "{"): return try inlineTable(depth: depth)
        default: return try bareValue()
        }
    }

    private mutating func array(depth: Int) throws(SyntaxError) -> JSON {
        position += 1
        var items: [JSON] = []
        while true {
            skipBlankLines()
            if peek() == UInt8(ascii: "]") { break }
            items.append(try value(depth: depth + 1))
            skipBlankLines()
            if peek() == UInt8(ascii: ",") {
                position += 1
            } else if peek() != UInt8(ascii: "]") {
                throw failure("a comma or ] is expected in an array")
            }
        }
        position += 1
        return .array(items)
    }

    private mutating func inlineTable(depth: Int) throws(SyntaxError) -> JSON {
        position += 1
        var table = Table()
        skipBlanks()
        while peek() != UInt8(ascii: "}") {
            let key = try dottedKey()
            try expect("=")
            let value = try self.value(depth: depth + 1)
            guard table.set(value, at: key[...]) else { throw failure("key \(joined(key)) is defined twice") }
            skipBlanks()
            if peek() == UInt8(ascii: ",") {
                position += 1
                skipBlanks()
            } else if peek() != UInt8(ascii: "}") {
                throw failure("a comma or } is expected in a table")
            }
        }
        position += 1
        return table.json
    }

    private mutating func bareValue() throws(SyntaxError) -> JSON {
        let start = position
        while let byte = peek(),
            isBareKeyByte(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: ".")
                || byte == UInt8(ascii: ":")
        {
            position += 1
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        switch text {
        case "true": return .bool(true)
        case "false": return .bool(false)
        default: break
        }
        if let number = Int64(text.filter { $0 != "_" }) { return .integer(number) }
        guard let first = text.utf8.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) || text.count > 1,
            first < UInt8(ascii: "A")
        else { throw failure(text.isEmpty ? "a value is expected" : "\(text) is not a value: strings are quoted") }
        return .string(text)
    }

    // MARK: Strings

    private mutating func literalString() throws(SyntaxError) -> String {
        position += 1
        let start = position
        while let byte = peek(), byte != UInt8(ascii: "'") {
            guard byte != UInt8(ascii: "\n") else { throw failure("a string is not closed") }
            position += 1
        }
        guard peek() != nil else { throw failure("a string is not closed") }
        position += 1
        return String(decoding: bytes[start..<position - 1], as: UTF8.self)
    }

    private mutating func basicString() throws(SyntaxError) -> String {
        position += 1
        var result: [UInt8] = []
        while let byte = peek(), byte != UInt8(ascii: "\n") {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: result, as: UTF8.self)
            case UInt8(ascii: "\\"): result += try escape()
            default: result.append(byte)
            }
        }
        throw failure("a string is not closed")
    }

    private mutating func multilineString(_ quote: String) throws(SyntaxError) -> String {
        position += 3
        // A line end right after the opening quotes does not count.
        if starts(with: "\r\n") { position += 1 }
        if peek() == UInt8(ascii: "\n") { advanceLine() }
        var result: [UInt8] = []
        while let byte = peek() {
            if starts(with: quote) {
                position += 3
                // Up to two more quotes belong to the text.
                for _ in 0..<2 where peek() == byte {
                    result.append(byte)
                    position += 1
                }
                return String(decoding: result, as: UTF8.self)
            }
            if byte == UInt8(ascii: "\n") {
                advanceLine()
                result.append(byte)
            } else if byte == UInt8(ascii: "\\"), quote == "\"\"\"" {
                position += 1
                if let next = peek(), next == UInt8(ascii: "\n") || next == UInt8(ascii: "\r") {
                    skipWhitespaceAndLines()
                } else {
                    result += try escape()
                }
            } else {
                position += 1
                result.append(byte)
            }
        }
        throw failure("a string is not closed")
    }

    private mutating func escape() throws(SyntaxError) -> [UInt8] {
        guard let byte = peek() else { throw failure("a string is not closed") }
        position += 1
        switch byte {
        case UInt8(ascii: "n"): return [0x0a]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "r"): return [0x0d]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0c]
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): return [byte]
        case UInt8(ascii: "u"), UInt8(ascii: "U"):
            let count = byte == UInt8(ascii: "u") ? 4 : 8
            guard position + count <= bytes.count,
                let code = UInt32(String(decoding: bytes[position..<position + count], as: UTF8.self), radix: 16),
                let scalar = Unicode.Scalar(code)
            else { throw failure("a \\u escape is malformed") }
            position += count
            return Array(String(Character(scalar)).utf8)
        default: throw failure("an unknown escape in a string")
        }
    }

    // MARK: Characters

    private func peek(_ ahead: Int = 0) -> UInt8? {
        position + ahead < bytes.count ? bytes[position + ahead] : nil
    }

    private func starts(with text: String) -> Bool {
        bytes[position...].starts(with: text.utf8)
    }

    private mutating func advanceLine() {
        position += 1
        line += 1
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(SyntaxError) {
        skipBlanks()
        guard peek() == UInt8(ascii: character) else { throw failure("\(character) is expected") }
        position += 1
    }

    private mutating func skipBlanks() {
        while let byte = peek(), byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") { position += 1 }
    }

    private mutating func skipWhitespaceAndLines() {
        while let byte = peek() {
            if byte == UInt8(ascii: "\n") {
                advanceLine()
            } else if byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r") {
                position += 1
            } else {
                return
            }
        }
    }

    private mutating func skipBlankLines() {
        while true {
            skipWhitespaceAndLines()
            guard peek() == UInt8(ascii: "#") else { return }
            skipComment()
        }
    }

    private mutating func skipComment() {
        while let byte = peek(), byte != UInt8(ascii: "\n") { position += 1 }
    }

    private mutating func endOfLine() throws(SyntaxError) {
        skipBlanks()
        if peek() == UInt8(ascii: "#") { skipComment() }
        if peek() == UInt8(ascii: "\r") { position += 1 }
        guard let byte = peek() else { return }
        guard byte == UInt8(ascii: "\n") else { throw failure("the rest of the line is not understood") }
    }

    private func joined(_ path: [String]) -> String { path.joined(separator: ".") }

    private func failure(_ reason: String) -> SyntaxError { SyntaxError(line: line, reason: reason) }
}

/// A table under construction.
private struct Table {
    private indirect enum Node {
        case value(JSON)
        case table(Table)
        case tables([Table])
    }

    private var names: [String] = []
    private var nodes: [String: Node] = [:]

    var json: JSON {
        .object(
            names.map { name in
                switch nodes[name] {
                case .value(let value)?: JSON.Member(name, value)
                case .table(let table)?: JSON.Member(name, table.json)
                case .tables(let tables)?: JSON.Member(name, .array(tables.map(\.json)))
                case nil: JSON.Member(name, .null)
                }
            })
    }

    /// False where the key exists, or something on the way to it is no table.
    mutating func set(_ value: JSON, at path: ArraySlice<String>) -> Bool {
        edit(path.dropLast()) { table in
            guard let name = path.last, table.nodes[name] == nil else { return false }
            table.put(name, .value(value))
            return true
        }
    }

    /// Makes a table be there; false where something else is.
    mutating func openTable(at path: ArraySlice<String>) -> Bool {
        edit(path) { _ in true }
    }

    /// Adds an empty element to an array of tables, made where missing; false where something else is.
    mutating func appendTable(at path: ArraySlice<String>) -> Bool {
        edit(path.dropLast()) { table in
            guard let name = path.last else { return false }
            switch table.nodes[name] {
            case nil: table.put(name, .tables([Table()]))
            case .tables(let tables)?: table.put(name, .tables(tables + [Table()]))
            default: return false
            }
            return true
        }
    }

    private mutating func put(_ name: String, _ node: Node) {
        if nodes.updateValue(node, forKey: name) == nil { names.append(name) }
    }

    /// Walks to a table, of an array to its last, and edits it in place.
    private mutating func edit(_ path: ArraySlice<String>, _ body: (inout Table) -> Bool) -> Bool {
        guard let name = path.first else { return body(&self) }
        switch nodes[name] {
        case nil:
            var table = Table()
            guard table.edit(path.dropFirst(), body) else { return false }
            put(name, .table(table))
        case .table(var table)?:
            guard table.edit(path.dropFirst(), body) else { return false }
            put(name, .table(table))
        case .tables(var tables)?:
            guard tables[tables.count - 1].edit(path.dropFirst(), body) else { return false }
            put(name, .tables(tables))
        case .value?: return false
        }
        return true
    }
}
