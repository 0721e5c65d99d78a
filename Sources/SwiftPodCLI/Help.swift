import OptionGrammar

/// Help, from the same rows that parse.
func helpText(for invocation: Invocation) -> String {
    let program = invocation.program
    if invocation.path.isEmpty { return programHelp(program) }
    if let (verb, path) = try? VerbTable.find(invocation.path) {
        return verbHelp(verb, command: ([program] + path).joined(separator: " "))
    }
    guard let group = VerbTable.groups.first(where: { $0.name == invocation.path[0] }) else {
        return programHelp(program)
    }
    var text = "\(group.summary)\n\nUsage:\n  \(program) \(group.name) [command]\n\nAvailable Commands:\n"
    text += commandList(group.verbs.map { ($0.name, $0.summary) })
    return text
}

private func programHelp(_ program: String) -> String {
    var text = "Run OCI containers, rootless, with podman's command line\n\n"
    text += "Usage:\n  \(program) [options] [command]\n\nAvailable Commands:\n"
    let commands =
        VerbTable.top.map { ($0.name, $0.summary) } + VerbTable.groups.map { ($0.name, $0.summary) }
    text += commandList(commands.sorted { $0.0 < $1.0 })
    text += "\nOptions:\n"
    text += optionList(Verb.described(GlobalOptions.table + [GlobalOptions.beforeVerb]))
    return text
}

private func verbHelp(_ verb: Verb, command: String) -> String {
    var text = "\(verb.summary)\n\nUsage:\n  \(command)"
    if !verb.usage.isEmpty { text += " \(verb.usage)" }
    text += "\n"
    if !verb.examples.isEmpty {
        let program = command.prefix { $0 != " " }
        text += "\nExamples:\n" + verb.examples.map { "  \(program) \($0)\n" }.joined()
    }
    let options = verb.options()
    if !options.isEmpty { text += "\nOptions:\n" + optionList(options) }
    return text
}

private func commandList(_ commands: [(String, String)]) -> String {
    let width = commands.map(\.0.utf8.count).max() ?? 0
    return commands.map { name, summary in
        "  \(name)" + String(repeating: " ", count: width - name.utf8.count + 2) + "\(summary)\n"
    }.joined()
}

private func optionList(_ options: [OptionDescription]) -> String {
    let lines = options.sorted { $0.name < $1.name }.map { option in
        let short = option.short == 0 ? "    " : "-\(String(Unicode.Scalar(option.short))), "
        let value = option.placeholder.isEmpty ? "" : (option.kind == .flag ? "" : " ") + option.placeholder
        return ("  \(short)--\(option.name)\(value)", option.help)
    }
    // A name much longer than the others does not push all the explanations to the right.
    let width = min(lines.map(\.0.unicodeScalars.count).max() ?? 0, 40)
    return lines.map { start, help in
        let count = start.unicodeScalars.count
        let gap = count <= width ? String(repeating: " ", count: width - count + 2) : "  "
        return start + gap + help + "\n"
    }.joined()
}

extension Verb {
    static let help = Verb(
        name: "help", summary: "Help about any command", usage: "[COMMAND]"
    ) { invocation in
        let words = try invocation.positionals()
        invocation.path = words
        if !words.isEmpty {
            // Says so where there is no such command.
            if let (_, path) = try VerbTable.find(words) { invocation.path = path }
        }
        try Output.write(helpText(for: invocation))
        return 0
    }
}

/// The help of a command by its words, `["image", "ls"]`; none for the whole program's.
package func helpText(of words: [String], program: String = "swiftpod") -> String {
    helpText(
        for: Invocation(program: program, path: words, words: [], globals: GlobalOptions(), caller: .process))
}
