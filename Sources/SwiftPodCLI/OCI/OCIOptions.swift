import ContainerEngine
import Glibc
import OCISpec
import OptionGrammar

/// What the options of the runtime's verbs say. Each option stands here once; a verb names those that it takes.
struct OCIOptions: Sendable {
    var bundle = "."
    var config: String?
    var start = OCIRuntime.StartOptions()
    var keep = false
    var exec = OCIExec()
    var processFile: String?
    var format: String?
    var quiet = false
    var force = false
    var all = false
    var regex = false
    var rootless = false
    var resources: String?
    /// As `linux.resources`.
    var changes: JSON = .object([])
    var l3CacheSchema: String?
    var memoryBandwidthSchema: String?
    var statistics = false
    /// Milliseconds.
    var interval: Int32 = 5000

    /// The rows of a verb's options, which stand in one string.
    static func table(_ names: String) -> OptionParser<OCIOptions>.Table {
        let names = names.split(separator: " ")
        return [(common + exec + limits).filter { names.contains($0.description.name[...]) }]
    }

    private static let common: [OptionRow<OCIOptions>] = [
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
        .value("pidfd-socket", nil, "SOCKET", "Socket that receives a pidfd of the process") {
            (options, text) throws(CommandError) in
            options.start.pidfdSocket = text
        },
        .value("pid-file", nil, "FILE", "File to write the process's pid into") {
            (options, text) throws(CommandError) in
            options.start.pidFile = text
        },
        .value("preserve-fds", nil, "N", "So many descriptors from 3 up are passed on") {
            (options, text) throws(CommandError) in
            guard let count = Int(text), (0...1024).contains(count) else { throw CommandError("must be 0 to 1024") }
            options.start.preservedDescriptors = count
        },
        .flag("no-pivot", nil, "Move the root instead of pivoting to it (unsafe: for initramfs)") {
            $0.start.noPivot = $1
        },
        .flag("no-new-keyring", nil, "Keep the caller's session keyring") { $0.start.keepsKeyring = $1 },
        // runc's own way to wait; here the runtime is the parent anyway.
        .accepted("no-subreaper", nil, .flag),
        .flag("detach", "d", "Do not wait for the process's end") { $0.start.detach = $1 },
        .flag("keep", nil, "Keep the state when the container has ended") { $0.keep = $1 },
        .value("file", "f", "FILE", "The file to write, config.json in the bundle by default") {
            (options, text) throws(CommandError) in
            options.config = text
        },
        .value("format", "f", "FORMAT", "table or json") { (options, text) throws(CommandError) in
            guard ["table", "json"].contains(text) else { throw CommandError("must be table or json") }
            options.format = text
        },
        .flag("quiet", "q", "Print ids only") { $0.quiet = $1 },
        .flag("all", "a", "Signal all of the container's processes") { $0.all = $1 },
        .flag("force", "f", "Kill what still runs; no container is no error") { $0.force = $1 },
        .flag("regex", nil, "The id is a regular expression; all that match are meant") { $0.regex = $1 },
        .flag("rootless", nil, "For an unprivileged caller") { $0.rootless = $1 },
        .flag("stats", nil, "Print the figures once, and nothing else") { $0.statistics = $1 },
        .value("interval", nil, "DURATION", "Print the figures each DURATION (5s)") {
            (options, text) throws(CommandError) in
            let nanoseconds = try parseDuration(text)
            guard (1_000_000...3_600_000_000_000).contains(nanoseconds) else {
                throw CommandError("must be 1ms to 1h")
            }
            options.interval = Int32(nanoseconds / 1_000_000)
        },
    ]

