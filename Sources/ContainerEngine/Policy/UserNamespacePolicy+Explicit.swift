import OCISpec

extension UserNamespacePolicy {
    /// `--uidmap` and `--gidmap`: one stands for both where the other is missing. What the kernel would refuse with a
    /// bare EINVAL or EPERM is refused here with the range.
    package func explicit(
        uid: [RuntimeSpec.IDMapping], gid: [RuntimeSpec.IDMapping]
    ) throws(EngineError) -> UserNamespacePlan {
        let users = uid.isEmpty ? gid : uid
        let groups = gid.isEmpty ? uid : gid
        try check(users, kind: "uid", available: caller.uidCount)
        try check(groups, kind: "gid", available: caller.gidCount)
        return made(uid: users, gid: groups)
    }

    private func check(
        _ maps: [RuntimeSpec.IDMapping], kind: String, available: UInt32
    ) throws(EngineError) {
        guard !maps.isEmpty else {
            throw EngineError(.invalid, "must provide at least one UID or GID mapping to configure a user namespace")
        }
        // user_namespaces(7): since Linux 4.15.
        guard maps.count <= 340 else {
            throw EngineError(.invalid, "\(kind) mappings: \(maps.count) ranges, at most 340 are possible")
        }
        for (index, map) in maps.enumerated() {
            let text = "\(map.containerID):\(map.hostID):\(map.size)"
            guard map.size > 0 else { throw EngineError(.invalid, "\(kind) mapping \(text): size is zero") }
            // 4294967295 stands for "no id" in the kernel.
            guard UInt64(map.containerID) + UInt64(map.size) <= UInt64(UInt32.max),
                UInt64(map.hostID) + UInt64(map.size) <= UInt64(UInt32.max)
            else { throw EngineError(.invalid, "\(kind) mapping \(text): ids above 4294967294") }
            if UInt64(map.hostID) + UInt64(map.size) > UInt64(available) {
                let subject = kind == "uid" ? "/etc/subuid" : "/etc/subgid"
                throw EngineError(
                    .invalid,
                    "potentially insufficient \(kind.uppercased())s available in user namespace: \(kind) mapping "
                        + "\(text), but 0 to \(available - 1) are there: check \(subject)")
            }
            for other in maps[..<index]
            where overlap(map.containerID, other.containerID, map, other)
                || overlap(map.hostID, other.hostID, map, other)
            {
                throw EngineError(
                    .invalid,
                    "\(kind) mapping \(text) overlaps \(other.containerID):\(other.hostID):\(other.size)")
            }
        }
    }

    private func overlap(
        _ a: UInt32, _ b: UInt32, _ first: RuntimeSpec.IDMapping, _ second: RuntimeSpec.IDMapping
    ) -> Bool {
        a < b + second.size && b < a + first.size
    }

    /// `auto`: the lowest free run of ids of that size.
    package func automatic(
        size: UInt32?, uidMappings: [RuntimeSpec.IDMapping], gidMappings: [RuntimeSpec.IDMapping]
    ) throws(EngineError) -> UserNamespacePlan {
        let wanted = size ?? min(max(highestImageID, Self.automaticMinimum), Self.automaticMaximum)
        guard wanted > 0 else { throw EngineError(.invalid, "userns auto: size is zero") }
        let users: [Range<UInt32>]
        let groups: [Range<UInt32>]
        if caller.isRootless {
            // 0 is the caller, who is not handed to a container that asked to be apart.
            users = caller.uidCount > 1 ? [1..<caller.uidCount] : []
            groups = caller.gidCount > 1 ? [1..<caller.gidCount] : []
        } else {
            users = caller.automaticUIDs.map { $0.hostID..<($0.hostID + $0.size) }
            groups = caller.automaticGIDs.map { $0.hostID..<($0.hostID + $0.size) }
        }
        var plan = made(
            uid: try draw(wanted, from: users, around: uidMappings),
            gid: try draw(wanted, from: groups, around: gidMappings))
        plan.isAutomatic = true
        return plan
    }

    /// Explicit maps keep their place, the drawn ids fill the container ids that they leave.
    private func draw(
        _ size: UInt32, from pool: [Range<UInt32>], around fixed: [RuntimeSpec.IDMapping]
    ) throws(EngineError) -> [RuntimeSpec.IDMapping] {
        let taken = idsInUse + fixed.map { $0.hostID..<($0.hostID + $0.size) }
        var free = Self.subtract(taken, from: pool)
        guard let place = free.firstIndex(where: { $0.count >= Int(size) }) else {
            throw EngineError(.failed, "could not find enough available IDs")
        }
        free = [free[place]]
        var maps = fixed
        var containerID: UInt32 = 0
        var host = free[0].lowerBound
        var left = size
        for map in fixed.sorted(by: { $0.containerID < $1.containerID }) {
            if map.containerID > containerID, left > 0 {
                let run = min(left, map.containerID - containerID)
                maps.append(RuntimeSpec.IDMapping(containerID: containerID, hostID: host, size: run))
                host += run
                left -= run
            }
            containerID = map.containerID + map.size
        }
        if left > 0 { maps.append(RuntimeSpec.IDMapping(containerID: containerID, hostID: host, size: left)) }
        return maps.sorted { $0.containerID < $1.containerID }
    }

    package static func subtract(_ taken: [Range<UInt32>], from pool: [Range<UInt32>]) -> [Range<UInt32>] {
        var free = pool
        for hole in taken {
            free = free.flatMap { range -> [Range<UInt32>] in
                guard range.overlaps(hole) else { return [range] }
                return [
                    range.lowerBound..<max(range.lowerBound, min(hole.lowerBound, range.upperBound)),
                    min(range.upperBound, max(hole.upperBound, range.lowerBound))..<range.upperBound,
                ].filter { !$0.isEmpty }
            }
        }
        return free
    }
}
