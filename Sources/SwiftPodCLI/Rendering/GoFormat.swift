import OptionGrammar
import Glibc
import OCISpec

/// Go's Sprintf with the verbs s, v, d, q, t, x and f, their width, precision, minus and zero.
func goFormat(_ format: String, _ arguments: [JSON]) -> String {
    var result = ""
    var arguments = arguments[...]
    var rest = format[...]
    while let character = rest.popFirst() {
        guard character == "%" else {
            result.append(character)
            continue
        }
        let flags = rest.prefix { "-+# 0123456789.".contains($0) }
        rest = rest.dropFirst(flags.count)
        guard let verb = rest.popFirst() else { return result + "%!(NOVERB)" }
        if verb == "%" {
            result += "%"
        } else if let value = arguments.popFirst() {
            result += formatted(value, verb, flags)
        } else {
            result += "%!\(verb)(MISSING)"
        }
    }
    return result
}

private func formatted(_ value: JSON, _ verb: Character, _ flags: Substring) -> String {
    let isLeft = flags.contains("-")
    let isZeroed = !isLeft && flags.hasPrefix("0")
    let digits = flags.drop { !"123456789.".contains($0) }
    let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
    let width = parts.first.flatMap { Int($0) } ?? 0
    let precision = parts.count > 1 ? Int(parts[1]) ?? 0 : nil
    var text = TemplateValue.text(value)
    switch verb {
    case "q": text = quoted(text)
    case "x": text = value.integer.map { String($0, radix: 16) } ?? text
    case "f", "g": text = printDouble("%.*f", Int32(clamping: min(precision ?? 6, 40)), value.double ?? 0)
    default:
        if let precision, verb == "s" || verb == "v" { text = String(text.prefix(precision)) }
    }
    let missing = min(max(0, width - text.unicodeScalars.count), 4096)
    let padding = String(repeating: isZeroed ? "0" : " ", count: missing)
    return isLeft ? text + padding : padding + text
}

/// One number by printf(3), the format taking a precision and a double.
func printDouble(_ format: String, _ digits: Int32, _ value: Double) -> String {
    var buffer = [CChar](repeating: 0, count: 400)
    return withVaList([digits, value]) { arguments in
        vsnprintf(&buffer, buffer.count, format, arguments)
        return buffer.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }
}
