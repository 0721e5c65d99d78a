import ContainerEngine
import Glibc
import OCISpec
import OptionGrammar

private struct StatsOptions {
    var all = false
    var latest = false
    var format: String?
    var interval: UInt32 = 5
    var noReset = false
    var noStream = false
    var truncates = true

    static let table: OptionParser<StatsOptions>.Table = [
        [
            .flag("all", "a", "Show all containers, those that do not run with dashes") { $0.all = $1 },
            .value("format", nil, "FORMAT", "json, table, or a Go template") { (target, text) throws(CommandError) in
                target.format = text
            },
            .value("interval", "i", "SECONDS", "How often to look (default 5)") { (target, text) throws(CommandError) in
                target.interval = try parseInteger(text)
                if target.interval == 0 { throw CommandError("must be above 0") }
            },
            .flag("latest", "l", "The container created last") { $0.latest = $1 },
            .flag("no-reset", nil, "Do not clear the screen between two looks") { $0.noReset = $1 },
            .flag("no-stream", nil, "Look once") { $0.noStream = $1 },
            .flag("no-trunc", nil, "Show everything in full") { $0.truncates = !$1 },
        ]
    ]
}

extension Verb {
    static let stats = Verb(
        name: "stats", summary: "Display a live stream of container resource usage statistics",
        usage: "[options] [CONTAINER...]", examples: ["stats", "stats --no-stream --format json web"],
        options: { described(StatsOptions.table) }
    ) { invocation in
        var options = StatsOptions()
        let words = try invocation.parse(StatsOptions.table, into: &options)
        if !words.isEmpty, options.all || options.latest {
            throw CommandError("--all, --latest and containers cannot be used together")
        }
        let session = try Session(invocation)
        var earlier: [String: ContainerStatistics] = [:]
        while true {
            let rows = try look(words, options, session, &earlier)
            let report = Report(
                tableRow: "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}"
                    + "\t{{.PIDs}}\t{{.UpTime}}\t{{.AVGCPU}}",
                headings: [
                    "CPUPerc": "CPU %", "MemUsage": "MEM USAGE / LIMIT", "MemPerc": "MEM %", "NetIO": "NET IO",
                    "BlockIO": "BLOCK IO", "PIDs": "PIDS", "UpTime": "CPU TIME", "AVGCPU": "AVG CPU %",
                ], format: options.format, name: "stats")
            let text = try report.render(rows: rows.map(\.fields), documents: rows.map(\.document))
            let isJSON = options.format.map { $0 == "json" } ?? false
            if !options.noStream, !options.noReset, !isJSON, Output.isTerminal {
                try Output.write("\u{1B}[2J\u{1B}[H")
            }
            try Output.write(text)
            if options.noStream { return 0 }
            sleep(options.interval)
        }
    }

    /// One look at each container. One that was named must run; of the others, those that end meanwhile are left out.
    private static func look(
        _ words: [String], _ options: StatsOptions, _ session: Session, _ earlier: inout [String: ContainerStatistics]
    ) throws -> [StatsRow] {
        var containers: [Container] = []
        if words.isEmpty {
            containers = try session.engine.containers()
            if options.latest { containers = Array(containers.suffix(1)) }
            if !options.all, !options.latest { containers = containers.filter(\.status.isRunning) }
        } else {
            for word in words { containers.append(try session.engine.container(word)) }
        }
        var rows: [StatsRow] = []
        for container in containers {
            let isNamed = !words.isEmpty || options.latest
            var now: ContainerStatistics?
            if container.status.isRunning || isNamed {
                do throws(EngineError) {
                    now = try session.engine.statistics(container)
                } catch {
                    if isNamed { throw error }
                    if !options.all { continue }
                }
            }
            rows.append(
                StatsRow(container: container, now: now, earlier: earlier[container.id], truncates: options.truncates))
            earlier[container.id] = now
        }
        return rows
    }
}

/// A container as `stats` shows it.
private struct StatsRow {
    let container: Container
    let now: ContainerStatistics?
    let earlier: ContainerStatistics?
    let truncates: Bool

    private func percent(_ value: Double?) -> String { value.map { printDouble("%.*f", 2, $0) + "%" } ?? "--" }