    private static let exec: [OptionRow<OCIOptions>] = [
        .value("process", "p", "FILE", "The process as JSON, in place of words") {
            (options, text) throws(CommandError) in
            options.processFile = text
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
        .value("apparmor", nil, "PROFILE", "The process's AppArmor profile") { (options, text) throws(CommandError) in
            options.exec.apparmorProfile = text
        },
        .value("process-label", nil, "LABEL", "The process's SELinux label") { (options, text) throws(CommandError) in
            options.exec.selinuxLabel = text
        },
        .flag("tty", "t", "The process gets a terminal") { $0.exec.terminal = $1 },
        .flag("ignore-paused", nil, "In a paused container, too, where the process waits with it") {
            $0.exec.evenPaused = $1
        },
        .flag("no-new-privs", nil, "The process gains no new privileges") { $0.exec.noNewPrivileges = $1 },
    ]

    // MARK: - Limits

    /// runc's and crun's names; what cgroup v2 does not have is refused where the others' is written.
    private static let limits: [OptionRow<OCIOptions>] = [
        .value("resources", "r", "FILE", "The changes as JSON, linux.resources of the specification; - is stdin") {
            (options, text) throws(CommandError) in
            options.resources = text
        },
        number("blkio-weight", "blockIO", "weight", "Share of block IO, 10 to 1000"),
        number("cpu-period", "cpu", "period", "Period of the CPU quota, microseconds"),
        number("cpu-quota", "cpu", "quota", "CPU time in each period, microseconds"),
        number("cpu-burst", "cpu", "burst", "CPU time saved up for a burst, microseconds"),
        number("cpu-share", "cpu", "shares", "Share of CPU time, relative to 1024"),
        number("cpu-rt-period", "cpu", "realtimePeriod", "Period of the realtime quota (cgroup v1)"),
        number("cpu-rt-runtime", "cpu", "realtimeRuntime", "Realtime CPU time (cgroup v1)"),
        number("cpu-idle", "cpu", "idle", "1: gets CPU time that nobody else wants"),
        text("cpuset-cpus", "cpus", "Run on these CPUs only: 0-3,5"),
        text("cpuset-mems", "mems", "Use memory of these NUMA nodes only"),
        memory("kernel-memory", "kernel", "Kernel memory (cgroup v1)"),
        memory("kernel-memory-tcp", "kernelTCP", "Kernel memory of TCP buffers (cgroup v1)"),
        memory("memory", "limit", "Memory at most: 512m, 2g"),
        memory("memory-reservation", "reservation", "Memory that is not reclaimed"),
        memory("memory-swap", "swap", "Memory and swap together; -1 for no limit"),
        number("pids-limit", "pids", "limit", "Processes at most; -1 for no limit"),
        .value("l3-cache-schema", nil, "TEXT", "The schema of the container's share of the L3 cache, Intel RDT") {
            (options, text) throws(CommandError) in
            options.l3CacheSchema = text
        },
        .value("mem-bw-schema", nil, "TEXT", "The schema of its share of memory bandwidth, Intel RDT") {
            (options, text) throws(CommandError) in
            options.memoryBandwidthSchema = text
        },
    ]

    private mutating func set(_ section: String, _ name: String, _ value: JSON) {
        var members = changes[section] ?? .object([])
        members.set(name, value)
        changes.set(section, members)
    }

    private static func number(
        _ option: String, _ section: String, _ name: String, _ help: String
    ) -> OptionRow<OCIOptions> {
        .value(option, nil, "N", help) { (options, text) throws(CommandError) in
            guard let number = Int64(text) else { throw CommandError("not a number") }
            options.set(section, name, .integer(number))
        }
    }

    private static func text(_ option: String, _ name: String, _ help: String) -> OptionRow<OCIOptions> {
        .value(option, nil, "LIST", help) { (options, text) throws(CommandError) in
            options.set("cpu", name, .string(text))
        }
    }

    private static func memory(_ option: String, _ name: String, _ help: String) -> OptionRow<OCIOptions> {
        .value(option, nil, "SIZE", help) { (options, text) throws(CommandError) in
            options.set("memory", name, .integer(try parseMemory(text)))
        }
    }
}
