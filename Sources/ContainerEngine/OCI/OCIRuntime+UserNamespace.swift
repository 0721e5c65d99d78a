import Glibc
import LinuxKernel
import OCISpec

extension OCIRuntime {
    /// An unprivileged caller works from the namespace keeper's user namespace, which has his subordinate ids. A
    /// container without a user namespace of its own gets one then, with all ids that there are; what the specification
    /// maps is said in the keeper's ids.
    /// - Returns: whether the container got one that it did not ask for.
    func enterUserNamespace(_ spec: inout RuntimeSpec) throws(EngineError) -> Bool {
        guard geteuid() != 0 else { return false }
        try enterKeeper()
        let ids = try KeeperIDs()
        var linux = spec.linux ?? RuntimeSpec.Linux()
        defer { spec.linux = linux }
        let named = linux.namespaces.first { $0.type == .user }
        if named?.path != nil { return false }
        if named == nil { linux.namespaces.append(RuntimeSpec.Namespace(.user)) }
        linux.uidMappings =
            linux.uidMappings.isEmpty ? KeeperIDs.all(ids.uids) : try ids.translate(linux.uidMappings, ids.uids, "uid")
        linux.gidMappings =
            linux.gidMappings.isEmpty ? KeeperIDs.all(ids.gids) : try ids.translate(linux.gidMappings, ids.gids, "gid")
        return named == nil
    }

    private func enterKeeper() throws(EngineError) {
        do throws(SyscallError) {
            try Directory.create(settings.keeperRoot, mode: 0o700)
            guard try FileStatus(settings.keeperRoot).uid == geteuid() else {
                throw SyscallError("use", settings.keeperRoot, errno: EACCES)
            }
        } catch {
            throw EngineError(.permission, "prepare \(settings.keeperRoot): \(error)", cause: error)
        }
        let keeper = Keeper(
            uid: geteuid(), gid: getegid(), runtimeRoot: settings.keeperRoot, activeDirectory: settings.keeperActive,
            idleTimeout: settings.keeperIdleTimeout, warn: settings.warn)
        _ = try keeper.enter()
    }
}

/// How the host's ids are called in the keeper's namespace, which this process is in.
private struct KeeperIDs {
    var uids: [IDRange]
    var gids: [IDRange]

    init() throws(EngineError) {
        do {
            uids = try IDMaps.read("uid_map")
            gids = try IDMaps.read("gid_map")
        } catch {
            throw EngineError(.failed, "read id maps: \(error)", cause: error)
        }
    }

    /// All ids that there are, under the numbers that they have here. The kernel wants a line for each piece of the map
    /// above.
    static func all(_ map: [IDRange]) -> [RuntimeSpec.IDMapping] {
        map.map { .init(containerID: $0.inside, hostID: $0.inside, size: $0.count) }
    }

    /// Each range in pieces, as the keeper's map has them.
    func translate(
        _ mappings: [RuntimeSpec.IDMapping], _ map: [IDRange], _ what: String
    ) throws(EngineError) -> [RuntimeSpec.IDMapping] {
        var result: [RuntimeSpec.IDMapping] = []
        for mapping in mappings {
            var done: UInt32 = 0
            while done < mapping.size {
                let (host, overflow) = mapping.hostID.addingReportingOverflow(done)
                let (inside, wraps) = mapping.containerID.addingReportingOverflow(done)
                guard !overflow, !wraps,
                    let range = map.first(where: { host >= $0.outside && host - $0.outside < $0.count })
                else {
                    throw EngineError(
                        .invalid,
                        "\(what) \(mapping.hostID &+ done) of the host cannot be mapped into a user namespace: it is not "
                            + "the caller's")
                }
                let offset = host - range.outside
                let count = min(mapping.size - done, range.count - offset)
                result.append(.init(containerID: inside, hostID: range.inside + offset, size: count))
                done += count
            }
        }
        return result
    }
}