    private func pair(_ first: UInt64?, _ second: UInt64?) -> String {
        guard let first, let second else { return "-- / --" }
        func size(_ value: UInt64) -> String { humanSize(Int64(clamping: value), digits: 4, separator: "") }
        return "\(size(first)) / \(size(second))"
    }

    private var id: String { truncates ? String(container.id.prefix(12)) : container.id }
    private var memory: String { pair(now?.cgroup.memory, now?.memoryLimit) }
    private var blocks: String { pair(now?.cgroup.readBytes, now?.cgroup.writtenBytes) }
    private var network: String { pair(now?.network?.received, now?.network?.sent) }
    private var processes: String { now?.cgroup.processes.map(String.init) ?? "--" }
    private var time: String { now?.cgroup.cpuTime.map(goDuration(microseconds:)) ?? "--" }

    var fields: JSON {
        let cgroup = now?.cgroup
        func count(_ value: UInt64?) -> JSON { value.map { JSON($0) } ?? .null }
        func pressure(_ value: ContainerStatistics.Pressure?) -> JSON {
            percentText(value.map(\.some.ten))
        }
        return JSON(members: [
            "ID": .string(id), "ContainerID": .string(id), "Name": .string(container.name),
            "CPUPerc": .string(percent(now?.cpuPercent(since: earlier))), "CPU": .string(percent(now?.cpuPercent())),
            "AVGCPU": .string(percent(now?.cpuPercent())), "MemUsage": .string(memory),
            "MemUsageBytes": .string(memory), "MemPerc": .string(percent(now?.memoryPercent)),
            "NetIO": .string(network), "BlockIO": .string(blocks), "PIDs": .string(processes),
            "PIDS": .string(processes),
            "UpTime": .string(time), "CPUNano": count(cgroup?.cpuTime.map { $0 &* 1000 }),
            "CPUSystemNano": count(cgroup?.cpuSystemTime.map { $0 &* 1000 }), "MemLimit": count(now?.memoryLimit),
            "NetInput": count(now?.network?.received), "NetOutput": count(now?.network?.sent),
            "BlockInput": count(cgroup?.readBytes), "BlockOutput": count(cgroup?.writtenBytes),
            "MemPeak": count(cgroup?.memoryPeak), "OOMKills": count(cgroup?.oomKills),
            "Throttled": count(cgroup?.throttledTime), "CPUPressure": pressure(cgroup?.cpuPressure),
            "MemPressure": pressure(cgroup?.memoryPressure), "IOPressure": pressure(cgroup?.ioPressure),
        ])
    }

    /// podman's members.
    var document: JSON {
        JSON(members: [
            "id": .string(id), "name": .string(container.name), "cpu_time": .string(time),
            "cpu_percent": .string(percent(now?.cpuPercent(since: earlier))),
            "avg_cpu": .string(percent(now?.cpuPercent())), "mem_usage": .string(memory),
            "mem_percent": .string(percent(now?.memoryPercent)), "net_io": .string(network),
            "block_io": .string(blocks), "pids": .string(processes),
        ])
    }

    private func percentText(_ value: Double?) -> JSON { .string(percent(value)) }
}

/// Microseconds as Go prints a duration: `1m2.5s`, `340.5ms`.
func goDuration(microseconds: UInt64) -> String {
    if microseconds < 1000 { return "\(microseconds)µs" }
    func trimmed(_ value: UInt64, _ unit: UInt64) -> String {
        let (whole, rest) = value.quotientAndRemainder(dividingBy: unit)
        if rest == 0 { return "\(whole)" }
        var digits = String(rest)
        digits = String(repeating: "0", count: String(unit).utf8.count - 1 - digits.utf8.count) + digits
        while digits.last == "0" { digits.removeLast() }
        return "\(whole).\(digits)"
    }
    if microseconds < 1_000_000 { return trimmed(microseconds, 1000) + "ms" }
    let minutes = microseconds / 60_000_000
    let seconds = trimmed(microseconds % 60_000_000, 1_000_000) + "s"
    if minutes == 0 { return seconds }
    return minutes < 60 ? "\(minutes)m\(seconds)" : "\(minutes / 60)h\(minutes % 60)m\(seconds)"
}
