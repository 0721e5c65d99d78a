import OCISpec

/// Which capabilities a container's first process gets.
public enum CapabilityPolicy {
    /// One capability that is given unless dropped, and what for.
    package struct Row {
        package let name: String
        package let reason: String
    }

    /// podman's default set: what package managers and servers need as root of their own container, and nothing that
    /// reaches beyond it.
    package static let defaults: [Row] = [
        Row(name: "CAP_CHOWN", reason: "package managers give files to their owners"),
        Row(name: "CAP_DAC_OVERRIDE", reason: "root reads and writes what belongs to the container's users"),
        Row(name: "CAP_FOWNER", reason: "chmod and utimes on the container's files"),
        Row(name: "CAP_FSETID", reason: "set-group-id bits survive a chmod by root"),
        Row(name: "CAP_KILL", reason: "init stops services that run as other users"),
        Row(name: "CAP_NET_BIND_SERVICE", reason: "servers bind ports below 1024 of their own network namespace"),
        Row(name: "CAP_SETFCAP", reason: "package managers unpack files that carry capabilities"),
        Row(name: "CAP_SETGID", reason: "services drop to their group"),
        Row(name: "CAP_SETPCAP", reason: "services drop what they do not need"),
        Row(name: "CAP_SETUID", reason: "services drop to their user"),
        Row(name: "CAP_SYS_CHROOT", reason: "services confine themselves"),
    ]

    /// By number, as in linux/capability.h; Linux 5.9 added the last.
    package static let all: [String] = [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
        "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST",
        "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO",
        "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE",
        "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE",
        "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
        "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
    ]

    /// The five sets.
    ///
    /// - Parameter bounding: what the launcher itself may hand on. A rootless launcher is root of its own user
    ///   namespace and holds them all; real root may be confined.
    /// - Parameter isRoot: no user was named, or root was; podman gives other users an empty effective set, to which
    ///   only `--cap-add` adds, as ambient capabilities.
    package static func sets(
        _ security: SecurityOptions, bounding: [String], isRoot: Bool
    ) throws(EngineError) -> RuntimeSpec.Capabilities {
        var sets = RuntimeSpec.Capabilities()
        if security.privileged {
            let held = Set(bounding)
            sets.bounding = all.filter(held.contains).sorted()
        } else {
            let defaultNames = defaults.map(\.name)
            sets.bounding = try merge(
                defaultNames, add: security.addCapabilities, drop: security.dropCapabilities, bounding: bounding)
        }
        if isRoot {
            sets.effective = sets.bounding
            sets.permitted = sets.bounding
            return sets
        }
        let added = try merge([], add: security.addCapabilities, drop: [], bounding: bounding)
        sets.effective = added
        sets.permitted = added
        sets.inheritable = added
        sets.ambient = added
        return sets
    }

    /// `--cap-add` and `--cap-drop` applied to a base, sorted by name.
    package static func merge(
        _ base: [String], add: [String], drop: [String], bounding: [String]
    ) throws(EngineError) -> [String] {
        // The usual case, and every start's.
        if add.isEmpty, drop.isEmpty {
            return bounding.count == all.count ? base : base.filter(bounding.contains)
        }
        let additions = try add.map(normalized)
        let removals = try drop.map(normalized)
        let held = Set(bounding)
        if removals.contains(allWord) {
            if additions.contains(allWord) {
                throw EngineError(.invalid, "adding all caps and removing all caps not allowed")
            }
            return Set(additions).filter(held.contains).sorted()
        }
        var result = Set(base)
        if additions.contains(allWord) {
            result = held
        } else {
            for name in additions {
                if removals.contains(name) {
                    throw EngineError(.invalid, "capability \"\(name)\" cannot be dropped and added")
                }
                result.insert(name)
            }
        }
        return result.subtracting(removals).filter(held.contains).sorted()
    }

    private static let allWord = "ALL"

    /// `net_admin` and `CAP_NET_ADMIN` alike; throws for what is no capability.
    private static func normalized(_ word: String) throws(EngineError) -> String {
        let upper = word.uppercased()
        if upper == allWord { return allWord }
        let name = upper.hasPrefix("CAP_") ? upper : "CAP_" + upper
        guard all.contains(name) else {
            throw EngineError(.invalid, "\"\(name)\": unknown capability")
        }
        return name
    }
}
