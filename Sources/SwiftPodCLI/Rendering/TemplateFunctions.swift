import OptionGrammar
import OCISpec

/// The functions of text/template and those that podman adds.
enum TemplateFunctions {
    static func call(_ name: String, _ arguments: [JSON]) throws(CommandError) -> JSON {
        if let result = try logic(name, arguments) { return result }
        func argument(_ index: Int) throws(CommandError) -> JSON { try Self.argument(index, name, arguments) }
        func text(_ index: Int) throws(CommandError) -> String { TemplateValue.text(try argument(index)) }
        func number(_ index: Int) throws(CommandError) -> Int { Int(clamping: try argument(index).integer ?? 0) }
        switch name {
        case "json": return .string(try argument(0).text)
        case "len": return .integer(Int64(try length(argument(0))))
        case "index": return try index(argument(0), arguments.dropFirst())
        case "slice": return try slice(argument(0), arguments.dropFirst())
        case "join":
            guard let values = try argument(0).array else { return try argument(0) }
            return .string(values.map(TemplateValue.text).joined(separator: try text(1)))
        case "split": return try split(text(0), text(1))
        case "upper": return .string(try text(0).uppercased())
        case "lower": return .string(try text(0).lowercased())
        case "title": return .string(title(try text(0)))
        case "print": return .string(arguments.map(TemplateValue.text).joined(separator: " "))
        case "println": return .string(arguments.map(TemplateValue.text).joined(separator: " ") + "\n")
        case "printf": return .string(goFormat(try text(0), Array(arguments.dropFirst())))
        case "truncate": return .string(String(try text(0).prefix(max(0, try number(1)))))
        case "pad":
            let (before, after) = (min(max(0, try number(1)), 4096), min(max(0, try number(2)), 4096))
            let value = try text(0)
            if value.isEmpty { return .string(value) }
            return .string(String(repeating: " ", count: before) + value + String(repeating: " ", count: after))
        default: throw CommandError("template: function \(quoted(name)) not defined")
        }
    }

    /// Comparisons and connectives; nil for another name.
    private static func logic(_ name: String, _ arguments: [JSON]) throws(CommandError) -> JSON? {
        func argument(_ index: Int) throws(CommandError) -> JSON { try Self.argument(index, name, arguments) }
        switch name {
        case "not": return .bool(!TemplateValue.isTrue(try argument(0)))
        case "and": return arguments.first { !TemplateValue.isTrue($0) } ?? arguments.last ?? .null
        case "or": return arguments.first(where: TemplateValue.isTrue) ?? arguments.last ?? .null
        case "eq":
            let first = try argument(0)
            return .bool(arguments.dropFirst().contains(first))
        case "ne": return .bool(try argument(0) != argument(1))
        case "lt": return .bool(try isLess(argument(0), argument(1)))
        case "le": return .bool(try !isLess(argument(1), argument(0)))
        case "gt": return .bool(try isLess(argument(1), argument(0)))
        case "ge": return .bool(try !isLess(argument(0), argument(1)))
        default: return nil
        }
    }

    private static func argument(_ index: Int, _ name: String, _ arguments: [JSON]) throws(CommandError) -> JSON {
        guard index < arguments.count else {
            throw CommandError("template: wrong number of args for \(name): got \(arguments.count)")
        }
        return arguments[index]
    }

    private static func length(_ value: JSON) throws(CommandError) -> Int {
        switch value {
        case .string(let text): return text.utf8.count
        case .array(let values): return values.count
        case .object(let members): return members.count
        case .null: return 0
        default: throw CommandError("template: len of \(TemplateValue.text(value))")
        }
    }

    private static func index(_ value: JSON, _ keys: ArraySlice<JSON>) throws(CommandError) -> JSON {
        var value = value
        for key in keys {
            switch (value, key) {
            case (.array(let values), .integer(let index)):
                guard index >= 0, index < values.count else {
                    throw CommandError("template: error calling index: index out of range: \(index)")
                }
                value = values[Int(index)]
            case (.object, .string(let name)):
                // A key that is not in a Go map gives the zero value; ours are mostly strings.
                value = value[name] ?? .string("")
            case (.null, _): return .string("")
            default: throw CommandError("template: error calling index: can't index \(TemplateValue.text(value))")
            }
        }
        return value
    }

    private static func slice(_ value: JSON, _ bounds: ArraySlice<JSON>) throws(CommandError) -> JSON {
        let size = try length(value)
        let low = Int(clamping: bounds.first?.integer ?? 0)
        let high = bounds.count > 1 ? Int(clamping: bounds.last?.integer ?? 0) : size
        guard 0 <= low, low <= high, high <= size else {
            throw CommandError("template: error calling slice: index out of range: \(high)")
        }
        switch value {
        case .string(let text): return .string(String(decoding: Array(text.utf8)[low..<high], as: UTF8.self))
        case .array(let values): return .array(Array(values[low..<high]))
        default: throw CommandError("template: error calling slice: can't slice \(TemplateValue.text(value))")
        }
    }

    private static func split(_ text: String, _ separator: String) -> JSON {
        guard let mark = separator.first, separator.count == 1 else { return .array([.string(text)]) }
        return .array(text.split(separator: mark, omittingEmptySubsequences: false).map { .string(String($0)) })
    }

    private static func title(_ text: String) -> String {
        text.split(separator: " ", omittingEmptySubsequences: false).map { word in
            word.prefix(1).uppercased() + word.dropFirst()
        }.joined(separator: " ")
    }

    private static func isLess(_ a: JSON, _ b: JSON) throws(CommandError) -> Bool {
        if let a = a.string, let b = b.string { return a < b }
        guard let a = a.double, let b = b.double else {
            throw CommandError("template: incompatible types for comparison")
        }
        return a < b
    }
}
