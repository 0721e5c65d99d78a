import OptionGrammar

extension Verb {
    static let man = Verb(
        name: "man", summary: "Print the manual page", usage: "", examples: ["man | man -l -"]
    ) { invocation in
        guard try invocation.positionals().isEmpty else { throw CommandError("man takes no arguments") }
        try Output.write(manPage(invocation.program))
        return 0
    }
}

/// One page in man(7) with every command and option, from the rows that parse.
package func manPage(_ program: String) -> String {
    var text = ".TH \(program.uppercased()) 1\n.SH NAME\n\(program) \\- run OCI containers, rootless\n"
    text += ".SH SYNOPSIS\n.B \(program)\n[options] command [options] [arguments]\n"
    text += ".SH GLOBAL OPTIONS\nAccepted before the command and behind it.\n"
    text += options(Verb.described(GlobalOptions.table + [GlobalOptions.beforeVerb]))
    text += ".SH COMMANDS\n"
    for verb in VerbTable.top { text += section(program, [verb.name], verb) }
    for group in VerbTable.groups {
        for verb in group.verbs {
            // `container run` is `run`: said once.
            if VerbTable.top.contains(where: { $0.name == verb.name && $0.usage == verb.usage }) { continue }
            text += section(program, [group.name, verb.name], verb)
        }
    }
    text += ".SH EXIT STATUS\n"
    text += ".TP\n.B 125\n\(program) itself failed\n.TP\n.B 126\nthe container's command cannot be invoked\n"
    text += ".TP\n.B 127\nthe container's command was not found\n.TP\n.B 128+n\nthe command was killed by signal n\n"
    text += ".PP\nAnything else is the command's own.\n"
    return text
}

private func section(_ program: String, _ path: [String], _ verb: Verb) -> String {
    var text = ".SS \(program) \(path.joined(separator: " ")) \(escaped(verb.usage))\n\(escaped(verb.summary)).\n"
    text += options(verb.options())
    if !verb.examples.isEmpty {
        text += ".PP\n.nf\n" + verb.examples.map { escaped("\(program) \($0)") + "\n" }.joined() + ".fi\n"
    }
    return text
}

private func options(_ options: [OptionDescription]) -> String {
    options.sorted { $0.name < $1.name }.map { option in
        let short = option.short == 0 ? "" : "\\-\(String(Unicode.Scalar(option.short))), "
        let value =
            option.placeholder.isEmpty ? "" : "\(option.kind == .flag ? "" : " ")\\fI\(escaped(option.placeholder))\\fR"
        return ".TP\n\\fB\(short)\\-\\-\(escaped(option.name))\\fR\(value)\n\(escaped(option.help))\n"
    }.joined()
}

/// roff's own characters made ordinary.
private func escaped(_ text: String) -> String {
    var result = ""
    for character in text {
        switch character {
        case "\\": result += "\\\\"
        case "-": result += "\\-"
        case ".", "'": result += result.isEmpty ? "\\&\(character)" : String(character)
        default: result.append(character)
        }
    }
    return result
}
