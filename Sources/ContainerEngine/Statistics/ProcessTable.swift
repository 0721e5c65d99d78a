import Cgroups
import Glibc
import LinuxKernel

/// `top`: the container's processes as they see each other.
public struct ContainerProcess: Equatable, Sendable {
    public var hostPid: Int32
    /// In the container's pid namespace, as the two after it.
    public var pid: Int32
    public var parent: Int32
    public var group: Int32
    /// In the container's user namespace.
    public var uid: UInt32
    public var hostUID: UInt32
    public var state: String
    /// Clock ticks.
    public var cpuTicks: UInt64
    /// Ticks after the machine's start.
    public var startTicks: UInt64
    public var nice: Int
    public var threads: Int
    /// Bytes.
    public var virtualSize: UInt64
    public var residentSize: UInt64
    /// Device number of the controlling terminal; 0 for none.
    public var terminal: Int
    public var name: String
    public var arguments: [String]
}

extension Engine {
    /// All processes of a running container, by pid.
    /// - Throws: `.invalid` where it does not run.
    public func processes(_ container: Container) throws(EngineError) -> [ContainerProcess] {
        guard let now = try refreshed(container) else { throw Engine.gone(container) }
        guard let first = now.status.pid else {
            throw EngineError(.invalid, "top can only be used on running containers")
        }
        var table: [Int32: ContainerProcess] = [:]
        for pid in Engine.pids(of: first, cgroup: now.facts.state?.cgroup) {
            if let process = ContainerProcess(pid, users: (try? IDMaps.read("uid_map", of: first)) ?? []) {
                table[pid] = process
            }
        }
        let numbers = table.mapValues(\.pid)
        for (pid, process) in table { table[pid]?.parent = numbers[process.parent] ?? 0 }
        return table.values.sorted { $0.pid < $1.pid }
    }

    /// Those of its cgroup; without one those of its pid namespace.
    private static func pids(of first: Int32, cgroup: String?) -> [Int32] {
        if let cgroup { return Cgroup(recorded: cgroup).processes() }
        guard let namespace = try? FileStatus("/proc/\(first)/ns/pid", following: true).inode else { return [first] }
        if namespace == (try? FileStatus("/proc/self/ns/pid", following: true).inode) { return [first] }
        return ((try? Directory.entries(at: "/proc")) ?? []).compactMap { Int32($0.name) }.filter {
            (try? FileStatus("/proc/\($0)/ns/pid", following: true).inode) == namespace
        }
    }
}

extension ContainerProcess {
    /// nil where it has ended meanwhile.
    fileprivate init?(_ hostPid: Int32, users: [IDRange]) {
        guard let stat = try? File.read("/proc/\(hostPid)/stat", limit: 4096),
            let status = try? File.read("/proc/\(hostPid)/status", limit: 1 << 16)
        else { return nil }
        let words = try? File.read("/proc/\(hostPid)/cmdline", limit: 1 << 20)
        self.init(hostPid, stat: stat, status: status, arguments: words ?? [], users: users)
    }

    package init?(_ hostPid: Int32, stat: [UInt8], status: [UInt8], arguments: [UInt8], users: [IDRange]) {
        guard let end = stat.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = stat[(end + 1)...].split(whereSeparator: { $0 == 0x20 || $0 == 0x0a })
            .map { String(decoding: $0, as: UTF8.self) }
        guard fields.count > 21 else { return nil }
        func field(_ name: String) -> [Substring] {
            for line in String(decoding: status, as: UTF8.self).split(separator: "\n")
            where line.hasPrefix(name + ":") {
                return line.dropFirst(name.utf8.count + 1).split(whereSeparator: \.isWhitespace)
            }
            return []
        }
        self.hostPid = hostPid
        // The last of each is that of the innermost namespace.
        pid = field("NSpid").last.flatMap { Int32($0) } ?? hostPid
        parent = Int32(fields[1]) ?? 0
        group = field("NSpgid").last.flatMap { Int32($0) } ?? 0
        hostUID = field("Uid").dropFirst().first.flatMap { UInt32($0) } ?? 0
        let owner = hostUID
        let range = users.first { $0.outside <= owner && owner - $0.outside < $0.count }
        uid = range.map { $0.inside + (owner - $0.outside) } ?? owner
        state = fields[0]
        cpuTicks = (UInt64(fields[11]) ?? 0) + (UInt64(fields[12]) ?? 0)
        nice = Int(fields[16]) ?? 0
        threads = Int(fields[17]) ?? 0
        startTicks = UInt64(fields[19]) ?? 0
        terminal = Int(fields[4]) ?? 0
        virtualSize = UInt64(fields[20]) ?? 0
        residentSize = (UInt64(fields[21]) ?? 0) * UInt64(max(0, sysconf(Int32(_SC_PAGESIZE))))
        let begin = stat.firstIndex(of: UInt8(ascii: "(")) ?? end
        name = String(decoding: stat[begin..<end].dropFirst(), as: UTF8.self)
        self.arguments = arguments.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }
}
