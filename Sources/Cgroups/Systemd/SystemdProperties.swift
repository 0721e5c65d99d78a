/// Limits as properties of a unit: what systemd knows of it does not undo when it writes the cgroup's files again, as
/// daemon-reload does. Pure.
package enum SystemdProperties {
    /// Those that have a counterpart; the others are written to the files alone.
    package static func properties(_ settings: [CgroupSetting]) -> [(name: String, value: BusValue)] {
        var result: [(name: String, value: BusValue)] = []
        for setting in settings {
            let setting = setting.also.map { CgroupSetting($0.file, $0.value) } ?? setting
            if let amount = amounts[setting.file] {
                if let number = number(setting.value) {
                    result.append((amount, .uint64(number)))
                } else if setting.file == "io.weight" {
                    result += device(setting.value) { number($0).map { ("IODeviceWeight", $0) } }
                }
                continue
            }
            switch setting.file {
            case "cpu.max": result += processorTime(setting.value)
            case "cpuset.cpus": result += mask("AllowedCPUs", setting.value)
            case "cpuset.mems": result += mask("AllowedMemoryNodes", setting.value)
            case "io.max": result += bandwidth(setting.value)
            case "memory.oom.group" where setting.value == "1": result.append(("OOMPolicy", .string("kill")))
            default: break
            }
        }
        return result
    }

    private static let amounts: [String: String] = [
        "memory.max": "MemoryMax", "memory.high": "MemoryHigh", "memory.low": "MemoryLow", "memory.min": "MemoryMin",
        "memory.swap.max": "MemorySwapMax", "cpu.weight": "CPUWeight", "io.weight": "IOWeight", "pids.max": "TasksMax",
    ]

    private static func number(_ text: String) -> UInt64? { text == "max" ? .max : UInt64(text) }

    /// systemd counts in steps of 10 ms of each second, and rounds down where we must not.
    private static func processorTime(_ text: String) -> [(name: String, value: BusValue)] {
        let parts = text.split(separator: " ")
        guard parts.count == 2, let period = UInt64(parts[1]), period > 0 else { return [] }
        var second = UInt64.max
        if let quota = UInt64(parts[0]) {
            let (product, overflow) = quota.multipliedReportingOverflow(by: 1_000_000)
            if !overflow { second = (product / period + 9999) / 10_000 * 10_000 }
        }
        return [("CPUQuotaPerSecUSec", .uint64(second)), ("CPUQuotaPeriodUSec", .uint64(period))]
    }

    /// `0-2,5` as bits, the first byte holding the first eight.
    package static func bits(_ list: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        for part in list.split(separator: ",") {
            let ends = part.split(separator: "-")
            guard let first = ends.first.flatMap({ Int($0) }), let last = ends.last.flatMap({ Int($0) }),
                ends.count <= 2, first <= last, last < 8192
            else { return nil }
            while bytes.count <= last / 8 { bytes.append(0) }
            for bit in first...last { bytes[bit / 8] |= 1 << UInt8(bit % 8) }
        }
        return bytes
    }

    private static func mask(_ name: String, _ list: String) -> [(name: String, value: BusValue)] {
        guard let bits = bits(list) else { return [] }
        return [(name, .array("y", bits.map(BusValue.byte)))]
    }

    private static let rates: [(key: String, property: String)] = [
        ("rbps=", "IOReadBandwidthMax"), ("wbps=", "IOWriteBandwidthMax"), ("riops=", "IOReadIOPSMax"),
        ("wiops=", "IOWriteIOPSMax"),
    ]

    /// `8:0 rbps=1048576 wbps=max`.
    private static func bandwidth(_ text: String) -> [(name: String, value: BusValue)] {
        device(text) { word in
            guard let rate = rates.first(where: { word.hasPrefix($0.key) }),
                let value = number(String(word.dropFirst(rate.key.utf8.count)))
            else { return nil }
            return (rate.property, value)
        }
    }

    /// A device's number and what is said of it. systemd names devices by path.
    private static func device(
        _ text: String, _ property: (String) -> (name: String, value: UInt64)?
    ) -> [(name: String, value: BusValue)] {
        let words = text.split(separator: " ").map(String.init)
        guard let device = words.first, device.contains(":") else { return [] }
        return words.dropFirst().compactMap(property).map { property in
            let pair = BusValue.structure([.string("/dev/block/\(device)"), .uint64(property.value)])
            return (property.name, .array("(st)", [pair]))
        }
    }
}
