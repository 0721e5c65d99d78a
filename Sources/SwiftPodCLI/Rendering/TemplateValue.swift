import OptionGrammar
import OCISpec

/// How JSON values read as Go's.
enum TemplateValue {
    static func isTrue(_ value: JSON) -> Bool {
        switch value {
        case .null: false
        case .bool(let flag): flag
        case .integer(let number): number != 0
        case .unsigned(let number): number != 0
        case .number(let number): number != 0
        case .string(let text): !text.isEmpty
        case .array(let values): !values.isEmpty
        case .object(let members): !members.isEmpty
        }
    }

    /// As Go's `%v` prints it: `[a b]`, `map[k:v]`.
    static func text(_ value: JSON) -> String {
        switch value {
        case .null: "<nil>"
        case .bool(let flag): flag ? "true" : "false"
        case .integer(let number): String(number)
        case .unsigned(let number): String(number)
        case .number(let number):
            number == number.rounded() && abs(number) < 1e15 ? String(Int64(number)) : "\(number)"
        case .string(let text): text
        case .array(let values): "[" + values.map(text).joined(separator: " ") + "]"
        case .object(let members): "map[" + sorted(members).joined(separator: " ") + "]"
        }
    }

    private static func sorted(_ members: [JSON.Member]) -> [String] {
        members.sorted { $0.name < $1.name }.map { "\($0.name):\(text($0.value))" }
    }

    /// Follows the names down. Names that differ in case alone are found too: `.ID` and `.Id` are used alike.
    static func field(_ names: [String], of value: JSON) throws(CommandError) -> JSON {
        var value = value
        for name in names {
            guard let members = value.members,
                let member = members.first(where: { $0.name == name })
                    ?? members.first(where: { $0.name.lowercased() == name.lowercased() })
            else { throw CommandError("template: can't evaluate field \(name)") }
            value = member.value
        }
        return value
    }
}
