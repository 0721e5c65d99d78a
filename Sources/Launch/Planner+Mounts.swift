import Glibc
import LinuxKernel
import OCISpec

/// One mount of the specification on its way into the plan.
struct PlannedMount {
    var mount: RuntimeSpec.Mount
    var words: MountWords
    var slot: Slot
    /// Already taken from the host.
    var isTaken = false
    /// The host's own mount, where a new one is refused.
    var fallback: String?
}

extension Planner {
    /// What is bound from the host is taken first of all: with what the caller may open, and while its mounts are still
    /// the host's peers, so that `shared` can mean something.
    mutating func planSources(
        _ mounts: [RuntimeSpec.Mount], _ linux: RuntimeSpec.Linux
    ) throws(PlanError) -> [PlannedMount] {
        var planned: [PlannedMount] = []
        for mount in mounts {
            guard !mount.destination.isEmpty, !mount.destination.utf8.contains(0) else {
                throw PlanError("mount without a destination")
            }
            var mount = mount
            try InlineMappings.spell(out: &mount, linux)
            var words = MountWords(mount.options)
            if mount.type == "bind" { words.isBind = true }
            try Planner.check(words, of: mount)
            var one = PlannedMount(mount: mount, words: words, slot: newSlot())
            if let tree = options.trees.first(where: { $0.destination == mount.destination }) {
                one.slot = inherit(tree.descriptor)
                one.isTaken = true
            } else if words.isBind {
                guard let source = mount.source, source.hasPrefix("/") else {
                    throw PlanError("mount on \(mount.destination): source is not an absolute path")
                }
                if words.isMapped {
                    try takeMapped(source, into: &one, linux)
                } else {
                    try take(source, into: &one)
                }
            } else {
                guard !words.isMapped else {
                    throw PlanError("mount on \(mount.destination): only a bind mount can be id-mapped")
                }
                if let label = linux.mountLabel, ["tmpfs", "devpts", "mqueue"].contains(mount.type) {
                    one.words.parameters.append("context=\"\(label)\"")
                }
                guard mount.type != nil else { throw PlanError("mount on \(mount.destination): no type") }
                try choose(&one)
            }
            planned.append(one)
        }
        return planned
    }

    /// What the kernel would pass over, and what is asked for would not be.
    private static func check(_ words: MountWords, of mount: RuntimeSpec.Mount) throws(PlanError) {
        if words.copiesUp, words.isBind || mount.type != "tmpfs" {
            throw PlanError("mount on \(mount.destination): tmpcopyup is a tmpfs's alone")
        }
        // crun's: no file system has them.
        if let option = words.parameters.first(where: {
            ["copy-symlink", "src-nofollow", "dest-nofollow"].contains($0)
        }) {
            throw PlanError("mount on \(mount.destination): option \(option) is not supported")
        }
    }

    private mutating func take(_ source: String, into one: inout PlannedMount) throws(PlanError) {
        try Planner.requireAbsolute(source, "mount source")
        add(.takeTree(.path(source), recursive: one.words.isRecursive, into: one.slot))
        one.isTaken = true
    }

    /// By the launcher: the owner of the file system decides how its owners are mapped.
    private mutating func takeMapped(
        _ source: String, into one: inout PlannedMount, _ linux: RuntimeSpec.Linux
    ) throws(PlanError) {
        try Planner.requireAbsolute(source, "mount source")
        func ranges(_ own: [RuntimeSpec.IDMapping], _ other: [RuntimeSpec.IDMapping]) -> [IDRange] {
            (own.isEmpty ? other : own).map { IDRange(inside: $0.containerID, outside: $0.hostID, count: $0.size) }
        }
        let tree = LaunchPlan.MappedTree(
            path: source, isRecursive: one.words.isRecursive, everywhere: one.words.mapsEverywhere,
            uid: ranges(one.mount.uidMappings, linux.uidMappings), gid: ranges(one.mount.gidMappings, linux.gidMappings)
        )
        guard !tree.uid.isEmpty, !tree.gid.isEmpty else {
            throw PlanError("mount on \(one.mount.destination): idmap without mappings")
        }
        plan.inherited.append(.init(slot: one.slot, source: .mapped(tree)))
        one.isTaken = true
    }

