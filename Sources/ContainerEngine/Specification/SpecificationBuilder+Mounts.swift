import LinuxKernel
import OCISpec

extension SpecificationBuilder {
    /// What is mounted, before the files of our own are placed among it.
    package struct PlannedMounts: Equatable, Sendable {
        package var situation = BaseMounts.Situation()
        package var base: [RuntimeSpec.Mount] = []
        /// Asked for by the user or the image.
        package var user: [RuntimeSpec.Mount] = []
        package var volumes: [Specification.VolumeUse] = []
        package var ownerChanges: [String] = []
        package var devices = DevicePolicy.Result()
        package var files: [Specification.PreparedFile] = []
        package var readOnlyTmpfs: [RuntimeSpec.Mount] = []

        package func isMounted(_ path: String) -> Bool { user.contains { $0.destination == path } }
    }

    package func plannedMounts(_ shared: SharedNamespaces) throws(EngineError) -> PlannedMounts {
        var planned = PlannedMounts()
        planned.situation = try situation(shared)
        planned.base = BaseMounts.mounts(planned.situation)
        try addRequested(to: &planned)
        addImageVolumes(to: &planned)
        if request.readOnlyRoot && request.readOnlyTmpfs {
            for path in Self.writableOfReadOnly where !planned.isMounted(path) {
                planned.readOnlyTmpfs.append(tmpfs(path, ["rw", "rprivate", "nosuid", "nodev", "tmpcopyup"]))
            }
        }
        // What the user mounts takes the place of ours; over /dev, of all that stands in it.
        let replaced = planned.user.map { $0.destination }
        planned.base.removeAll { mount in
            replaced.contains(mount.destination)
                || (replaced.contains("/dev") && mount.destination.hasPrefix("/dev/"))
        }
        let policy = DevicePolicy(bindsNodes: planned.situation.inUserNamespace || caller.isInUserNamespace)
        if request.security.privileged {
            planned.devices = policy.everyDevice(mounted: Set(replaced))
        } else {
            planned.devices = try policy.devices(request.devices)
        }
        return planned
    }

    /// `--read-only-tmpfs`; /dev/shm is a tmpfs anyway.
    package static let writableOfReadOnly = ["/tmp", "/var/tmp", "/run"]

    private func situation(_ shared: SharedNamespaces) throws(EngineError) -> BaseMounts.Situation {
        var now = BaseMounts.Situation()
        now.privileged = request.security.privileged
        now.inUserNamespace = plan.kind != .host
        now.hostNetwork = shared.isHost(.network)
        now.foreignNetwork = try isForeign(.network, shared)
        now.hostPID = shared.isHost(.pid)
        if now.inUserNamespace, try isForeign(.pid, shared) {
            throw EngineError(
                .invalid,
                "cannot share a pid namespace without sharing the user namespace that owns it: its /proc "
                    + "could not be mounted")
        }
        now.hostIPC = shared.isHost(.ipc)
        now.foreignIPC = try isForeign(.ipc, shared)
        if now.hostIPC, now.inUserNamespace {
            now.hasHostMessageQueues = ((try? FileStatus.ifPresent("/dev/mqueue")) ?? nil) != nil
        }
        now.mapsTTYGroup = UserNamespacePlan.outside(5, plan.gid) != nil
        now.unmasksCgroup = PathPolicy.isUnmasked("/sys/fs/cgroup", by: request.security.unmask)
        now.unifiedCgroups = caller.unifiedCgroups
        if let size = request.shmSize { now.shmSize = size }
        return now
    }

    /// The namespace is another's, and so is the user namespace that owns it.
    private func isForeign(_ kind: RuntimeSpec.NamespaceKind, _ shared: SharedNamespaces) throws(EngineError) -> Bool {
        guard shared.isJoined(kind) else { return false }
        guard let other = shared.neighbours[kind], case .container(let id) = plan.kind else { return true }
        if other.id == id { return false }
        return owner(of: other) != owner(of: try surroundings.container(id))
    }

    /// Whose user namespace a container is in.
    private func owner(of container: Surroundings.Neighbour) -> String {
        guard case .container(let id) = container.userNamespace.kind else { return container.id }
        return id
    }

