import OptionGrammar
import OCISpec

/// Go's text/template, the part of it that people write after `--format`.
indirect enum TemplateNode {
    case text(String)
    case action(TemplatePipeline)
    case ifElse(TemplatePipeline, then: [TemplateNode], otherwise: [TemplateNode])
    case with(TemplatePipeline, then: [TemplateNode], otherwise: [TemplateNode])
    case range(TemplatePipeline, each: [TemplateNode], otherwise: [TemplateNode])
}

/// `$x := a b | c d`.
struct TemplatePipeline {
    /// Names with their dollar. Two for `range $index, $element :=`.
    var variables: [String] = []
    var commands: [[TemplateOperand]] = []
}

indirect enum TemplateOperand {
    /// `.A.B`; no names for the dot itself.
    case field([String])
    /// `$x.A`.
    case variable(String, [String])
    case literal(JSON)
    case function(String)
    /// `(pipeline).A`.
    case group(TemplatePipeline, [String])
}

/// One word of an action.
enum TemplateToken: Equatable {
    case field(String)
    case dot
    case variable(String)
    case word(String)
    case literal(JSON)
    case open, close, pipe, comma, declare, assign
    /// Between operands: tells `(a).B` from `(a) .B`.
    case space
}

/// Cuts an action's inside into tokens.
struct TemplateLexer {
    private var rest: Substring.UTF8View

    init(_ action: Substring) {
        rest = action.utf8
    }

    mutating func tokens() throws(CommandError) -> [TemplateToken] {
        var tokens: [TemplateToken] = []
        while let byte = rest.first {
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                rest = rest.dropFirst()
                if tokens.last != .space { tokens.append(.space) }
            case UInt8(ascii: "("): take(1, .open, &tokens)
            case UInt8(ascii: ")"): take(1, .close, &tokens)
            case UInt8(ascii: "|"): take(1, .pipe, &tokens)
            case UInt8(ascii: ","): take(1, .comma, &tokens)
            case UInt8(ascii: "="): take(1, .assign, &tokens)
            case UInt8(ascii: ":"):
                guard rest.dropFirst().first == UInt8(ascii: "=") else { throw unexpected(byte) }
                take(2, .declare, &tokens)
            case UInt8(ascii: "\""): tokens.append(.literal(.string(try quotedString())))
            case UInt8(ascii: "`"): tokens.append(.literal(.string(try rawString())))
            case UInt8(ascii: "."):
                rest = rest.dropFirst()
                let name = word()
                tokens.append(name.isEmpty ? .dot : .field(name))
            case UInt8(ascii: "$"):
                rest = rest.dropFirst()
                tokens.append(.variable("$" + word()))
            case UInt8(ascii: "-"), UInt8(ascii: "+"), 0x30...0x39: tokens.append(try number())
            default:
                let name = word()
                guard !name.isEmpty else { throw unexpected(byte) }
                tokens.append(Self.constant(name) ?? .word(name))
            }
        }
        return tokens
    }

    private mutating func take(_ count: Int, _ token: TemplateToken, _ tokens: inout [TemplateToken]) {
        rest = rest.dropFirst(count)
        tokens.append(token)
    }

    private static func constant(_ name: String) -> TemplateToken? {
        switch name {
        case "true": .literal(.bool(true))
        case "false": .literal(.bool(false))
        case "nil": .literal(.null)
        default: nil
        }
    }

    private mutating func word() -> String {
        let name = rest.prefix {
            ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x41 && $0 <= 0x5A) || ($0 >= 0x61 && $0 <= 0x7A)
                || $0 == UInt8(ascii: "_") || $0 >= 0x80
        }
        rest = rest.dropFirst(name.count)
        return String(Substring(name))
    }

    private mutating func number() throws(CommandError) -> TemplateToken {
        let digits = rest.prefix { ($0 >= 0x30 && $0 <= 0x39) || "+-.eExX_abcdfABCDF".utf8.contains($0) }
        rest = rest.dropFirst(digits.count)
        let text = String(Substring(digits))
        if let value = Int64(text) { return .literal(.integer(value)) }
        if let value = Double(text) { return .literal(.number(value)) }
        throw CommandError("template: bad number syntax: \(quoted(text))")
    }

    private mutating func rawString() throws(CommandError) -> String {
        rest = rest.dropFirst()
        let body = rest.prefix { $0 != UInt8(ascii: "`") }
        guard body.endIndex != rest.endIndex else { throw CommandError("template: unterminated raw quoted string") }
        rest = rest.dropFirst(body.count + 1)
        return String(Substring(body))
    }

    private mutating func quotedString() throws(CommandError) -> String {
        rest = rest.dropFirst()
        var bytes: [UInt8] = []
        while let byte = rest.first {
            rest = rest.dropFirst()
            if byte == UInt8(ascii: "\"") { return String(decoding: bytes, as: UTF8.self) }
            guard byte == UInt8(ascii: "\\"), let escaped = rest.first else {
                bytes.append(byte)
                continue
            }
            rest = rest.dropFirst()
            switch escaped {
            case UInt8(ascii: "n"): bytes.append(0x0A)
            case UInt8(ascii: "t"): bytes.append(0x09)
            case UInt8(ascii: "r"): bytes.append(0x0D)
            default: bytes.append(escaped)
            }
        }
        throw CommandError("template: unterminated quoted string")
    }

    private func unexpected(_ byte: UInt8) -> CommandError {
        CommandError("template: unexpected \(quoted(String(Unicode.Scalar(byte)))) in action")
    }
}
