extension JSON {
    /// The document in UTF-8, without a line end after it.
    ///
    /// - Parameters:
    ///   - pretty: one member or element a line instead of none.
    ///   - indent: spaces a level, for `pretty`.
    public func encoded(pretty: Bool = false, indent: Int = 4) -> [UInt8] {
        var encoder = JSONEncoder(indent: pretty ? indent : nil)
        encoder.append(self)
        return encoder.bytes
    }

    /// The document on one line.
    public var text: String { String(decoding: encoded(), as: UTF8.self) }
}

private struct JSONEncoder {
    var bytes: [UInt8] = []
    let indent: Int?
    var level = 0

    init(indent: Int?) {
        self.indent = indent
        bytes.reserveCapacity(256)
    }

    mutating func append(_ value: JSON) {
        switch value {
        case .null: append("null")
        case .bool(let value): append(value ? "true" : "false")
        case .integer(let value): append(String(value))
        case .unsigned(let value): append(String(value))
        // JSON has no word for these two; null is what every browser writes.
        case .number(let value): append(value.isFinite ? String(value) : "null")
        case .string(let value): append(quoting: value)
        case .array(let elements):
            container("[", "]", elements) { encoder, element in encoder.append(element) }
        case .object(let members):
            container("{", "}", members) { encoder, member in
                encoder.append(quoting: member.name)
                encoder.append(encoder.indent == nil ? ":" : ": ")
                encoder.append(member.value)
            }
        }
    }

    private mutating func container<T>(
        _ open: StaticString, _ close: StaticString, _ items: [T], _ body: (inout JSONEncoder, T) -> Void
    ) {
        append(open)
        level += 1
        var isFirst = true
        for item in items {
            if !isFirst { append(",") }
            isFirst = false
            newLine()
            body(&self, item)
        }
        level -= 1
        if !items.isEmpty { newLine() }
        append(close)
    }

    private mutating func newLine() {
        guard let indent else { return }
        bytes.append(0x0A)
        bytes.append(contentsOf: repeatElement(0x20, count: indent * level))
    }

    private mutating func append(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func append(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    private mutating func append(quoting text: String) {
        bytes.append(UInt8(ascii: "\""))
        // Most strings have nothing to escape and can be copied in one piece.
        var text = text
        let isPlain = text.withUTF8 { utf8 in
            let isPlain = utf8.allSatisfy { $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
            if isPlain { bytes.append(contentsOf: utf8) }
            return isPlain
        }
        if !isPlain {
            for byte in text.utf8 { append(escaping: byte) }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func append(escaping byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): append("\\\"")
        case UInt8(ascii: "\\"): append("\\\\")
        case 0x08: append("\\b")
        case 0x09: append("\\t")
        case 0x0A: append("\\n")
        case 0x0C: append("\\f")
        case 0x0D: append("\\r")
        case ..<0x20:
            append("\\u00")
            append(byte < 0x10 ? "0" : "1")
            append(String(byte & 0xF, radix: 16))
        default: bytes.append(byte)
        }
    }
}
