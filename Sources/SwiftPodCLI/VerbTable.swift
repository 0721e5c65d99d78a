import OptionGrammar

/// Which verbs there are.
enum VerbTable {
    static let top: [Verb] = [
        .bench, .completion, .create, .events, .exec, .help, .images, .importImage, .info, .inspect, .kill, .load,
        .login,
        .logout,
        .logs,
        .man, .pause, .ps, .pull, .rm, .rmi, .run, .save, .service, .start, .stats, .stop, .tag, .top, .unpause, .untag,
        .update,
        .version, .wait,
    ]

    /// `swiftpod container VERB` and so on.
    static let groups: [VerbGroup] = [
        VerbGroup(
            name: "cdi", summary: "Describe devices in the terms of the Container Device Interface",
            verbs: [.cdiGenerate, .cdiList, .cdiValidate]),
        VerbGroup(
            name: "container", summary: "Manage containers",
            verbs: [
                .create, .exec, .containerExists, .containerInspect, .kill, .containerList, .logs, .pause, .ps, .rm,
                .run,
                .start, .stats, .stop, .top, .unpause, .update, .wait,
            ]),
        VerbGroup(
            name: "image", summary: "Manage images",
            verbs: [
                .imageExists, .importImage, .imageInspect, .imageList, .load, .pull, .imageRemove, .save, .tag, .untag,
            ]),
        VerbGroup(
            name: "serve", summary: "Check and prepare the containers of a Ray Serve configuration",
            verbs: [.serveCheck, .servePrepare]),
        VerbGroup(name: "system", summary: "Manage swiftpod", verbs: [.info]),
        VerbGroup(
            name: "volume", summary: "Manage volumes",
            verbs: [.volumeCreate, .volumeExists, .volumeInspect, .volumeList, .volumeRemove]),
    ]

    /// podman's verbs that are not here: refused by name, as its flags are.
    static let unsupported: [String] = [
        "attach", "auto-update", "build", "commit", "compose", "cp", "diff", "export", "farm", "generate",
        "healthcheck", "history", "init", "kube", "machine", "manifest", "mount", "network", "play", "pod",
        "port", "push", "rename", "restart", "search", "secret", "umount", "unmount",
        "unshare", "checkpoint", "cleanup", "clone", "prune", "restore", "runlabel", "scp", "sign", "tree",
        "trust", "df", "migrate", "renumber", "reset", "service", "connection", "reload",
    ]

    /// Finds the verb that the words begin with. Nil with a group alone, whose help is wanted then.
    static func find(_ words: [String]) throws(CommandError) -> (verb: Verb, path: [String])? {
        guard let first = words.first else { throw CommandError("missing command 'swiftpod COMMAND'") }
        if let verb = top.first(where: { $0.answers(to: first) }) { return (verb, [verb.name]) }
        guard let group = groups.first(where: { $0.name == first }) else {
            throw unknown(first, in: [], known: top.map(\.name) + groups.map(\.name))
        }
        guard words.count > 1, words[1] != "--help", words[1] != "-h" else { return nil }
        if let verb = group.verbs.first(where: { $0.answers(to: words[1]) }) {
            return (verb, [group.name, verb.name])
        }
        throw unknown(words[1], in: [first], known: group.verbs.map(\.name))
    }

    private static func unknown(_ word: String, in path: [String], known: [String]) -> CommandError {
        let whole = (path + [word]).joined(separator: " ")
        if unsupported.contains(word) {
            return CommandError("unsupported command: \(whole): podman has it, swiftpod does not yet")
        }
        guard let nearest = nearestName(to: word, among: known) else {
            return CommandError("unrecognized command \(quoted(whole))")
        }
        let suggestion = (path + [nearest]).joined(separator: " ")
        return CommandError("unrecognized command \(quoted(whole)) (did you mean \(quoted(suggestion))?)")
    }
}

/// Verbs under a noun.
struct VerbGroup: Sendable {
    let name: String
    let summary: String
    let verbs: [Verb]
}
