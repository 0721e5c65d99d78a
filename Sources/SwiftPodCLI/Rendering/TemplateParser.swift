import OptionGrammar
import OCISpec

/// Reads a template's text into nodes.
struct TemplateParser {
    private var rest: Substring
    /// The action that ended the list of nodes being read: `end`, `else`, `else if …`.
    private var stop: [TemplateToken]?

    static func parse(_ text: String) throws(CommandError) -> [TemplateNode] {
        var parser = TemplateParser(rest: text[...], stop: nil)
        let nodes = try parser.list()
        if parser.stop != nil { throw CommandError("template: unexpected {{end}} or {{else}}") }
        return nodes
    }

    private init(rest: Substring, stop: [TemplateToken]?) {
        self.rest = rest
        self.stop = stop
    }

    private mutating func list() throws(CommandError) -> [TemplateNode] {
        var nodes: [TemplateNode] = []
        while let (text, action) = try next() {
            if !text.isEmpty { nodes.append(.text(text)) }
            guard let action else { break }
            // A comment leaves nothing behind.
            if action.hasPrefix("/*") { continue }
            var lexer = TemplateLexer(action)
            let tokens = try lexer.tokens().trimmed()
            guard let first = tokens.first else {
                throw CommandError("template: missing value for command")
            }
            switch first {
            case .word("end"), .word("else"):
                stop = tokens
                return nodes
            case .word("if"), .word("with"), .word("range"): nodes.append(try branch(tokens))
            default: nodes.append(.action(try TemplatePipeline(tokens)))
            }
        }
        stop = nil
        return nodes
    }

    private mutating func branch(_ tokens: [TemplateToken]) throws(CommandError) -> TemplateNode {
        let pipeline = try TemplatePipeline(Array(tokens.dropFirst()).trimmed())
        let then = try list()
        guard var ended = stop else { throw CommandError("template: unexpected end of template, missing {{end}}") }
        var otherwise: [TemplateNode] = []
        if ended.first == .word("else") {
            ended = Array(ended.dropFirst()).trimmed()
            if ended.first == .word("if") || ended.first == .word("with") {
                // `else if` is a branch of its own that the same `end` closes.
                otherwise = [try branch(ended)]
            } else {
                otherwise = try list()
                guard stop == [.word("end")] else { throw CommandError("template: missing {{end}}") }
            }
        }
        stop = nil
        switch tokens.first {
        case .word("if"): return .ifElse(pipeline, then: then, otherwise: otherwise)
        case .word("with"): return .with(pipeline, then: then, otherwise: otherwise)
        default: return .range(pipeline, each: then, otherwise: otherwise)
        }
    }

    /// The text up to the next action and the action's inside; nil at the end. Trim markers have been applied.
    private mutating func next() throws(CommandError) -> (String, Substring?)? {
        if rest.isEmpty { return nil }
        guard let open = rest.firstPlace(of: "{{") else {
            defer { rest = rest.suffix(0) }
            return (String(rest), nil)
        }
        var text = rest[..<open]
        var inside = rest[rest.utf8.index(open, offsetBy: 2)...]
        if inside.hasPrefix("- ") {
            text = text.trimmingEnd()
            inside = inside.dropFirst(2)
        }
        guard let close = Self.end(of: inside) else { throw CommandError("template: unclosed action") }
        var action = inside[..<close]
        rest = inside[inside.utf8.index(close, offsetBy: 2)...]
        if action.hasSuffix(" -") {
            action = action.dropLast(2)
            rest = rest.drop { $0.isWhitespace }
        }
        if action.hasPrefix("/*") {
            guard action.hasSuffix("*/") else { throw CommandError("template: unclosed comment") }
        }
        return (String(text), action)
    }

