import ContainerEngine

extension RunOptions {
    /// The container's cgroup, and what it may use at most.
    static let limitRows: [OptionRow<RunOptions>] =
        cgroupRows + ResourceOptions.rows.map { $0.ofContainer }

    private static let cgroupRows: [OptionRow<RunOptions>] = [
        .value("cgroup-parent", nil, "PATH", "Make the container's cgroup below this one (a slice with systemd)") {
            (target, text) throws(CommandError) in
            target.configuration.cgroupParent = text
        },
        .value("cgroups", nil, "MODE", "Whether the container has a cgroup: enabled, disabled, no-conmon, split") {
            (target, text) throws(CommandError) in
            guard let mode = CgroupMode(rawValue: text) else {
                throw CommandError("invalid cgroup mode \(quoted(text))")
            }
            target.configuration.cgroups = mode
        },
        .list("cgroup-conf", nil, "FILE=VALUE", "Write VALUE to this file of the container's cgroup") {
            (target, text) throws(CommandError) in
            let (name, value) = try parseSetting(text)
            target.configuration.resources.unified[name] = value
        },
        .list("device-cgroup-rule", nil, "TYPE MAJOR:MINOR MODE", "Allow devices: \"c 189:* rwm\" (root only)") {
            (target, text) throws(CommandError) in
            target.configuration.resources.deviceRules.append(text)
        },
    ]
}

extension OptionRow<ResourceOptions> {
    /// The same option of a container's request. Without a key path, which a start would have to pay for.
    fileprivate var ofContainer: OptionRow<RunOptions> {
        let effect: OptionRow<RunOptions>.Effect =
            switch self.effect {
            case .apply(let apply):
                .apply { (target, text) throws(CommandError) in try apply(&target.configuration.resources, text) }
            case .applyEach(let apply):
                .applyEach { (target, text) throws(CommandError) in try apply(&target.configuration.resources, text) }
            case .accept: .accept
            case .warn(let words): .warn(words)
            case .refuse: .refuse
            }
        return OptionRow<RunOptions>(description: description, effect: effect)
    }
}

extension ResourceOptions {
    /// The limits that `run`, `create` and `update` know.
    package static let rows: [OptionRow<ResourceOptions>] = [
        .value("blkio-weight", nil, "N", "Share of block IO, 10 to 1000") { (target, text) throws(CommandError) in
            target.blockWeight = try parseInteger(text)
        },
        .list("blkio-weight-device", nil, "DEVICE:N", "Share of one device's IO, 10 to 1000") {
            (target, text) throws(CommandError) in
            target.blockWeights.append(try parseDevice(text) { (word) throws(CommandError) in try parseInteger(word) })
        },
        .value("cpu-period", nil, "MICROSECONDS", "Period of the CPU quota (default 100000)") {
            (target, text) throws(CommandError) in
            target.cpuPeriod = try parseInteger(text)
        },
        .value("cpu-quota", nil, "MICROSECONDS", "CPU time in each period") { (target, text) throws(CommandError) in
            target.cpuQuota = try parseInteger(text)
        },
        .value("cpu-shares", "c", "N", "Share of CPU time, relative to 1024") { (target, text) throws(CommandError) in
            target.cpuShares = try parseInteger(text)
        },
        .value("cpus", nil, "NUMBER", "How many CPUs at most: 0.5, 4") { (target, text) throws(CommandError) in
            target.nanoCPUs = try parseProcessors(text)
        },
        .value("cpuset-cpus", nil, "LIST", "Run on these CPUs only: 0-3,5") { (target, text) throws(CommandError) in
            target.cpusetCPUs = text
        },
        .value("cpuset-mems", nil, "LIST", "Use memory of these NUMA nodes only") {
            (target, text) throws(CommandError) in
            target.cpusetMemories = text
        },
        rate("device-read-bps", .readBytes, "BYTES", "Limit reading from a device, bytes a second"),
        rate("device-read-iops", .readOperations, "N", "Limit reading from a device, operations a second"),
        rate("device-write-bps", .writeBytes, "BYTES", "Limit writing to a device, bytes a second"),
        rate("device-write-iops", .writeOperations, "N", "Limit writing to a device, operations a second"),
        .value("memory", "m", "SIZE", "Memory at most: 512m, 2g") { (target, text) throws(CommandError) in
            target.memory = try parseMemory(text)
        },
        .value("memory-reservation", nil, "SIZE", "Memory that is not reclaimed") {
            (target, text) throws(CommandError) in
            target.memoryReservation = try parseMemory(text)
        },
        .value("memory-swap", nil, "SIZE", "Memory and swap together (default: twice the memory); -1 for no limit") {
            (target, text) throws(CommandError) in
            target.memorySwap = try parseMemory(text)
        },
        .value("pids-limit", nil, "N", "Processes at most; 0 and -1 for no limit (default 2048)") {
            (target, text) throws(CommandError) in
            target.pidsLimit = try parseInteger(text)
        },
        .only(
            "memory-swappiness", ["-1"], "cgroup v2 has no swappiness of its own", kind: .value),
        .only("oom-kill-disable", ["false"], "cgroup v2 cannot disable the OOM killer", kind: .flag),
    ]

    private static func rate(
        _ name: String, _ kind: BlockRate, _ unit: String, _ help: String
    ) -> OptionRow<ResourceOptions> {
        let inBytes = kind == .readBytes || kind == .writeBytes
        return .list(name, nil, "DEVICE:\(unit)", help) { (target, text) throws(CommandError) in
            let device = try parseDevice(text) { (word) throws(CommandError) in
                try inBytes ? parseSize(word) : parseInteger(word)
            }
            target.blockRates[kind, default: []].append(device)
        }
    }
}

extension OptionRow {
    /// An option of v1, of which only these values mean what happens anyway.
    fileprivate static func only(
        _ name: String, _ values: [String], _ reason: String, kind: OptionDescription.Kind
    ) -> OptionRow {
        OptionRow(
            description: OptionDescription(
                name: name, short: 0, kind: kind, placeholder: kind == .flag ? "" : "VALUE", help: ""),
            effect: .apply { (_, text) throws(CommandError) in
                let word = kind == .flag ? (try parseBool(text) ? "true" : "false") : text
                guard values.contains(word) else { throw CommandError(reason) }
            })
    }
}

/// `/dev/sda:1mb`.
private func parseDevice(
    _ text: String, _ value: (String) throws(CommandError) -> UInt64
) throws(CommandError) -> ResourceOptions.BlockDevice {
    guard let cut = text.utf8.lastIndex(of: UInt8(ascii: ":")), text.hasPrefix("/dev/") else {
        throw CommandError("bad format for device path: \(text)")
    }
    return ResourceOptions.BlockDevice(
        path: String(text[..<cut]), value: try value(String(text[text.utf8.index(after: cut)...])))
}

/// Bytes, or -1 for no limit.
package func parseMemory(_ text: String) throws(CommandError) -> Int64 {
    if text == "-1" { return -1 }
    guard let bytes = Int64(exactly: try parseSize(text)) else { throw CommandError("size out of range") }
    return bytes
}

/// `--cpus 0.5`, in billionths.
package func parseProcessors(_ text: String) throws(CommandError) -> Int64 {
    guard let number = Double(text), number.isFinite, number < 1e6 else { throw CommandError("not a number") }
    // As podman: what is not above zero is no limit.
    return number > 0 ? Int64((number * 1e9).rounded()) : 0
}