    /// File systems that show a namespace can be mounted by its owner only; who shares one with the host shares the
    /// host's mount too.
    private mutating func choose(_ one: inout PlannedMount) throws(PlanError) {
        guard isInUserNamespace else { return }
        switch one.mount.type {
        case "proc" where !own.contains(.pid):
            one.words.isRecursive = true
            try take("/proc", into: &one)
        case "sysfs" where !own.contains(.network):
            one.words.isRecursive = true
            try take("/sys", into: &one)
        // The user namespace that owns the queues may be shared too; else they are the host's.
        case "mqueue" where !own.contains(.ipc): one.fallback = "/dev/mqueue"
        // Also refused where /sys is covered in part, as it is inside another container.
        case "sysfs": one.fallback = "/sys"
        case "cgroup", "cgroup2": one.fallback = "/sys/fs/cgroup"
        default: break
        }
    }

    mutating func planMount(_ one: inout PlannedMount) {
        let words = one.words
        let destination = one.mount.destination
        if !one.isTaken {
            add(
                .mount(fileSystem(one), into: one.slot),
                // An option that the kernel refuses would be lost with the fallback.
                tolerating: one.fallback == nil
                    ? [] : [EPERM, ENODEV, EBUSY] + (words.parameters.isEmpty ? [EINVAL] : []))
        }
        if let fallback = one.fallback {
            add(
                .takeTree(.path(fallback), recursive: true, into: one.slot), tolerating: [ENOENT, EINVAL],
                isFallback: true)
        }
        planChanges(one)
        if words.copiesUp, !one.isTaken {
            add(.copyUp(destination, in: root, to: one.slot), tolerating: [ENOENT, ENOTDIR])
        }
        // The specification's writable tmpfs becomes read-only once it is filled.
        if words.copiesUp, words.set.contains(.readOnly), !one.isTaken {
            add(.change(.slot(one.slot, name: destination), MountChange(set: .readOnly)))
        }
        // A sysfs has no cgroup directory where the kernel has no cgroups.
        let isCgroup = one.mount.type?.hasPrefix("cgroup") ?? false
        add(.attach(one.slot, at: destination, in: root), tolerating: isCgroup ? [ENOENT, EPERM, EACCES] : [])
    }

    private func fileSystem(_ one: PlannedMount) -> FileSystem {
        let type = one.mount.type == "cgroup" ? "cgroup2" : one.mount.type ?? ""
        var parameters = one.words.parameters
        if type == "devpts", let gids = plan.maps?.gid {
            // Terminals go to group tty; where that id is not mapped, mounting would fail.
            parameters.removeAll { word in
                guard word.hasPrefix("gid="), let gid = UInt32(word.dropFirst(4)) else { return false }
                return !gids.contains { gid >= $0.inside && gid - $0.inside < $0.count }
            }
        }
        var attributes = one.words.set.union(one.words.recursiveSet)
        if one.words.copiesUp { attributes.remove(.readOnly) }
        return FileSystem(
            type: type, source: one.mount.source, parameters: parameters, attributes: attributes,
            destination: one.mount.destination)
    }

    /// Flags and propagation of what was taken from the host, before anybody can see it.
    private mutating func planChanges(_ one: PlannedMount) {
        let words = one.words
        let target = MountTarget.slot(one.slot, name: one.mount.destination)
        guard one.isTaken || one.fallback != nil else {
            // A new mount has its flags from birth, and is private unless something else is asked for.
            guard let propagation = words.propagation, propagation != .private else { return }
            add(.change(target, MountChange(propagation: propagation, recursive: words.propagationIsRecursive)))
            return
        }
        // In place of a new mount stands a tree of mounts, and the flags were meant for all of it.
        let everywhere = !words.isBind
        var changes = [MountChange(recursive: false), MountChange(recursive: true)]
        changes[everywhere ? 1 : 0].set.formUnion(words.set.subtracting(.accessTimeField))
        changes[1].set.formUnion(words.recursiveSet.subtracting(.accessTimeField))
        changes[words.propagation == nil || words.propagationIsRecursive ? 1 : 0].propagation =
            words.propagation ?? .private
        for change in changes where !change.isEmpty { add(.change(target, change)) }
        // A flag that the mount came into this user namespace with is locked, as is its access time: it stays.
        let tolerated: [Int32] = isInUserNamespace ? [EPERM] : []
        for (set, clear, recursive) in [
            (words.set, words.clear, everywhere), (words.recursiveSet, words.recursiveClear, true),
        ] where !clear.isEmpty {
            let change = MountChange(
                set: clear.contains(.accessTimeField) ? set.intersection(.accessTimeField) : [], clear: clear,
                recursive: recursive)
            add(.change(target, change), tolerating: tolerated)
        }
    }
}

extension MountChange {
    fileprivate var isEmpty: Bool { self.set.isEmpty && clear.isEmpty && propagation == nil }
}