    /// Where `}}` closes an action, quoted ones aside.
    private static func end(of text: Substring) -> Substring.Index? {
        var quote: UInt8?
        var index = text.startIndex
        let bytes = text.utf8
        while index < text.endIndex {
            let byte = bytes[index]
            let following = bytes.index(after: index)
            if let open = quote {
                if byte == open { quote = nil }
                if byte == UInt8(ascii: "\\"), open == UInt8(ascii: "\""), following < text.endIndex {
                    index = following
                }
            } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "`") {
                quote = byte
            } else if byte == UInt8(ascii: "}"), following < text.endIndex, bytes[following] == byte {
                return index
            }
            index = bytes.index(after: index)
        }
        return nil
    }
}

extension TemplatePipeline {
    /// Reads `[$x[, $y] :=] command {| command}`.
    init(_ tokens: [TemplateToken]) throws(CommandError) {
        var tokens = tokens[...]
        if let mark = tokens.firstIndex(where: { $0 == .declare || $0 == .assign }) {
            for token in tokens[..<mark] {
                switch token {
                case .variable(let name): variables.append(name)
                case .space, .comma: break
                default: throw CommandError("template: bad declaration in action")
                }
            }
            tokens = tokens[(mark + 1)...]
        }
        commands = try Self.commands(&tokens)
        if !tokens.isEmpty { throw CommandError("template: unexpected right paren in action") }
    }

    /// Reads up to the end or to a right paren, which stays.
    private static func commands(
        _ tokens: inout ArraySlice<TemplateToken>
    ) throws(CommandError) -> [[TemplateOperand]] {
        var commands: [[TemplateOperand]] = []
        var command: [TemplateOperand] = []
        /// Whether the token before may be followed by a field of it.
        var joined = false
        while let token = tokens.first, token != .close {
            tokens = tokens.dropFirst()
            joined = joined && token != .space
            switch token {
            case .space: continue
            case .pipe:
                commands.append(command)
                command = []
            case .open:
                let inner = try Self.commands(&tokens)
                guard tokens.first == .close else { throw CommandError("template: unclosed left paren") }
                tokens = tokens.dropFirst()
                command.append(.group(TemplatePipeline(commands: inner), []))
            case .field(let name):
                if joined, let last = command.popLast() {
                    command.append(try last.appending(name))
                } else {
                    command.append(.field([name]))
                }
            case .dot: command.append(.field([]))
            case .variable(let name): command.append(.variable(name, []))
            case .literal(let value): command.append(.literal(value))
            case .word(let name): command.append(.function(name))
            case .close, .comma, .declare, .assign: throw CommandError("template: unexpected punctuation in action")
            }
            joined = true
        }
        commands.append(command)
        if commands.contains(where: \.isEmpty) { throw CommandError("template: missing value for command") }
        return commands
    }
}

extension TemplateOperand {
    fileprivate func appending(_ name: String) throws(CommandError) -> TemplateOperand {
        switch self {
        case .field(let names): return .field(names + [name])
        case .variable(let variable, let names): return .variable(variable, names + [name])
        case .group(let pipeline, let names): return .group(pipeline, names + [name])
        case .literal, .function: throw CommandError("template: unexpected field \(quoted("." + name))")
        }
    }
}

extension Array<TemplateToken> {
    fileprivate func trimmed() -> [TemplateToken] {
        var slice = self[...]
        while slice.first == .space { slice = slice.dropFirst() }
        while slice.last == .space { slice = slice.dropLast() }
        return Array(slice)
    }
}

extension Substring {
    /// Where a text begins inside this one. By bytes, which is what a template's marks are.
    fileprivate func firstPlace(of mark: String) -> Index? {
        var index = startIndex
        while index < endIndex {
            if utf8[index] == mark.utf8.first, self[index...].utf8.starts(with: mark.utf8) { return index }
            index = utf8.index(after: index)
        }
        return nil
    }

    fileprivate func trimmingEnd() -> Substring {
        var text = self
        while let last = text.last, last.isWhitespace { text = text.dropLast() }
        return text
    }
}
