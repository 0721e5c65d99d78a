import Cgroups
import Glibc
import LinuxKernel

/// What a container uses, at one moment.
public struct ContainerStatistics: Sendable {
    public typealias Pressure = CgroupStatistics.Pressure

    public var time: Timestamp
    public var startedAt: Timestamp
    public var cgroup: CgroupStatistics
    /// Bytes that it can have at most: its own limit, or the machine's memory.
    public var memoryLimit: UInt64
    /// Bytes through its network interfaces, loopback apart; nil where it shares the host's network.
    public var network: (received: UInt64, sent: UInt64)?

    /// Percent of one processor, since `earlier` or since the start.
    public func cpuPercent(since earlier: ContainerStatistics? = nil) -> Double {
        let used = Double((cgroup.cpuTime ?? 0) &- (earlier?.cgroup.cpuTime ?? 0))
        let from = earlier?.time ?? startedAt
        let elapsed = Double(time.seconds - from.seconds) * 1e6 + Double(time.nanoseconds - from.nanoseconds) / 1e3
        return elapsed > 0 ? used / elapsed * 100 : 0
    }

    public var memoryPercent: Double {
        memoryLimit > 0 ? Double(cgroup.memory ?? 0) / Double(memoryLimit) * 100 : 0
    }
}

extension Engine {
    /// - Throws: `.invalid` where it does not run, `.unsupported` where it has no cgroup.
    public func statistics(_ container: Container) throws(EngineError) -> ContainerStatistics {
        guard let now = try refreshed(container) else { throw Engine.gone(container) }
        guard let pid = now.status.pid, let started = now.startedAt else {
            throw EngineError(.invalid, "container \(container.name) is not running: container state improper")
        }
        let cgroup = try cgroup(of: now)
        var used = cgroup.statistics()
        let machine = Engine.machineMemory()
        if used.memory == nil { used.memory = Engine.residentMemory(cgroup.processes()) }
        if used.processes == nil { used.processes = UInt64(cgroup.words("cgroup.threads").count) }
        let network = FileStatus.isSame("/proc/self/ns/net", "/proc/\(pid)/ns/net") ? nil : Engine.traffic(of: pid)
        return ContainerStatistics(
            time: .now(), startedAt: started, cgroup: used, memoryLimit: min(used.memoryLimit ?? machine, machine),
            network: network)
    }

    private static func machineMemory() -> UInt64 {
        UInt64(max(0, sysconf(Int32(_SC_PHYS_PAGES)))) * UInt64(max(0, sysconf(Int32(_SC_PAGESIZE))))
    }

    /// Where no controller accounts memory: what its processes have in it, shared pages once for each.
    private static func residentMemory(_ pids: [Int32]) -> UInt64 {
        let page = UInt64(max(0, sysconf(Int32(_SC_PAGESIZE))))
        var pages: UInt64 = 0
        for pid in pids {
            guard let text = try? File.read("/proc/\(pid)/statm", limit: 256) else { continue }
            let fields = text.split(separator: 0x20)
            if fields.count > 1 { pages += UInt64(String(decoding: fields[1], as: UTF8.self)) ?? 0 }
        }
        return pages * page
    }

    /// /proc/PID/net/dev: a name with a colon, then eight counters of receiving and eight of sending.
    private static func traffic(of pid: Int32) -> (received: UInt64, sent: UInt64) {
        let text = (try? File.read("/proc/\(pid)/net/dev", limit: 1 << 20)) ?? []
        return traffic(parsing: String(decoding: text, as: UTF8.self))
    }

    package static func traffic(parsing text: String) -> (received: UInt64, sent: UInt64) {
        var (received, sent): (UInt64, UInt64) = (0, 0)
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let name = line[..<colon].filter { $0 != " " }
            let numbers = line[line.index(after: colon)...].split(separator: " ")
            guard name != "lo", numbers.count >= 9 else { continue }
            received += UInt64(numbers[0]) ?? 0
            sent += UInt64(numbers[8]) ?? 0
        }
        return (received, sent)
    }
}

extension FileStatus {
    /// Both paths lead to one file.
    fileprivate static func isSame(_ a: String, _ b: String) -> Bool {
        guard let first = try? FileStatus(a, following: true), let second = try? FileStatus(b, following: true) else {
            return false
        }
        return first.inode == second.inode
    }
}

extension Engine {
    /// Whether an OOM killer has taken a process of the container in its last run: its own limit's or the machine's. What
    /// tells that from a plain SIGKILL to whoever launched a worker. False where it has no limit of memory, and for a
    /// container that is gone.
    public func ranOutOfMemory(_ id: String) -> Bool {
        guard let facts = store.facts(id) else { return false }
        if let exit = facts.exit { return exit.oomKilled }
        return facts.state.map(ranOutOfMemory) ?? false
    }

    /// Its cgroup's `memory.events`, to be watched by whoever launched a worker. nil where it has no limit of memory.
    public func memoryEvents(_ id: String) -> MemoryEvents? {
        store.facts(id)?.state?.cgroup.flatMap { MemoryEvents(cgroup: $0) }
    }

    /// Asked of the cgroup, as long as that is there.
    func ranOutOfMemory(_ state: RunState) -> Bool {
        guard state.bootID == session.bootID, let cgroup = state.cgroup else { return false }
        return Cgroup(recorded: cgroup).oomKills ?? 0 > 0
    }
}
