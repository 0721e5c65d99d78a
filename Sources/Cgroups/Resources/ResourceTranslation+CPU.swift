import Glibc

extension ResourceTranslation {
    static func cpu(_ cpu: ResourceReader) throws(CgroupError) -> [CgroupSetting] {
        if try cpu.integer("realtimePeriod") ?? 0 != 0 {
            throw CgroupError(.unsupported, "realtime period not supported on cgroup v2")
        }
        if try cpu.integer("realtimeRuntime") ?? 0 != 0 {
            throw CgroupError(.unsupported, "realtime runtime not supported on cgroup v2")
        }
        var settings: [CgroupSetting] = []
        if let shares = try cpu.unsigned("shares"), shares != 0 {
            settings.append(CgroupSetting("cpu.weight", String(weight(shares: shares))))
        }
        let quota = try cpu.integer("quota") ?? 0
        let period = try cpu.unsigned("period") ?? 0
        if quota != 0 || period != 0 {
            let time = quota > 0 ? String(quota) : "max"
            settings.append(CgroupSetting("cpu.max", "\(time) \(period == 0 ? defaultPeriod : period)"))
        }
        if let burst = try cpu.unsigned("burst") { settings.append(CgroupSetting("cpu.max.burst", String(burst))) }
        // After the weight, which an idle group refuses.
        if let idle = try cpu.integer("idle") { settings.append(CgroupSetting("cpu.idle", String(idle))) }
        for (name, file) in [("cpus", "cpuset.cpus"), ("mems", "cpuset.mems")] {
            guard let list = try cpu.string(name), !list.isEmpty else { continue }
            guard list.utf8.allSatisfy({ "0123456789,-".utf8.contains($0) }) else {
                throw CgroupError(.invalid, "invalid list \"\(list.escapingControls)\" for \(file)")
            }
            settings.append(CgroupSetting(file, list))
        }
        return settings
    }

    /// Microseconds, the kernel's own.
    package static let defaultPeriod: UInt64 = 100_000

    /// v1's shares, 2 to 262144 with 1024 for everybody, as v2's weight, 1 to 10000 with 100 for everybody.
    ///
    /// The curve through the three points that the OCI runtimes took up in 2025. The line that they used before gave
    /// a container with the default shares 39, less than half of what one without any word gets.
    package static func weight(shares: UInt64) -> UInt64 {
        if shares <= 2 { return 1 }
        if shares >= 262_144 { return 10_000 }
        let exponent = log2(Double(shares))
        let power = (exponent * exponent + 125 * exponent) / 612 - 7.0 / 34
        return UInt64(ceil(pow(10, power)))
    }
}
