import ContainerEngine
import Glibc
import OCISpec
import OptionGrammar

extension OCIVerb {
    static let state = OCIVerb(name: "state", summary: "Print a container's state", usage: "ID") { call in
        let state = try call.runtime().state(try call.id())
        try Output.write(String(decoding: state.json.encoded(pretty: true, indent: 2), as: UTF8.self) + "\n")
        return 0
    }

    static let list = OCIVerb(
        name: "list", summary: "List containers", usage: "[OPTION...]", options: "format quiet"
    ) { call in
        guard call.words.isEmpty else { throw CommandError("list: takes no arguments", exitCode: 1) }
        let states = try call.runtime().list()
        if call.options.quiet {
            for state in states { try Output.line(state.id) }
        } else if call.options.format == "json" {
            try Output.line(JSON.array(states.map(\.json)).text)
        } else {
            var rows = [["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]]
            for state in states {
                rows.append([
                    state.id, "\(state.pid)", state.status.rawValue, state.bundle, state.created, state.owner,
                ])
            }
            try Output.write(table(rows))
        }
        return 0
    }

    static let ps = OCIVerb(
        name: "ps", summary: "List a container's processes", usage: "[OPTION...] ID [OPTION OF ps(1)...]",
        options: "format", takesCommand: true
    ) { call in
        guard let id = call.words.first else { throw CommandError("ps: needs a container id", exitCode: 1) }
        let pids = try call.runtime().processes(id)
        if call.options.format == "json" {
            try Output.line(JSON.array(pids.map(\.json)).text)
        } else if call.words.count > 1 {
            try Output.write(try ProcessListing(Array(call.words.dropFirst())).lines(of: pids))
        } else {
            try Output.write(table([["PID"]] + pids.map { ["\($0)"] }))
        }
        return 0
    }

    static let kill = OCIVerb(
        name: "kill", summary: "Send a signal to a container, TERM by default", usage: "[OPTION...] ID [SIGNAL]",
        options: "all regex"
    ) { call in
        guard (1...2).contains(call.words.count) else {
            throw CommandError("kill: needs an id and a signal", exitCode: 1)
        }
        // 0 asks whether it is there, as with kill(2).
        let word = call.words.count == 2 ? call.words[1] : "TERM"
        let signal = word == "0" ? 0 : try SignalNumber.parse(word)
        let runtime = call.runtime()
        for id in try ids(call.words[0], call.options, runtime) {
            try runtime.kill(id, signal: signal, all: call.options.all)
        }
        return 0
    }

    static let delete = OCIVerb(
        name: "delete", summary: "Remove a container that has ended", usage: "[OPTION...] ID", options: "force regex"
    ) { call in
        let runtime = call.runtime()
        for id in try ids(try call.id(), call.options, runtime) { try runtime.delete(id, force: call.options.force) }
        return 0
    }

    static let pause = OCIVerb(name: "pause", summary: "Freeze a container's processes", usage: "ID") { call in
        try call.runtime().setPaused(true, try call.id())
        return 0
    }

    static let resume = OCIVerb(name: "resume", summary: "Let a frozen container go on", usage: "ID") { call in
        try call.runtime().setPaused(false, try call.id())
        return 0
    }

    /// The one that is named, or all that match.
    private static func ids(
        _ word: String, _ options: OCIOptions, _ runtime: OCIRuntime
    ) throws -> [String] {
        guard options.regex else { return [word] }
        var pattern = regex_t()
        guard regcomp(&pattern, word, REG_EXTENDED | REG_NOSUB) == 0 else {
            throw CommandError("invalid regular expression \(quoted(word))", exitCode: 1)
        }
        defer { regfree(&pattern) }
        return try runtime.list().map(\.id).filter { regexec(&pattern, $0, 0, nil, 0) == 0 }
    }

    private static func table(_ rows: [[String]]) -> String {
        alignColumns(rows.map { $0.joined(separator: "\t") })
    }
}
