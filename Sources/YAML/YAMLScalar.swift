import OCISpec

/// What a plain scalar stands for: YAML 1.1's types where JSON has them (https://yaml.org/type/).
enum YAMLScalar {
    static func value(of text: String) -> JSON {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON": return .bool(true)
        case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF": return .bool(false)
        default: break
        }
        // Whatever is neither starts with a digit, a sign or a point, which most texts do not.
        guard let first = text.utf8.first, first < UInt8(ascii: ":"), first >= UInt8(ascii: "+") else {
            return .string(text)
        }
        return integer(text) ?? fraction(text) ?? .string(text)
    }

    /// `[-+]?` and `0b…`, `0x…`, `0o…` or `0…` (octal) or decimal digits, with `_` anywhere after the first digit.
    private static func integer(_ text: String) -> JSON? {
        var digits = Substring(text)
        let negative = digits.first == "-"
        if negative || digits.first == "+" { digits.removeFirst() }
        guard let first = digits.utf8.first, isDigit(first) else { return nil }
        var radix = 10
        if digits.hasPrefix("0b") {
            (radix, digits) = (2, digits.dropFirst(2))
        } else if digits.hasPrefix("0x") {
            (radix, digits) = (16, digits.dropFirst(2))
        } else if digits.hasPrefix("0o") {
            (radix, digits) = (8, digits.dropFirst(2))
        } else if digits.utf8.count > 1, first == UInt8(ascii: "0") {
            (radix, digits) = (8, digits.dropFirst())
        }
        let plain = digits.filter { $0 != "_" }
        // Swift's own would take a second sign.
        guard let start = plain.utf8.first, start != UInt8(ascii: "+"), start != UInt8(ascii: "-") else { return nil }
        if negative { return Int64("-" + plain, radix: radix).map(JSON.integer) }
        return UInt64(plain, radix: radix).map { JSON($0) }
    }

    /// `[-+]?` digits, a point, digits and `[eE][-+]digits`; the point or the exponent must be there, unless the number
    /// is an integer beyond 64 bits, which is a number all the same, as in JSON.
    private static func fraction(_ text: String) -> JSON? {
        let digits =
            text.utf8.first == UInt8(ascii: "-") || text.utf8.first == UInt8(ascii: "+") ? text.dropFirst() : text[...]
        guard let first = digits.utf8.first, isDigit(first) || first == UInt8(ascii: ".") else { return nil }
        var isInteger = true
        for byte in digits.utf8 where !isDigit(byte) && byte != UInt8(ascii: "_") {
            guard ".eE+-".utf8.contains(byte) else { return nil }
            isInteger = false
        }
        // Digits after a 0 that are not octal are no number at all.
        if isInteger, first == UInt8(ascii: "0") { return nil }
        guard let value = Double(text.filter { $0 != "_" }), value.isFinite else { return nil }
        return .number(value)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
