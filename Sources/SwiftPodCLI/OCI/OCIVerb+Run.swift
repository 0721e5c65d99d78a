import ContainerEngine
import Glibc
import LinuxKernel
import OCISpec
import OptionGrammar

extension OCIVerb {
    private static let bundleOptions =
        "bundle config console-socket pidfd-socket pid-file preserve-fds no-pivot no-new-keyring no-subreaper"

    static let create = OCIVerb(
        name: "create", summary: "Create a container, whose process waits for start", usage: "[OPTION...] ID",
        options: bundleOptions
    ) { call in
        var options = call.options
        options.start.detach = true
        try call.runtime().create(
            try call.id(), bundle: options.bundle, config: options.config, options: options.start)
        return 0
    }

    static let run = OCIVerb(
        name: "run", summary: "Create and start a container, and wait for its end", usage: "[OPTION...] ID",
        options: bundleOptions + " detach keep"
    ) { call in
        let options = call.options
        var raw: RawTerminal?
        defer { withExtendedLifetime(raw) {} }
        let status = try call.runtime().run(
            try call.id(), bundle: options.bundle, config: options.config, options: options.start,
            keep: options.keep, io: .terminal()
        ) { terminal in
            if terminal { raw = RawTerminal(0) }
        }
        return status?.code ?? 0
    }

    static let start = OCIVerb(name: "start", summary: "Start a created container", usage: "ID") { call in
        try call.runtime().start(try call.id())
        return 0
    }

    static let exec = OCIVerb(
        name: "exec", summary: "Run a further process in a container", usage: "[OPTION...] ID COMMAND [ARG...]",
        options: "process console-socket pidfd-socket pid-file preserve-fds cwd env user additional-gids cap cgroup "
            + "apparmor process-label tty detach no-new-privs no-subreaper ignore-paused",
        takesCommand: true
    ) { call in
        var options = call.options
        guard let id = call.words.first else { throw CommandError("exec: needs a container id", exitCode: 1) }
        options.exec.arguments = Array(call.words.dropFirst())
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

extension AttachedStreams {
    /// The caller's three streams, with the terminal among them.
    static func terminal() -> AttachedStreams {
        AttachedStreams(terminal: isatty(0) == 1 ? 0 : isatty(1) == 1 ? 1 : nil)
    }
}
