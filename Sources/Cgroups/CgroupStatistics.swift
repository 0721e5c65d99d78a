import Glibc

/// What a cgroup has used, read from its files. Members are nil where the controller is not there.
public struct CgroupStatistics: Equatable, Sendable {
    /// Microseconds, since the cgroup was made.
    public var cpuTime: UInt64?
    public var cpuUserTime: UInt64?
    public var cpuSystemTime: UInt64?
    /// How often, and how many microseconds, `cpu.max` has held it back.
    public var throttledPeriods: UInt64?
    public var throttledTime: UInt64?
    /// Bytes; what the page cache could give back at once is not counted, as podman's.
    public var memory: UInt64?
    /// nil for no limit.
    public var memoryLimit: UInt64?
    public var memoryPeak: UInt64?
    public var swap: UInt64?
    /// Processes that an OOM killer has taken.
    public var oomKills: UInt64?
    public var processes: UInt64?
    public var processLimit: UInt64?
    /// Bytes, of all block devices.
    public var readBytes: UInt64?
    public var writtenBytes: UInt64?
    public var cpuPressure: Pressure?
    public var memoryPressure: Pressure?
    public var ioPressure: Pressure?

    /// How much of the time some or all of the tasks waited for a resource: PSI.
    public struct Pressure: Equatable, Sendable {
        /// Percent of the last 10, 60 and 300 seconds in which at least one task waited.
        public var some: (ten: Double, minute: Double, five: Double)
        /// In which all did.
        public var full: (ten: Double, minute: Double, five: Double)
        /// Microseconds in all.
        public var someTotal: UInt64
        public var fullTotal: UInt64

        public static func == (a: Self, b: Self) -> Bool {
            a.some == b.some && a.full == b.full && a.someTotal == b.someTotal && a.fullTotal == b.fullTotal
        }

        /// The two lines of a `.pressure` file; the first is enough.
        package init?(parsing text: String) {
            some = (0, 0, 0)
            full = (0, 0, 0)
            (someTotal, fullTotal) = (0, 0)
            var found = false
            for line in text.split(separator: "\n") {
                var fields: [String: Substring] = [:]
                for word in line.split(separator: " ").dropFirst() {
                    let parts = word.split(separator: "=", maxSplits: 1)
                    if parts.count == 2 { fields[String(parts[0])] = parts[1] }
                }
                func number(_ name: String) -> Double { fields[name].flatMap { Double($0) } ?? 0 }
                let averages = (number("avg10"), number("avg60"), number("avg300"))
                let total = fields["total"].flatMap { UInt64($0) } ?? 0
                if line.hasPrefix("some ") {
                    (some, someTotal, found) = (averages, total, true)
                } else if line.hasPrefix("full ") {
                    (full, fullTotal) = (averages, total)
                }
            }
            if !found { return nil }
        }
    }
}

extension Cgroup {
    /// A look at all counters.
    public func statistics() -> CgroupStatistics {
        var result = CgroupStatistics()
        let cpu = counters("cpu.stat")
        result.cpuTime = cpu["usage_usec"]
        result.cpuUserTime = cpu["user_usec"]
        result.cpuSystemTime = cpu["system_usec"]
        result.throttledPeriods = cpu["nr_throttled"]
        result.throttledTime = cpu["throttled_usec"]
        if let current = number("memory.current") {
            let reclaimable = value("inactive_file", in: "memory.stat") ?? 0
            result.memory = current > reclaimable ? current - reclaimable : 0
            result.memoryLimit = number("memory.max")
            result.memoryPeak = number("memory.peak")
            result.swap = number("memory.swap.current")
            result.oomKills = oomKills
        }
        result.processes = number("pids.current")
        result.processLimit = number("pids.max")
        if let io = read("io.stat") { (result.readBytes, result.writtenBytes) = Cgroup.transfers(io) }
        result.cpuPressure = pressure("cpu.pressure")
        result.memoryPressure = pressure("memory.pressure")
        result.ioPressure = pressure("io.pressure")
        return result
    }

    /// A file of one number; nil for `max`.
    public func number(_ file: String) -> UInt64? { read(file).flatMap { UInt64($0) } }

    private func pressure(_ file: String) -> CgroupStatistics.Pressure? {
        read(file).flatMap(CgroupStatistics.Pressure.init(parsing:))
    }

    /// A file of `name value` lines, as `memory.stat` is.
    public func counters(_ file: String) -> [String: UInt64] {
        var result: [String: UInt64] = [:]
        for line in (read(file) ?? "").split(separator: "\n") {
            let parts = line.split(separator: " ")
            if parts.count == 2 { result[String(parts[0])] = UInt64(parts[1]) }
        }
        return result
    }

    /// `8:0 rbytes=4096 wbytes=0 …`, a line for each device.
    package static func transfers(_ text: String) -> (read: UInt64, written: UInt64) {
        var (read, written): (UInt64, UInt64) = (0, 0)
        for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            if word.hasPrefix("rbytes=") { read &+= UInt64(word.dropFirst(7)) ?? 0 }
            if word.hasPrefix("wbytes=") { written &+= UInt64(word.dropFirst(7)) ?? 0 }
        }
        return (read, written)
    }
}