    private func addRequested(to planned: inout PlannedMounts) throws(EngineError) {
        var seen: [String: MountRequest] = [:]
        for wish in request.mounts {
            let destination = try Self.checkedDestination(wish.destination)
            if let earlier = seen[destination] {
                if earlier.kind == wish.kind, earlier.options == wish.options { continue }
                throw EngineError(.invalid, "\(destination): duplicate mount destination")
            }
            seen[destination] = wish
            switch wish.kind {
            case .bind(let source): try addBind(source, destination, wish.options, to: &planned)
            case .volume(let name): try addVolume(name, destination, wish.options, to: &planned)
            case .tmpfs:
                let options = try MountOptions(wish.options, kind: .tmpfs, destination: destination)
                planned.user.append(tmpfs(destination, options.words, changesOwner: options.changesOwner))
            }
        }
    }

    private func addBind(
        _ source: String, _ destination: String, _ words: [String], to planned: inout PlannedMounts
    ) throws(EngineError) {
        guard source.hasPrefix("/") else {
            throw EngineError(.invalid, "bind source \(source): not an absolute path")
        }
        let path = Self.cleaned(source)
        let options = try MountOptions(
            words, kind: .bind, destination: destination, source: try HostMount(of: path))
        planned.user.append(
            RuntimeSpec.Mount(destination: destination, type: "bind", source: path, options: options.words))
        if options.changesOwner { planned.ownerChanges.append(path) }
    }

    private func addVolume(
        _ name: String?, _ destination: String, _ words: [String], to planned: inout PlannedMounts
    ) throws(EngineError) {
        let options = try MountOptions(words, kind: .volume, destination: destination)
        if let name {
            do { try NamePolicy.check(name) } catch {
                throw EngineError(error.code, "creating named volume \"\(name)\": \(error)", cause: error)
            }
        }
        add(
            Specification.VolumeUse(
                name: name ?? VolumeStore.anonymousName(), isAnonymous: name == nil, destination: destination,
                copyUp: options.copiesUp),
            options: options, to: &planned)
    }

    private func add(_ use: Specification.VolumeUse, options: MountOptions, to planned: inout PlannedMounts) {
        let path = VolumeStore(root: surroundings.volumeRoot).dataPath(use.name)
        planned.volumes.append(use)
        planned.user.append(
            RuntimeSpec.Mount(destination: use.destination, type: "bind", source: path, options: options.words))
        if options.changesOwner { planned.ownerChanges.append(path) }
    }

    /// The image's VOLUMEs, where the user has put nothing there: each an anonymous volume.
    private func addImageVolumes(to planned: inout PlannedMounts) {
        for written in image?.execution.volumes ?? [] {
            guard let destination = try? Self.checkedDestination(written), !planned.isMounted(destination) else {
                continue
            }
            add(
                Specification.VolumeUse(
                    name: VolumeStore.anonymousName(), isAnonymous: true, destination: destination, copyUp: true),
                options: .imageVolume, to: &planned)
        }
    }

    /// A tmpfs over what the image has there: like it in mode, and filled with it where it holds something.
    package func tmpfs(
        _ destination: String, _ words: [String], changesOwner: Bool = false
    ) -> RuntimeSpec.Mount {
        let below = root.entry(destination)
        var options = words
        if below?.isEmpty ?? true { options.removeAll { $0 == "tmpcopyup" } }
        if !options.contains(where: { $0.hasPrefix("mode=") }) {
            // A place that is not there yet gets what the kernel gives: anybody may write, as with podman.
            options.append("mode=\(String(below?.mode ?? 0o1777, radix: 8))")
        }
        // The owner is filled in when the user is known.
        if changesOwner { options.append("U") }
        return RuntimeSpec.Mount(destination: destination, type: "tmpfs", source: "tmpfs", options: options)
    }

    /// A host mount that comes in later is seen in shared and slave mounts only where the root propagates too.
    package func propagation(_ mounts: [RuntimeSpec.Mount]) -> String? {
        var result: String?
        for option in mounts.flatMap(\.options) {
            switch option {
            case "shared", "rshared": return "shared"
            case "slave", "rslave": result = "rslave"
            default: break
            }
        }
        return result
    }

    /// Absolute, cleaned; not the root itself.
    package static func checkedDestination(_ written: String) throws(EngineError) -> String {
        guard !written.isEmpty else { throw EngineError(.invalid, "container directory cannot be empty") }
        guard written.hasPrefix("/") else {
            throw EngineError(.invalid, "invalid container path \"\(written)\", must be an absolute path")
        }
        let path = cleaned(written)
        guard path != "/" else {
            throw EngineError(.invalid, "invalid container path \"\(written)\", destination can't be '/'")
        }
        return path
    }

    /// `/a//b/../c/` is `/a/c`, as text.
    package static func cleaned(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }
}
