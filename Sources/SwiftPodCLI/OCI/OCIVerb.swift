import ContainerEngine
import Glibc
import LinuxKernel
import OCISpec
import OptionGrammar

/// One verb of the runtime's command line.
struct OCIVerb: Sendable {
    let name: String
    let summary: String
    let usage: String
    /// The names of its options in ``OCIOptions``.
    var options: String = ""
    /// After the first word, words that look like options are somebody else's.
    var takesCommand: Bool = false
    let run: @Sendable (OCICall) throws -> Int32
}

/// A call of the runtime on its way.
struct OCICall {
    let caller: Caller
    var globals: OCIGlobals
    let verb: String
    var options = OCIOptions()
    /// What follows the verb and is no option.
    var words: [String] = []

    var log: OCILog { OCILog(globals: globals) }

    /// For a verb that takes one word.
    func id() throws(CommandError) -> String {
        guard words.count == 1 else {
            throw CommandError("\(verb): needs exactly one container id", exitCode: 1)
        }
        return words[0]
    }

    func runtime() -> OCIRuntime {
        // Rootless podman calls its runtime as root of its user namespace, who may not write to /run; containerd's and
        // root's own calls have no session's directory. HOME is missing in some of podman's calls.
        let isInSession = caller.variable("XDG_RUNTIME_DIR")?.hasPrefix("/") == true
        let uid = geteuid() == 0 && isInSession ? IDMaps.outsideUID() : geteuid()
        let runtime = StorePaths.runtime(GlobalOptions(), caller: caller, uid: uid)
        let log = log
        var settings = OCIRuntime.Settings(
            root: globals.root.map(caller.absolute) ?? runtime + "/oci", keeperRoot: runtime)
        if let paths = try? StorePaths(GlobalOptions(), caller: caller) {
            settings.keeperActive = paths.data + "/active"
        }
        settings.cgroupManager = globals.cgroupManager
        settings.warn = { log.warning($0) }
        if let seconds = caller.variable("SWIFTPOD_KEEPER_IDLE").flatMap({ UInt32($0) }) {
            settings.keeperIdleTimeout = seconds
        }
        return OCIRuntime(settings)
    }
}

/// Runs the program as an OCI runtime. Returns the exit status: 1 for what failed, as runc and crun have it.
func runOCI(_ words: ArraySlice<String>, caller: Caller) -> Int32 {
    var globals = OCIGlobals()
    do {
        var ignored = GlobalOptions()
        let rest = try OptionParser(rows: OCIGlobals.table, globals: [], interspersed: false)
            .parse(words, into: &globals, globals: &ignored)
        if globals.showVersion {
            try Output.write(OCIVerb.versionText)
            return 0
        }
        guard let name = rest.first else { throw HelpRequested() }
        guard let verb = OCIVerb.all.first(where: { $0.name == name }) else {
            if name == "help" { throw HelpRequested() }
            throw CommandError("unknown command \(quoted(name))")
        }
        var call = OCICall(caller: caller, globals: globals, verb: name)
        do {
            call.log.debug("\(name) \(rest.dropFirst().joined(separator: " "))")
            call.words = try OptionParser(
                rows: OCIOptions.table(verb.options), globals: [], interspersed: !verb.takesCommand
            ).parse(rest[1...], into: &call.options, globals: &ignored)
            return try verb.run(call)
        } catch is HelpRequested {
            try Output.write(verb.help)
            return 0
        }
    } catch is HelpRequested {
        try? Output.write(OCIVerb.help)
        return 0
    } catch {
        let failure = failure(error)
        if !failure.message.isEmpty { OCILog(globals: globals).error(failure.message) }
        return error is CommandError && failure.exitCode != 125 ? failure.exitCode : 1
    }
}

extension OCIVerb {
    static let all: [OCIVerb] = [
        .create, .start, .state, .kill, .delete, .run, .exec, .list, .ps, .pause, .resume, .update, .events, .spec,
        .features,
    ]

    /// The last line says in crun's words what there is; callers and crun's own tests look for them.
    static var versionText: String {
        """
        swiftpod version \(Version.number)
        spec: \(RuntimeSpec.version)
        +SYSTEMD +SELINUX +APPARMOR +CAP +SECCOMP +EBPF

        """
    }

    static var help: String {
        var text = "Usage: swiftpod oci [OPTION...] COMMAND [OPTION...]\n\nCommands:\n"
        for verb in all { text += "  \(padded(verb.name))\(verb.summary)\n" }
        return text + options(OptionParser<OCIGlobals>.descriptions(OCIGlobals.table))
    }

    var help: String {
        "Usage: swiftpod oci \(name) \(usage)\n\n\(summary)\n"
            + OCIVerb.options(OptionParser.descriptions(OCIOptions.table(options)))
    }

    private static func options(_ descriptions: [OptionDescription]) -> String {
        if descriptions.isEmpty { return "" }
        var text = "\nOptions:\n"
        for option in descriptions where !option.isHidden {
            let short = option.short == 0 ? "    " : "-\(String(Unicode.Scalar(option.short))), "
            let value = option.placeholder.isEmpty ? "" : " \(option.placeholder)"
            text += "  \(short)--\(padded(option.name + value, 28))\(option.help)\n"
        }
        return text
    }

    private static func padded(_ text: String, _ width: Int = 12) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }
}

extension OptionParser {
    static func descriptions(_ table: Table) -> [OptionDescription] { table.joined().map(\.description) }
}
