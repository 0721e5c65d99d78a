import DeviceInjection
import OCISpec

extension SpecificationBuilder {
    /// Takes up devices by name: the edits in the specification, what stands for the vendor's hooks beside it.
    func inject(
        _ devices: ResolvedDevices, mounts: PlannedMounts, into draft: inout Specification
    ) throws(EngineError) {
        draft.warnings += devices.warnings
        if let reason = devices.obstacle {
            throw EngineError(.unsupported, "setting up CDI devices: \(reason)")
        }
        if let device = devices.edits.netDevices.first,
            draft.runtime.linux?.namespaces.contains(where: { $0.type == .network }) != true
        {
            throw EngineError(
                .invalid,
                "setting up CDI devices: network interface \(device.hostInterfaceName) moves into a network namespace of "
                    + "the container's own, and it has none: --network=none gives it one with nothing else in it")
        }
        var edits = devices.edits
        let isBound = mounts.situation.inUserNamespace || caller.isInUserNamespace
        if isBound {
            // Groups of the host have no number in here. The caller's own can be kept.
            edits.additionalGids = []
            if devices.needsGroups { keepGroups(&draft) }
        }
        do {
            try edits.apply(to: &draft.runtime, nodes: isBound ? .bound : .made)
        } catch {
            throw EngineError(.invalid, "\(error)", cause: error)
        }
        draft.deviceUses += edits.deviceNodes.map {
            .init(host: $0.source, container: $0.path, permissions: $0.access)
        }
        draft.numaNode = devices.numaNode
        addLinks(devices.links, to: &draft)
        addLinkerCache(devices.linkerCache, mounts: mounts, to: &draft)
        if let contents = devices.driverParameters {
            bind(contents, "nvidia-params", at: "/proc/driver/nvidia/params", in: &draft)
        }
    }

    /// `--group-add keep-groups`, without being asked: otherwise the node would be there and could not be opened.
    private func keepGroups(_ draft: inout Specification) {
        guard request.groups.isEmpty || draft.keepGroups else {
            draft.warnings.append(
                "a device can be opened through a group of the caller's only, which --group-add takes away: "
                    + "--group-add keep-groups keeps it")
            return
        }
        draft.keepGroups = true
        draft.runtime.annotations["run.oci.keep_original_groups"] = "1"
        draft.runtime.process?.user.additionalGids = []
    }

    private var ownerOfRoot: (uid: UInt32, gid: UInt32) {
        (UserNamespacePlan.outside(0, plan.uid) ?? 0, UserNamespacePlan.outside(0, plan.gid) ?? 0)
    }

    /// Below /dev, where everything is made at the start, by the launch; elsewhere in the container's layer.
    private func addLinks(_ links: [DriverSetup.Link], to draft: inout Specification) {
        for link in links {
            if link.path.hasPrefix("/dev/") {
                draft.deviceLinks.append(link)
                continue
            }
            let owner = ownerOfRoot
            draft.rootEntries.append(
                Specification.RootEntry(
                    path: resolved(link.path), content: .link(link.target), mode: 0o777, uid: owner.uid,
                    gid: owner.gid))
        }
    }

    /// With the image's links above it followed, as far as the path is there.
    private func resolved(_ path: String) -> String {
        var parts = path.split(separator: "/")
        guard let name = parts.popLast() else { return path }
        var missing: [Substring] = []
        while !parts.isEmpty {
            if let real = root.real("/" + parts.joined(separator: "/")) {
                return ([real == "/" ? "" : real] + (missing + [name]).map(String.init)).joined(separator: "/")
            }
            missing.insert(parts.removeLast(), at: 0)
        }
        return path
    }

    /// In the layer, so that ldconfig in the container can replace it; mounted where that cannot be written.
    private func addLinkerCache(_ cache: [UInt8]?, mounts: PlannedMounts, to draft: inout Specification) {
        let path = "/etc/ld.so.cache"
        guard let cache, !mounts.isMounted(path), !mounts.isMounted("/etc") else { return }
        if image == nil || request.readOnlyRoot {
            bind(cache, "ld.so.cache", at: path, in: &draft)
            return
        }
        let owner = ownerOfRoot
        draft.rootEntries.append(
            Specification.RootEntry(
                path: resolved(path), content: .file(cache), mode: 0o644, uid: owner.uid, gid: owner.gid))
    }

    private func bind(_ contents: [UInt8], _ name: String, at path: String, in draft: inout Specification) {
        let owner = ownerOfRoot
        draft.files.append(
            Specification.PreparedFile(
                name: "files/\(name)", contents: contents, mode: 0o444, uid: owner.uid, gid: owner.gid))
        draft.runtime.mounts.append(
            RuntimeSpec.Mount(
                destination: path, type: "bind", source: "\(identity.directory)/files/\(name)",
                options: ["bind", "rprivate", "ro", "nosuid", "noexec", "nodev"]))
    }
}
