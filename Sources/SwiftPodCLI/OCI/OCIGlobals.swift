import ContainerEngine
import Glibc
import LinuxKernel
import OCISpec
import OptionGrammar

/// The runtime's global options, as runc and crun spell them.
struct OCIGlobals: Sendable {
    var root: String?
    var log: String?
    var logFormat = LogFormat.text
    var logLevel = LogLevel.warning
    var cgroupManager = OCIRuntime.CgroupManager.cgroupfs
    var showVersion = false

    enum LogFormat: String {
        case text, json
    }

    enum LogLevel: Int {
        case debug, warning, error
    }

    static let table: OptionParser<OCIGlobals>.Table = [
        [
            .value("root", nil, "DIR", "Directory of the containers' state") { (globals, text) throws(CommandError) in
                globals.root = text
            },
            .value("log", nil, "FILE", "File that errors and warnings are appended to") {
                (globals, text) throws(CommandError) in
                guard !text.hasPrefix("journald:"), !text.hasPrefix("syslog:") else {
                    throw CommandError("only files are supported")
                }
                let backend = text.prefix { $0 != ":" && $0 != "/" }
                if backend.count < text.count, text.dropFirst(backend.count).hasPrefix(":"), backend != "file" {
                    throw CommandError("unknown kind of log \(quoted(String(backend)))")
                }
                globals.log = text.hasPrefix("file:") ? String(text.dropFirst(5)) : text
            },
            .value("log-format", nil, "FORMAT", "Format of that file: text or json") {
                (globals, text) throws(CommandError) in
                guard let format = LogFormat(rawValue: text) else { throw CommandError("unknown log format") }
                globals.logFormat = format
            },
            .value("log-level", nil, "LEVEL", "What is logged: debug, warning or error") {
                (globals, text) throws(CommandError) in
                switch text {
                case "debug", "trace", "info": globals.logLevel = .debug
                case "warn", "warning": globals.logLevel = .warning
                case "error", "fatal", "panic": globals.logLevel = .error
                default: throw CommandError("unknown log level")
                }
            },
            .flag("debug", nil, "Log everything") { if $1 { $0.logLevel = .debug } },
            .flag("systemd-cgroup", nil, "Have cgroups made by systemd") {
                if $1 { $0.cgroupManager = .systemd }
            },
            .value("cgroup-manager", nil, "MANAGER", "Who makes cgroups: cgroupfs, systemd or disabled") {
                (globals, text) throws(CommandError) in
                guard let manager = OCIRuntime.CgroupManager(rawValue: text) else {
                    throw CommandError("unknown cgroup manager")
                }
                globals.cgroupManager = manager
            },
            // Whether the caller is privileged is asked of the kernel.
            .value("rootless", nil, "BOOL", "Accepted for callers that say it") {
                (_, text) throws(CommandError) in
                guard ["auto", "true", "false"].contains(text) else {
                    throw CommandError("must be auto, true or false")
                }
            },
            .flag("version", "v", "Print the version") { $0.showVersion = $1 },
        ]
    ]
}

/// Where the runtime's errors and warnings go: stderr for people, `--log` for the program that called.
struct OCILog {
    let globals: OCIGlobals

    func error(_ message: String) {
        complain(message)
        append(message, level: "error")
    }

    func warning(_ message: String) {
        guard globals.logLevel.rawValue <= OCIGlobals.LogLevel.warning.rawValue else { return }
        try? writeAll(2, Array("Warning: \(message)\n".utf8))
        append(message, level: "warning")
    }

    func debug(_ message: String) {
        guard globals.logLevel == .debug else { return }
        if globals.log == nil { try? writeAll(2, Array("debug: \(message)\n".utf8)) }
        append(message, level: "debug")
    }

    /// Opened for each line: before an error there is none to write, and after it the program ends.
    private func append(_ message: String, level: String) {
        guard let path = globals.log, !path.isEmpty,
            let file = try? OwnedDescriptor.open(path, O_WRONLY | O_CREAT | O_APPEND, mode: 0o644)
        else { return }
        let time = Timestamp.now().description
        let line: [UInt8]
        switch globals.logFormat {
        case .json:
            line = JSON(members: ["msg": .string(message), "level": .string(level), "time": .string(time)]).encoded()
        case .text: line = Array("time=\"\(time)\" level=\(level) msg=\(JSON.string(message).text)".utf8)
        }
        try? file.writeAll(line + [0x0a])
    }
}
