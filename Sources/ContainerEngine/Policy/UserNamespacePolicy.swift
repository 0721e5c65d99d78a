import OCISpec

/// `--userns`, `--uidmap` and `--gidmap` come to maps: container id to keeper id when rootless, to host id as root.
///
/// The keeper's namespace is what podman calls the intermediate one: 0 is the caller, 1 and up are the subordinate ids
/// in the order of /etc/subuid. Every rootless container gets a child of it, so that no container is root of the
/// namespace that the engine itself works in.
package struct UserNamespacePolicy {
    package let caller: CallerFacts
    /// Keeper ids (root: host ids) that other `auto` containers hold.
    package let idsInUse: [Range<UInt32>]
    /// One more than the highest id in the image's passwd and group files, which decides the size of `auto`.
    package let highestImageID: UInt32

    package init(caller: CallerFacts, idsInUse: [Range<UInt32>] = [], highestImageID: UInt32 = 0) {
        self.caller = caller
        self.idsInUse = idsInUse
        self.highestImageID = highestImageID
    }

    /// podman's bounds for `auto` without a size.
    package static let automaticMinimum: UInt32 = 1024
    package static let automaticMaximum: UInt32 = 65_536

    /// - Parameter neighbour: the plan of the container that `container:` names.
    package func plan(
        _ choice: NamespaceOptions.User?, neighbour: (String) throws(EngineError) -> Surroundings.Neighbour
    ) throws(EngineError) -> UserNamespacePlan {
        switch choice {
        case nil, .host:
            return base()
        case .keepID(let uid, let gid):
            return try keepID(uid: uid, gid: gid)
        case .nomap:
            return try noMap()
        case .auto(let size, let uidMappings, let gidMappings):
            return try automatic(size: size, uidMappings: uidMappings, gidMappings: gidMappings)
        case .explicit(let uid, let gid):
            return try explicit(uid: uid, gid: gid)
        case .container(let name):
            let other = try neighbour(name)
            var plan = other.userNamespace
            if plan.kind != .host { plan.kind = .container(other.id) }
            plan.isAutomatic = false
            plan.warnings = []
            return plan
        case .path(let path):
            // Its maps are its own affair; the tree is laid out as for a container without a user namespace.
            var plan = base()
            plan.kind = .path(path)
            return plan
        }
    }

    /// The default: root keeps the machine's namespace, everybody else gets a child with the same ids.
    private func base() -> UserNamespacePlan {
        guard caller.isRootless else { return UserNamespacePlan(.host) }
        return made(uid: identity(caller.uidCount), gid: identity(caller.gidCount))
    }

    package func made(uid: [RuntimeSpec.IDMapping], gid: [RuntimeSpec.IDMapping]) -> UserNamespacePlan {
        UserNamespacePlan(.new, uid: Self.split(uid, at: caller.uidMap), gid: Self.split(gid, at: caller.gidMap))
    }

    /// The kernel wants each line of a map to lie within one line of the parent's.
    package static func split(
        _ maps: [RuntimeSpec.IDMapping], at parent: [RuntimeSpec.IDMapping]
    ) -> [RuntimeSpec.IDMapping] {
        maps.flatMap { map -> [RuntimeSpec.IDMapping] in
            var pieces: [RuntimeSpec.IDMapping] = []
            var (inside, outside, left) = (map.containerID, map.hostID, map.size)
            while left > 0,
                let line = parent.first(where: { $0.containerID...($0.containerID + $0.size - 1) ~= outside })
            {
                let run = min(left, line.size - (outside - line.containerID))
                pieces.append(RuntimeSpec.IDMapping(containerID: inside, hostID: outside, size: run))
                guard run < left else { break }
                inside += run
                outside += run
                left -= run
            }
            return pieces
        }
    }

    private func identity(_ count: UInt32) -> [RuntimeSpec.IDMapping] {
        [RuntimeSpec.IDMapping(containerID: 0, hostID: 0, size: count)]
    }

    private func keepID(uid: UInt32?, gid: UInt32?) throws(EngineError) -> UserNamespacePlan {
        guard caller.isRootless else { return keepingAll(uid: uid, gid: gid) }
        let user = uid ?? caller.uid
        let group = gid ?? caller.gid
        var plan = made(uid: Self.keeping(user, of: caller.uidCount), gid: Self.keeping(group, of: caller.gidCount))
        plan.defaultUser = (user, group)
        // The image's files belong to the caller then, and only the caller's ids are there to run as.
        if caller.uidCount == 1 || caller.gidCount == 1 {
            plan.warnings.append("keep-id without subordinate ids: only the caller's own ids exist in the container")
        }
        return plan
    }

    /// Root has no other ids to keep its own apart from. podman refuses up to 4.3 and since then makes a namespace in
    /// which every id is itself; `uid` and `gid` choose whom the container runs as and map nothing.
    private func keepingAll(uid: UInt32?, gid: UInt32?) -> UserNamespacePlan {
        var plan = made(uid: identity(caller.uidCount), gid: identity(caller.gidCount))
        plan.defaultUser = (uid ?? caller.uid, gid ?? caller.gid)
        plan.warnings.append("keep-id as root: every id of the container is the host's own")
        return plan
    }

    /// The caller's id stays, those below it come from the subordinate range, those above follow.
    package static func keeping(_ id: UInt32, of count: UInt32) -> [RuntimeSpec.IDMapping] {
        let subordinate = count - 1
        var maps: [RuntimeSpec.IDMapping] = []
        let below = min(id, subordinate)
        if below > 0 { maps.append(RuntimeSpec.IDMapping(containerID: 0, hostID: 1, size: below)) }
        maps.append(RuntimeSpec.IDMapping(containerID: id, hostID: 0, size: 1))
        if subordinate > id {
            maps.append(RuntimeSpec.IDMapping(containerID: id + 1, hostID: id + 1, size: subordinate - id))
        }
        return maps
    }

    private func noMap() throws(EngineError) -> UserNamespacePlan {
        guard caller.isRootless else {
            throw EngineError(.invalid, "nomap is only supported in rootless mode")
        }
        guard caller.uidCount > 1, caller.gidCount > 1 else {
            throw EngineError(
                .invalid,
                "nomap requires additional UIDs or GIDs defined in /etc/subuid and /etc/subgid to function correctly")
        }
        return made(
            uid: [RuntimeSpec.IDMapping(containerID: 0, hostID: 1, size: caller.uidCount - 1)],
            gid: [RuntimeSpec.IDMapping(containerID: 0, hostID: 1, size: caller.gidCount - 1)])
    }
}
