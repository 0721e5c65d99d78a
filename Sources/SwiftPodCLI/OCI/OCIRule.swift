import Glibc
import OptionGrammar

/// Which of its two command lines a call of this program means: podman's, or that of an OCI runtime. Several verbs are
/// in both. The rule is told to users in README.md; nothing else decides.
enum OCIRule {
    /// The words of the runtime's command line, or nil where the call is podman's.
    static func words(_ arguments: [String], caller: Caller) -> ArraySlice<String>? {
        let program = arguments.first.map { $0.split(separator: "/").last.map(String.init) ?? $0 } ?? ""
        // 1. The name that the program is called by.
        if runtimeNames.contains(program) { return arguments.dropFirst() }
        if program == "podman" || program == "docker" { return nil }
        let words = arguments.dropFirst()
        // 2. `swiftpod oci VERB`.
        if words.first == "oci" { return words.dropFirst() }
        return means(words, caller) ? words : nil
    }

    static let runtimeNames: [String] = ["swiftpod-oci", "crun", "runc"]
    /// 3. Global options and verbs that only a runtime has.
    private static let runtimeGlobals: [String] = ["log", "log-format", "debug", "systemd-cgroup", "rootless"]
    private static let runtimeVerbs: [String] = ["state", "delete", "resume", "list", "spec", "features"]
    /// 4. Options of `create`, `run` and `exec` that only a runtime has.
    private static let runtimeOptions: [String] = [
        "bundle", "b", "config", "f", "console-socket", "pidfd-socket", "pid-file", "no-pivot", "no-new-keyring",
        "keep", "process",
        "no-subreaper", "process-label", "apparmor", "regex",
    ]

    private static func means(_ words: ArraySlice<String>, _ caller: Caller) -> Bool {
        var root: String?
        var isPodmans = false
        var index = words.startIndex
        while index < words.endIndex, words[index].hasPrefix("-") {
            let (name, value) = split(words[index])
            index += 1
            if runtimeGlobals.contains(name) { return true }
            switch name {
            case "root", "cgroup-manager", "log-level":
                if value == nil { index += 1 }
                if name == "root", index <= words.endIndex { root = value ?? words[index - 1] }
            default: isPodmans = true
            }
        }
        guard index < words.endIndex else { return false }
        let verb = words[index]
        if runtimeVerbs.contains(verb) { return true }
        let rest = words[(index + 1)...]
        if ["create", "run", "exec"].contains(verb), hasRuntimeOption(rest) { return true }
        // 5. `--root DIR`, which is no image store's.
        guard let root, !isPodmans, !isStore(caller.absolute(root)) else { return false }
        switch verb {
        case "start", "kill", "exec", "ps", "pause", "update", "events": return true
        // A store that is yet to be made, unless the caller stands in a bundle.
        case "create", "run": return access("config.json", F_OK) == 0
        default: return false
        }
    }

    /// Among the options before the first other word: what follows may be somebody else's command.
    private static func hasRuntimeOption(_ words: ArraySlice<String>) -> Bool {
        var index = words.startIndex
        while index < words.endIndex, words[index].hasPrefix("-"), words[index] != "--" {
            let (name, value) = split(words[index])
            if runtimeOptions.contains(name) { return true }
            index += 1
            if value == nil, ["preserve-fds", "user", "u", "env", "e", "cwd", "cap"].contains(name) { index += 1 }
        }
        return false
    }

    private static func split(_ word: String) -> (name: String, value: String?) {
        let body = word.drop { $0 == "-" }
        guard let equals = body.firstIndex(of: "=") else { return (String(body), nil) }
        return (String(body[..<equals]), String(body[body.index(after: equals)...]))
    }

    private static func isStore(_ path: String) -> Bool { access(path + "/oci-layout", F_OK) == 0 }
}
