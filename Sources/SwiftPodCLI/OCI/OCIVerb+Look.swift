import ContainerEngine
import Glibc
import OCISpec
import OptionGrammar

/// The options of verbs that print or act on what is there.
struct OCILookOptions: Sendable {
    var format: String?
    var quiet = false
    var force = false
    var all = false
    var regex = false

    static let format: OptionRow<OCILookOptions> = .value("format", "f", "FORMAT", "table or json") {
        (options, text) throws(CommandError) in
        guard ["table", "json"].contains(text) else { throw CommandError("must be table or json") }
        options.format = text
    }
    static let regex: OptionRow<OCILookOptions> = .flag(
        "regex", nil, "The id is a regular expression; all that match are meant"
    ) { $0.regex = $1 }

    static let listTable: OptionParser<OCILookOptions>.Table = [
        [format, .flag("quiet", "q", "Print ids only") { $0.quiet = $1 }]
    ]
    static let psTable: OptionParser<OCILookOptions>.Table = [[format]]
    static let killTable: OptionParser<OCILookOptions>.Table = [
        [.flag("all", "a", "Signal all of the container's processes") { $0.all = $1 }, regex]
    ]
    static let deleteTable: OptionParser<OCILookOptions>.Table = [
        [.flag("force", "f", "Kill what still runs; no container is no error") { $0.force = $1 }, regex]
    ]
}

extension OCIVerb {
    static let state = OCIVerb(name: "state", summary: "Print a container's state", usage: "ID") { call in
        let state = try call.runtime().state(try call.id())
        try Output.write(String(decoding: state.json.encoded(pretty: true, indent: 2), as: UTF8.self) + "\n")
        return 0
    }

    static let list = OCIVerb(
        name: "list", summary: "List containers", usage: "[OPTION...]",
        options: { OptionParser.descriptions(OCILookOptions.listTable) }
    ) { call in
        var options = OCILookOptions()
        guard try call.parse(OCILookOptions.listTable, into: &options).isEmpty else {
            throw CommandError("list: takes no arguments", exitCode: 1)
        }
        let states = try call.runtime().list()
        if options.quiet {
            for state in states { try Output.line(state.id) }
        } else if options.format == "json" {
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
        name: "ps", summary: "List a container's processes", usage: "[OPTION...] ID",
        options: { OptionParser.descriptions(OCILookOptions.psTable) }
    ) { call in
        var options = OCILookOptions()
        // runc passes what follows the id to ps(1); its callers rarely do.
        let words = try call.parse(OCILookOptions.psTable, into: &options)
        let pids = try call.runtime().processes(try call.one(words))
        if options.format == "json" {
            try Output.line(JSON.array(pids.map(\.json)).text)
        } else {
            try Output.write(table([["PID"]] + pids.map { ["\($0)"] }))
        }
        return 0
    }

    static let kill = OCIVerb(
        name: "kill", summary: "Send a signal to a container, TERM by default", usage: "[OPTION...] ID [SIGNAL]",
        options: { OptionParser.descriptions(OCILookOptions.killTable) }
    ) { call in
        var options = OCILookOptions()
        let words = try call.parse(OCILookOptions.killTable, into: &options)
        guard (1...2).contains(words.count) else { throw CommandError("kill: needs an id and a signal", exitCode: 1) }
        let signal = words.count == 2 ? try SignalNumber.parse(words[1]) : SIGTERM
        let runtime = call.runtime()
        for id in try ids(words[0], options, runtime) { try runtime.kill(id, signal: signal, all: options.all) }
        return 0
    }

    static let delete = OCIVerb(
        name: "delete", summary: "Remove a container that has ended", usage: "[OPTION...] ID",
        options: { OptionParser.descriptions(OCILookOptions.deleteTable) }
    ) { call in
        var options = OCILookOptions()
        let word = try call.one(try call.parse(OCILookOptions.deleteTable, into: &options))
        let runtime = call.runtime()
        for id in try ids(word, options, runtime) { try runtime.delete(id, force: options.force) }
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

    static let update = OCIVerb(name: "update", summary: "Change a container's limits", usage: "ID") { _ in
        throw CommandError("update: resource limits are not supported yet", exitCode: 1)
    }

    static let events = OCIVerb(name: "events", summary: "Print a container's figures", usage: "ID") { _ in
        throw CommandError("events: not supported yet", exitCode: 1)
    }

    /// The one that is named, or all that match.
    private static func ids(
        _ word: String, _ options: OCILookOptions, _ runtime: OCIRuntime
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
