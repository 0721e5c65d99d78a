/// Go's ParseBool: what pflag accepts after `--flag=`.
package func parseBool(_ text: String) throws(CommandError) -> Bool {
    switch text {
    case "1", "t", "T", "true", "TRUE", "True": return true
    case "0", "f", "F", "false", "FALSE", "False": return false
    default: throw CommandError("not true or false")
    }
}

/// A decimal number, or hexadecimal, octal and binary with Go's prefixes; the bounds are the type's.
package func parseInteger<I: FixedWidthInteger>(_ text: String, as type: I.Type = I.self) throws(CommandError) -> I {
    if let value = I(text) { return value }
    var digits = text[...]
    let negative = digits.first == "-"
    if negative { digits = digits.dropFirst() }
    if digits.first == "0", digits.count > 2 {
        let radix: Int? =
            switch digits.dropFirst().first {
            case "x", "X": 16
            case "o", "O": 8
            case "b", "B": 2
            default: nil
            }
        if let radix, let value = I((negative ? "-" : "") + digits.dropFirst(2), radix: radix) { return value }
    }
    let unsigned = digits.isEmpty || !digits.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
    throw CommandError(unsigned ? "not a number" : "out of range")
}

/// Bytes: `64m`, `1.5g`, `512`, `64MiB`; units of 1024 whatever the spelling, as docker's and podman's.
package func parseSize(_ text: String) throws(CommandError) -> UInt64 {
    var rest = text.utf8[...]
    var whole: UInt64 = 0
    var digits = 0
    while let byte = rest.first, byte >= 0x30, byte <= 0x39 {
        let (tenfold, overflow) = whole.multipliedReportingOverflow(by: 10)
        let (sum, carry) = tenfold.addingReportingOverflow(UInt64(byte - 0x30))
        if overflow || carry { throw CommandError("size out of range") }
        whole = sum
        digits += 1
        rest = rest.dropFirst()
    }
    var thousandths: UInt64 = 0
    if rest.first == UInt8(ascii: ".") {
        rest = rest.dropFirst()
        var scale: UInt64 = 100
        while let byte = rest.first, byte >= 0x30, byte <= 0x39 {
            thousandths += UInt64(byte - 0x30) * scale
            scale /= 10
            digits += 1
            rest = rest.dropFirst()
        }
    }
    if rest.first == UInt8(ascii: " ") { rest = rest.dropFirst() }
    guard digits > 0, let shift = sizeShift(String(Substring(rest))) else { throw CommandError("invalid size") }
    let (bytes, overflow) = whole.multipliedReportingOverflow(by: 1 << shift)
    if overflow || bytes > UInt64(Int64.max) { throw CommandError("size out of range") }
    return bytes + (thousandths << shift) / 1000
}

private func sizeShift(_ unit: String) -> UInt64? {
    switch unit.lowercased() {
    case "", "b": 0
    case "k", "kb", "kib": 10
    case "m", "mb", "mib": 20
    case "g", "gb", "gib": 30
    case "t", "tb", "tib": 40
    case "p", "pb", "pib": 50
    default: nil
    }
}

/// Go's durations in nanoseconds: `250ms`, `1h30m`, `1.5s`. A number alone is no duration.
package func parseDuration(_ text: String) throws(CommandError) -> Int64 {
    var rest = text.utf8[...]
    let negative = rest.first == UInt8(ascii: "-")
    if negative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
    if rest.elementsEqual("0".utf8) { return 0 }
    if rest.isEmpty { throw CommandError("invalid duration") }
    var total = 0.0
    while !rest.isEmpty {
        let number = rest.prefix { ($0 >= 0x30 && $0 <= 0x39) || $0 == UInt8(ascii: ".") }
        rest = rest.dropFirst(number.count)
        let unit = rest.prefix { !($0 >= 0x30 && $0 <= 0x39) && $0 != UInt8(ascii: ".") }
        rest = rest.dropFirst(unit.count)
        guard let count = Double(String(Substring(number))) else { throw CommandError("invalid duration") }
        let scale: Double
        switch String(Substring(unit)) {
        case "ns": scale = 1
        case "us", "µs": scale = 1e3
        case "ms": scale = 1e6
        case "s": scale = 1e9
        case "m": scale = 60e9
        case "h": scale = 3600e9
        default: throw CommandError("invalid duration")
        }
        total += count * scale
    }
    guard total < 9e18 else { throw CommandError("duration out of range") }
    return Int64(negative ? -total : total)
}

/// The fields of a comma-separated list. A field in double quotes may contain commas, `""` stands for one quote.
package func splitList(_ text: String) -> [String] {
    if !text.utf8.contains(UInt8(ascii: ",")), !text.utf8.contains(UInt8(ascii: "\"")) { return [text] }
    var fields: [String] = []
    var field: [UInt8] = []
    var inQuotes = false
    var bytes = text.utf8[...]
    while let byte = bytes.first {
        bytes = bytes.dropFirst()
        if inQuotes, byte == UInt8(ascii: "\"") {
            if bytes.first == byte {
                field.append(byte)
                bytes = bytes.dropFirst()
            } else {
                inQuotes = false
            }
        } else if !inQuotes, byte == UInt8(ascii: "\""), field.isEmpty {
            inQuotes = true
        } else if !inQuotes, byte == UInt8(ascii: ",") {
            fields.append(String(decoding: field, as: UTF8.self))
            field = []
        } else {
            field.append(byte)
        }
    }
    fields.append(String(decoding: field, as: UTF8.self))
    return fields
}

/// `a` and `b` of `a=b`; the second is nil where there is no separator.
package func splitPair(_ text: String, at separator: UInt8 = UInt8(ascii: "=")) -> (String, String?) {
    guard let index = text.utf8.firstIndex(of: separator) else { return (text, nil) }
    return (String(text[..<index]), String(text[text.utf8.index(after: index)...]))
}

/// In double quotes, with control characters made visible: what an error message can safely repeat.
package func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\n": out += "\\n"
        case "\t": out += "\\t"
        case "\"": out += "\\\""
        case _ where scalar.value < 0x20 || scalar.value == 0x7F:
            out += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
        default: out.unicodeScalars.append(scalar)
        }
    }
    return out + "\""
}
