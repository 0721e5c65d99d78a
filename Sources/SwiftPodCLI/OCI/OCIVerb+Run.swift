import ContainerEngine
import Glibc
import LinuxKernel
import OCISpec
import OptionGrammar

/// The options of `create` and `run`.
struct OCIBundleOptions: Sendable {
    var bundle = "."
    var config: String?
    var start = OCIRuntime.StartOptions()
    var keep = false

    static let table: OptionParser<OCIBundleOptions>.Table = [
        [
            .value("bundle", "b", "DIR", "The bundle; the working directory by default") {
                (options, text) throws(CommandError) in
                guard !text.isEmpty else { throw CommandError("empty path") }
                options.bundle = text
            },
            .value("config", "f", "FILE", "The specification, config.json in the bundle by default") {
                (options, text) throws(CommandError) in
                options.config = text
            },
            .value("console-socket", nil, "SOCKET", "Socket that receives the terminal's master") {
                (options, text) throws(CommandError) in
                options.start.consoleSocket = text
            },
            .value("pid-file", nil, "FILE", "File to write the process's pid into") {
                (options, text) throws(CommandError) in
                options.start.pidFile = text
            },
            .value("preserve-fds", nil, "N", "So many descriptors from 3 up are passed on") {
                (options, text) throws(CommandError) in
                options.start.preservedDescriptors = try descriptorCount(text)
            },
            .flag("no-pivot", nil, "Move the root instead of pivoting to it (unsafe: for initramfs)") {
                $0.start.noPivot = $1
            },
            .flag("no-new-keyring", nil, "Keep the caller's session keyring") { $0.start.keepsKeyring = $1 },
            // runc's own way to wait; here the runtime is the parent anyway.
            .accepted("no-subreaper", nil, .flag),
        ]
    ]

    static let runTable: OptionParser<OCIBundleOptions>.Table =
        table + [
            [
                .flag("detach", "d", "Do not wait for the container's end") { $0.start.detach = $1 },
                .flag("keep", nil, "Keep the state when the container has ended") { $0.keep = $1 },
            ]
        ]
}

func descriptorCount(_ text: String) throws(CommandError) -> Int {
    guard let count = Int(text), (0...1024).contains(count) else { throw CommandError("must be 0 to 1024") }
    return count
}

extension OCIVerb {
    static let create = OCIVerb(
        name: "create", summary: "Create a container, whose process waits for start", usage: "[OPTION...] ID",
        options: { OptionParser.descriptions(OCIBundleOptions.table) }
    ) { call in
        var options = OCIBundleOptions()
        let id = try call.one(try call.parse(OCIBundleOptions.table, into: &options))
        options.start.detach = true
        try call.runtime().create(id, bundle: options.bundle, config: options.config, options: options.start)
        return 0
    }

    static let run = OCIVerb(
        name: "run", summary: "Create and start a container, and wait for its end", usage: "[OPTION...] ID",
        options: { OptionParser.descriptions(OCIBundleOptions.runTable) }
    ) { call in
        var options = OCIBundleOptions()
        let id = try call.one(try call.parse(OCIBundleOptions.runTable, into: &options))
        let runtime = call.runtime()
        let io = AttachedStreams.terminal()
        var raw: RawTerminal?
        defer { withExtendedLifetime(raw) {} }
        let status = try runtime.run(
            id, bundle: options.bundle, config: options.config, options: options.start, keep: options.keep, io: io
        ) { terminal in
            if terminal { raw = RawTerminal(0) }
        }
        return status?.code ?? 0
    }

    static let start = OCIVerb(name: "start", summary: "Start a created container", usage: "ID") { call in
        try call.runtime().start(try call.id())
        return 0
    }
}

extension AttachedStreams {
    /// The caller's three streams, with the terminal among them.
    static func terminal() -> AttachedStreams {
        AttachedStreams(terminal: isatty(0) == 1 ? 0 : isatty(1) == 1 ? 1 : nil)
    }
}

/// The options of `exec`.
struct OCIExecOptions: Sendable {
    var exec = OCIExec()
    var start = OCIRuntime.StartOptions()
    var processFile: String?

    static let table: OptionParser<OCIExecOptions>.Table = [
        [
            .value("process", "p", "FILE", "The process as JSON, in place of words") {
                (options, text) throws(CommandError) in
                options.processFile = text
            },
            .value("console-socket", nil, "SOCKET", "Socket that receives the terminal's master") {
                (options, text) throws(CommandError) in
                options.start.consoleSocket = text
            },
            .value("pid-file", nil, "FILE", "File to write the process's pid into") {
                (options, text) throws(CommandError) in
                options.start.pidFile = text
            },
            .value("preserve-fds", nil, "N", "So many descriptors from 3 up are passed on") {
                (options, text) throws(CommandError) in
                options.start.preservedDescriptors = try descriptorCount(text)
            },
            .value("cwd", nil, "DIR", "Working directory") { (options, text) throws(CommandError) in
                options.exec.workingDirectory = text
            },
            .value("env", "e", "NAME=VALUE", "A variable of the process's environment") {
                (options, text) throws(CommandError) in
                options.exec.environment.append(text)
            },
            .value("user", "u", "UID[:GID]", "The process's user") { (options, text) throws(CommandError) in
                options.exec.user = text
            },
            .value("additional-gids", "g", "GID", "A further group of the process") {
                (options, text) throws(CommandError) in
                guard let gid = UInt32(text) else { throw CommandError("not a number") }
                options.exec.additionalGroups.append(gid)
            },
            .value("cap", "c", "CAP", "A capability beyond the container's") { (options, text) throws(CommandError) in
                options.exec.capabilities.append(text)
            },
            .value("cgroup", nil, "PATH", "A cgroup below the container's") { (options, text) throws(CommandError) in
                options.exec.cgroup = text
            },
            .value("apparmor", nil, "PROFILE", "The process's AppArmor profile") {
                (options, text) throws(CommandError) in
                options.exec.apparmorProfile = text
            },
            .value("process-label", nil, "LABEL", "The process's SELinux label") {
                (options, text) throws(CommandError) in
                options.exec.selinuxLabel = text
            },
        ],
        [
            .flag("tty", "t", "The process gets a terminal") { $0.exec.terminal = $1 },
            .flag("detach", "d", "Do not wait for the process's end") { $0.start.detach = $1 },
            .flag("no-new-privs", nil, "The process gains no new privileges") { $0.exec.noNewPrivileges = $1 },
            .accepted("no-subreaper", nil, .flag),
        ],
    ]
}

extension OCIVerb {
    static let exec = OCIVerb(
        name: "exec", summary: "Run a further process in a container", usage: "[OPTION...] ID COMMAND [ARG...]",
        options: { OptionParser.descriptions(OCIExecOptions.table) }
    ) { call in
        var options = OCIExecOptions()
        let words = try call.parse(OCIExecOptions.table, into: &options, interspersed: false)
        guard let id = words.first else { throw CommandError("exec: needs a container id", exitCode: 1) }
        options.exec.arguments = Array(words.dropFirst())
        if let file = options.processFile {
            options.exec.document = try call.caller.readFile(file)
        } else if options.exec.arguments.isEmpty {
            throw CommandError("exec: needs a command", exitCode: 1)
        }
        var raw: RawTerminal?
        defer { withExtendedLifetime(raw) {} }
        let status = try call.runtime().exec(id, options.exec, options: options.start, io: .terminal()) { terminal in
            if terminal { raw = RawTerminal(0) }
        }
        return status?.code ?? 0
    }
}
