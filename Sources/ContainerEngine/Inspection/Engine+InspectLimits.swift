import OCISpec

extension Engine {
    /// Members of `HostConfig` about what the container may use, from the specification, which an update changes.
    func inspectLimits(_ record: ContainerRecord) -> [JSON.Member] {
        let resources = record.specification.runtime.linux?.resources ?? .object([])
        func number(_ part: String, _ name: String) -> Int64 { resources[part]?[name]?.integer ?? 0 }
        func text(_ part: String, _ name: String) -> JSON { .string(resources[part]?[name]?.string ?? "") }
        let (quota, period) = (number("cpu", "quota"), number("cpu", "period"))
        var members: [JSON.Member] = [
            .init("CpuShares", number("cpu", "shares").json), .init("Memory", number("memory", "limit").json),
            .init("NanoCpus", (quota > 0 && period > 0 ? quota * 1_000_000_000 / period : 0).json),
            .init("CgroupParent", .string(record.cgroups.parent ?? "")),
            .init("BlkioWeight", number("blockIO", "weight").json),
            .init("BlkioWeightDevice", devices(resources, "weightDevice", "weight")),
            .init("BlkioDeviceReadBps", devices(resources, "throttleReadBpsDevice", "rate")),
            .init("BlkioDeviceWriteBps", devices(resources, "throttleWriteBpsDevice", "rate")),
            .init("BlkioDeviceReadIOps", devices(resources, "throttleReadIOPSDevice", "rate")),
            .init("BlkioDeviceWriteIOps", devices(resources, "throttleWriteIOPSDevice", "rate")),
            .init("CpuPeriod", period.json), .init("CpuQuota", quota.json), .init("CpuRealtimePeriod", .integer(0)),
            .init("CpuRealtimeRuntime", .integer(0)), .init("CpusetCpus", text("cpu", "cpus")),
            .init("CpusetMems", text("cpu", "mems")),
            .init("MemoryReservation", number("memory", "reservation").json),
            .init("MemorySwap", number("memory", "swap").json), .init("MemorySwappiness", .integer(0)),
            .init("OomKillDisable", .bool(false)), .init("PidsLimit", number("pids", "limit").json),
        ]
        let unified = resources["unified"] ?? .object([])
        members.append(.init("CgroupConf", unified.members?.isEmpty == false ? unified : .null))
        return members
    }

    /// podman finds the device's path again; its numbers say the same.
    private func devices(_ resources: JSON, _ list: String, _ value: String) -> JSON {
        let entries = resources["blockIO"]?[list]?.array ?? []
        if entries.isEmpty { return .null }
        return .array(
            entries.map { entry in
                let number = "\(entry["major"]?.integer ?? 0):\(entry["minor"]?.integer ?? 0)"
                return .object([
                    .init("Path", .string("/dev/block/\(number)")),
                    .init(value == "rate" ? "Rate" : "Weight", entry[value] ?? .null),
                ])
            })
    }
}
