import ContainerEngine

/// What may be said before the verb and, as podman has it, after it.
package struct GlobalOptions: Equatable, Sendable {
    /// `--root`: where images and containers are kept.
    package var root: String?
    /// `--runroot`: where the state of what runs is kept.
    package var runRoot: String?
    package var cgroupManager: ContainerConfiguration.CgroupManager?
    /// `--cdi-spec-dir`; empty for the usual directories.
    package var cdiDirectories: [String] = []
    package var logLevel: LogLevel = .warning
    /// `--version` before the verb.
    package var showVersion = false
    /// `--noout`: nothing on stdout.
    package var noOutput = false
    /// Collected while parsing, printed once parsing has succeeded.
    package var warnings: [String] = []

    package init() {}

    package enum LogLevel: Int, Comparable, Sendable {
        case trace, debug, info, warning, error, fatal, panic

        package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
    }
}

extension GlobalOptions {
    package static let table: [[OptionRow<GlobalOptions>]] = [rows, inert]

    private static let rows: [OptionRow<GlobalOptions>] = [
        .value("cdi-spec-dir", nil, "DIR", "Read device specifications from DIR; may be said more than once") {
            (target, text) throws(CommandError) in
            target.cdiDirectories.append(try nonEmpty(text))
        },
        .value("cgroup-manager", nil, "cgroupfs|systemd", "Who makes the container's cgroup") {
            (target, text) throws(CommandError) in
            guard let manager = ContainerConfiguration.CgroupManager(rawValue: text) else {
                throw CommandError("neither cgroupfs nor systemd")
            }
            target.cgroupManager = manager
        },
        .value("log-level", nil, "LEVEL", "Print messages from this level up (debug, info, warn, error, …)") {
            (target, text) throws(CommandError) in
            target.logLevel = try parseLogLevel(text)
        },
        .flag("noout", nil, "Print nothing on stdout") { $0.noOutput = $1 },
        .value("root", nil, "DIR", "Keep images and containers in DIR") { (target, text) throws(CommandError) in
            target.root = try nonEmpty(text)
        },
        .value("runroot", nil, "DIR", "Keep the state of what runs in DIR") { (target, text) throws(CommandError) in
            target.runRoot = try nonEmpty(text)
        },
    ]

    /// What podman needs and swiftpod has no part for: which runtime, which driver, which monitor.
    private static let inert: [OptionRow<GlobalOptions>] = [
        .accepted("conmon"),
        .refused("connection"),
        .accepted("db-backend"),
        .accepted("events-backend", nil, .value, "Accepted for podman's sake: no events are kept"),
        .warned("hooks-dir", nil, .value, "OCI hooks are not run"),
        .refused("identity"),
        .refused("imagestore"),
        .refused("module"),
        .refused("namespace"),
        .refused("network-cmd-path"),
        .accepted("network-config-dir"),
        .refused("out"),
        .accepted("pull-option"),
        .refused("remote", nil, .flag),
        .accepted("runtime", nil, .value, "Accepted for podman's sake: swiftpod is its own runtime"),
        .accepted("runtime-flag"),
        .accepted("ssh"),
        .accepted("storage-driver", nil, .value, "Accepted for podman's sake: swiftpod has one store"),
        .accepted("storage-opt"),
        .accepted("syslog", nil, .flag),
        .accepted("tmpdir"),
        .accepted("transient-store", nil, .flag),
        .refused("url"),
        .refused("volumepath"),
    ]

    /// What means something else behind the verb and so stands in front of it only.
    package static let beforeVerb: [OptionRow<GlobalOptions>] = [
        .flag("version", "v", "Print the version") { $0.showVersion = $1 }
    ]
}

extension GlobalOptions {
    /// Takes the options that come before the command and returns the rest. Stands here, beside the parser, so that the
    /// compiler makes a version of its own for what every start does.
    package mutating func parseLeading(_ words: ArraySlice<String>) throws -> [String] {
        var nothing: Void = ()
        let parser = OptionParser<Void>(rows: [], globals: Self.table + [Self.beforeVerb], interspersed: false)
        return try parser.parse(words, into: &nothing, globals: &self)
    }
}

private func parseLogLevel(_ text: String) throws(CommandError) -> GlobalOptions.LogLevel {
    switch text.lowercased() {
    case "trace": return .trace
    case "debug": return .debug
    case "info": return .info
    case "warn", "warning": return .warning
    case "error": return .error
    case "fatal": return .fatal
    case "panic": return .panic
    default: throw CommandError("not a log level")
    }
}

/// The value itself, unless it is empty.
package func nonEmpty(_ text: String) throws(CommandError) -> String {
    if text.isEmpty { throw CommandError("empty") }
    return text
}
