import Cgroups
import LinuxKernel
import OCISpec

extension OCIRuntime {
    /// Changes limits of a container that has not ended. What `changes` does not name stays.
    /// - Parameters:
    ///   - changes: as `linux.resources`.
    ///   - l3CacheSchema: a new one of `linux.intelRdt`.
    ///   - memoryBandwidthSchema: the same for memory.
    /// - Throws: where a limit cannot hold, or is none that can be changed.
    public func update(
        _ id: String, _ changes: JSON, l3CacheSchema: String? = nil, memoryBandwidthSchema: String? = nil
    ) throws(EngineError) {
        guard changes.members != nil else { throw EngineError(.invalid, "update container \(id): not an object") }
        _ = try store.container(id)
        // Neither a start nor another update in between.
        let lock = try doing("update container \(id)") { () throws(SyscallError) in
            try FileLock(store.directory(id) + "/lock")
        }
        defer { withExtendedLifetime(lock) {} }
        let container = try store.container(id)
        guard container.status != .stopped else {
            throw EngineError(.invalid, "update container \(id): it is stopped")
        }
        do {
            if changes != .object([]) { try update(container, changes) }
            if l3CacheSchema != nil || memoryBandwidthSchema != nil {
                guard let group = container.record.resourceGroup else {
                    throw EngineError(.invalid, "the container has no resctrl group")
                }
                try ResourceControl.find().write(
                    [l3CacheSchema, memoryBandwidthSchema].compactMap { $0 }, to: group)
            }
        } catch { throw OCIRuntime.explain(error, "update container \(id)") }
    }

    private func update(_ container: OCIContainer, _ changes: JSON) throws {
        let path = container.directory + "/config.json"
        let document = try JSON(parsing: try File.read(path))
        let before = document["linux"]?["resources"] ?? .object([])
        // Callers pass on all that they know. Programs in the kernel can be added and not taken back.
        let devices = try OCIRuntime.deviceRules(changes)
        let present = try OCIRuntime.deviceRules(before)
        if !devices.isEmpty, devices != present {
            throw EngineError(.unsupported, "device rules of a container cannot be changed")
        }
        let after = ResourcePolicy.merge(changes, over: before)
        let named = after.members?.filter { changes[$0.name] != nil } ?? []
        let settings = try OCICgroup.settings(.object(named))
        if !settings.isEmpty {
            guard let cgroup = container.cgroup else {
                throw EngineError(.unsupported, "update container \(container.id): it has no cgroup to limit")
            }
            try OCIRuntime.check(changes, fits: cgroup)
            if container.record.isScope {
                let (bus, uid) = try OCICgroup.bus(isRootless: IDMaps.outsideUID() != 0)
                try SystemdScope.update(cgroup.name, settings, bus: bus, uid: uid)
            }
            for setting in try cgroup.limit(settings) where !OCICgroup.isEverybodys(setting) {
                self.settings.warn("\(setting) is not in force: the controller is not there")
            }
        }
        let changed = ResourcePolicy.merge(
            JSON(members: ["linux": JSON(members: ["resources": changes])]), over: document)
        try File.writeAtomically(changed.encoded(), to: path, mode: 0o600)
        guard !settings.isEmpty, !container.record.isLimited else { return }
        var record = container.record
        record.isLimited = true
        try store.write(record)
    }

    private static func deviceRules(_ resources: JSON) throws -> [DeviceRule] {
        var rules: [DeviceRule] = []
        for json in resources["devices"]?.array ?? [] { rules.append(try DeviceRule(json)) }
        return rules
    }

    /// `checkBeforeUpdate`: a container is not to be killed by a limit that it has passed already.
    private static func check(_ changes: JSON, fits cgroup: Cgroup) throws {
        guard let memory = changes["memory"], memory["checkBeforeUpdate"]?.bool == true,
            let limit = memory["limit"]?.integer, limit > 0, let used = cgroup.number("memory.current"),
            used > UInt64(limit)
        else { return }
        throw EngineError(.invalid, "memory limit \(limit) is below the \(used) bytes in use")
    }
}
