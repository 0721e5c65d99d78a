import OptionGrammar

extension Verb {
    static let completion = Verb(
        name: "completion", summary: "Print a completion script for a shell", usage: "{bash|zsh|fish}",
        examples: ["completion bash > ~/.local/share/bash-completion/completions/swiftpod"]
    ) { invocation in
        let words = try invocation.positionals()
        guard words.count == 1 else { throw CommandError("requires exactly 1 arg(s): bash, zsh or fish") }
        switch words[0] {
        case "bash": try Output.write(bashCompletion(invocation.program))
        case "zsh": try Output.write(zshCompletion(invocation.program))
        case "fish": try Output.write(fishCompletion(invocation.program))
        default: throw CommandError("completion \(quoted(words[0])): bash, zsh and fish are known")
        }
        return 0
    }
}

/// Every command with the words that lead to it.
private func commands() -> [(path: String, verb: Verb)] {
    VerbTable.top.map { ($0.name, $0) }
        + VerbTable.groups.flatMap { group in group.verbs.map { ("\(group.name) \($0.name)", $0) } }
}

private func flags(_ options: [OptionDescription]) -> [String] {
    options.flatMap { option in
        ["--\(option.name)"] + (option.short == 0 ? [] : ["-\(String(Unicode.Scalar(option.short)))"])
    }
}

/// What follows the command: names of containers, of images, or files.
private func operands(_ verb: Verb) -> String {
    if verb.usage.contains("CONTAINER") { return "containers" }
    if verb.usage.contains("IMAGE") { return "images" }
    if verb.usage.contains("VOLUME") { return "volumes" }
    return "files"
}

private func bashCompletion(_ program: String) -> String {
    var cases = ""
    for (path, verb) in commands() {
        cases += "        \"\(path)\") options=\"\(flags(verb.options()).joined(separator: " "))\"; "
        cases += "operands=\(operands(verb)) ;;\n"
    }
    for group in VerbTable.groups {
        cases += "        \"\(group.name)\") options=\"\(group.verbs.map(\.name).joined(separator: " "))\" ;;\n"
    }
    let top = (VerbTable.top.map(\.name) + VerbTable.groups.map(\.name)).sorted().joined(separator: " ")
    return """
        # bash completion for \(program)
        _\(program)() {
            local current=${COMP_WORDS[COMP_CWORD]} path= word options operands= index
            for ((index = 1; index < COMP_CWORD; index++)); do
                word=${COMP_WORDS[index]}
                case $word in -*) continue ;; esac
                case $path in
                    "") path=$word ;;
                    \(VerbTable.groups.map(\.name).joined(separator: "|"))) path="$path $word" ;;
                esac
            done
            case $path in
                "") options="\(top)" ;;
        \(cases)    esac
            case $current in
                -*) COMPREPLY=($(compgen -W "$options" -- "$current")); return ;;
            esac
            case $operands in
                containers) options=$(\(program) ps -a --format '{{.Names}}' 2>/dev/null) ;;
                images) options=$(\(program) images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null) ;;
                volumes) options=$(\(program) volume ls -q 2>/dev/null) ;;
                files) COMPREPLY=($(compgen -f -- "$current")); return ;;
            esac
            COMPREPLY=($(compgen -W "$options" -- "$current"))
        }
        complete -o default -F _\(program) \(program)

        """
}

private func zshCompletion(_ program: String) -> String {
    // zsh runs bash's completion functions: one description of the commands, not two.
    """
    #compdef \(program)
    autoload -U +X bashcompinit && bashcompinit
    \(bashCompletion(program))
    """
}

private func fishCompletion(_ program: String) -> String {
    var text = "# fish completion for \(program)\n"
    text += "complete -c \(program) -f -n __fish_use_subcommand\n"
    for verb in VerbTable.top {
        text += "complete -c \(program) -f -n __fish_use_subcommand -a \(verb.name) -d \(shellQuoted(verb.summary))\n"
        let condition = "'__fish_seen_subcommand_from \(verb.name)'"
        for option in verb.options() {
            text += "complete -c \(program) -n \(condition) -l \(option.name)"
            if option.short != 0 { text += " -s \(String(Unicode.Scalar(option.short)))" }
            if option.kind == .value { text += " -r" }
            text += " -d \(shellQuoted(option.help))\n"
        }
    }
    for group in VerbTable.groups {
        text += "complete -c \(program) -f -n __fish_use_subcommand -a \(group.name) -d \(shellQuoted(group.summary))\n"
        for verb in group.verbs {
            text += "complete -c \(program) -f -n '__fish_seen_subcommand_from \(group.name)' -a \(verb.name)"
            text += " -d \(shellQuoted(verb.summary))\n"
        }
    }
    return text
}

private func shellQuoted(_ text: String) -> String {
    "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "\\'") + "'"
}
