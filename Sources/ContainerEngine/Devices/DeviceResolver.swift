import DeviceInjection
import Glibc
import LinuxKernel
import OCISpec

/// Finds the devices of a request: documents first, then what the machine shows.
struct DeviceResolver {
    let settings: EngineSettings
    let caller: CallerFacts
    let layout: DataLayout
    let bootID: String

    private var tree: HostTree { HostTree(root: settings.deviceRoot) }

    /// nil where nothing is asked for; nothing is read then. In front of the keeper's namespace, where the owners of
    /// nodes are still to be seen.
    func find(
        _ request: ContainerConfiguration, image: ImageFacts?
    ) throws(EngineError) -> ResolvedDevices? {
        let policy = try GPUPolicy(request, image: image?.execution.env ?? [], caller: caller)
        guard !request.namedDevices.isEmpty || !policy.requests.isEmpty else { return nil }
        // Absent before the first start; what is remembered there is worth having from then on.
        try? Directory.create(layout.cache, mode: 0o700)
        do throws(CDIError) {
            let (registry, warnings) = registry(for: request.namedDevices, policy)
            var names = request.namedDevices
            for gpus in policy.requests { names += try found(gpus, in: registry, policy) }
            if names.isEmpty { return nil }
            var result = ResolvedDevices()
            result.warnings = warnings
            result.edits = try registry.resolve(names).filled { path throws(SyscallError) in try HostNode(path) }
            result.obstacle = obstacle(names, in: registry)
            // "All" is all that the caller may use; what is named has to be given.
            let insists = !request.namedDevices.isEmpty || policy.requests.contains { $0.choice != .all }
            try checkAccess(&result, insists: insists && !policy.isImplicit)
            if policy.requests.contains(where: \.isNear) {
                result.numaNode = numaNode(of: names, in: registry, &result.warnings)
            }
            return result
        } catch {
            if policy.isImplicit {
                settings.warn("GPUs are left out: \(error)")
                return nil
            }
            let message = request.namedDevices.isEmpty ? error.message : "setting up CDI devices: \(error)"
            throw EngineError(code(error), message, cause: error)
        }
    }

    /// The first device whose edits cannot be carried out by this caller on this machine, and why.
    private func obstacle(_ names: [CDIName], in registry: CDIRegistry) -> String? {
        let movesInterfaces = !caller.isRootless && caller.boundingCapabilities.contains("CAP_NET_ADMIN")
        for name in names {
            guard let edits = try? registry.resolve([name]) else { continue }
            if let device = edits.netDevices.first, !movesInterfaces {
                return "\(name): to move network interface \(device.hostInterfaceName) into a container takes "
                    + "CAP_NET_ADMIN over the host's network: run as root"
            }
            guard edits.intelRdt != nil else { continue }
            do throws(EngineError) { _ = try ResourceControl.find(in: settings.deviceRoot) } catch {
                return "\(name): \(error.message)"
            }
        }
        return nil
    }

    private func code(_ error: CDIError) -> EngineError.Code {
        switch error.code {
        case .notFound: .notFound
        case .permission: .permission
        case .invalid, .conflict: .invalid
        }
    }

    /// The documents, with discovered ones for kinds that they say nothing of.
    private func registry(
        for names: [CDIName], _ policy: GPUPolicy
    ) -> (registry: CDIRegistry, warnings: [String]) {
        var registry = CDIRegistry(directories: settings.cdiDirectories)
        let isCovered = policy.requests.isEmpty && names.allSatisfy { registry.hasKind($0.kind) }
        if isCovered { return (registry, []) }
        let found = DeviceDiscovery.remembered(in: tree, file: layout.cache + "/devices.json", bootID: bootID)
        let documented = Set(registry.entries.map(\.specification.kind))
        var isUsed = false
        for one in found.specifications where !documented.contains(one.kind) {
            registry.add(one, path: "discovered:\(one.kind)", priority: -1)
            isUsed = true
        }
        return (registry, isUsed ? found.warnings : [])
    }

    /// A machine without GPUs is no error where nobody insists.
    private func found(
        _ request: GPURequest, in registry: CDIRegistry, _ policy: GPUPolicy
    ) throws(CDIError) -> [CDIName] {
        if policy.isImplicit, registry.gpuKinds.isEmpty { return [] }
        if policy.isImplicit, request.vendor == .nvidia,
            !registry.gpuKinds.contains(where: { $0.vendor == "nvidia.com" })
        {
            return []
        }
        // All that there are may be none: podman starts such a container, and so would Ray on a node without GPUs.
        if request == GPURequest(.all), registry.gpuKinds.isEmpty, registry.failures.isEmpty {
            settings.warn("--gpus all: no GPU was found on this machine")
            return []
        }
        if policy.isLaunchers, case .devices(let words) = request.choice, let parts = registry.parts(meantBy: words) {
            return parts
        }
        return try registry.gpus(request)
    }

    // MARK: - May the container open them?

    /// Nodes of which a container that has the rest has no need.
    private static let dispensable = [
        "/dev/dri/card", "/dev/nvidia-modeset", "/dev/nvidia-uvm-tools", "/dev/nvidia-nvswitch",
        "/dev/nvidia-caps-imex-channels/",
    ]

    private func checkAccess(_ result: inout ResolvedDevices, insists: Bool) throws(CDIError) {
        let asker = NodeAccess.Caller(
            uid: caller.uid, groups: [caller.gid] + caller.groups, userMap: Self.ranges(caller.uidMap),
            groupMap: Self.ranges(caller.gidMap))
        var kept: [ContainerEdits.DeviceNode] = []
        var refusals: [String] = []
        let isNvidia = result.edits.deviceNodes.contains { $0.path == "/dev/nvidiactl" }
        for node in result.edits.deviceNodes {
            // What nobody may write is there to be read: the nodes of a partitioned GPU's instances.
            let isReadOnly = node.fileMode.map { $0 & 0o222 == 0 } ?? false
            let wanted = isReadOnly ? "r" : node.access.isEmpty ? "rw" : node.access
            switch NodeAccess(of: node.source, access: wanted, for: asker) {
            case .open: kept.append(node)
            case .throughGroup:
                result.needsGroups = true
                kept.append(node)
            case .refused(let reason):
                // A node that is made from its numbers need not be there.
                if !caller.isInUserNamespace, node.type != nil, access(node.source, F_OK) != 0 {
                    kept.append(node)
                    continue
                }
                let text = "device \(node.source) cannot be opened: \(reason)"
                refusals.append(text)
                // Displays belong to who sits before them. To compute takes the render node beside that, or, with
                // NVIDIA's driver, nodes of its own.
                if node.path.hasPrefix(isNvidia ? "/dev/dri/" : "/dev/dri/card") { continue }
                let isDispensable = Self.dispensable.contains { node.path.hasPrefix($0) }
                if !isDispensable, insists { throw CDIError(.permission, text) }
                result.warnings.append(text)
            }
        }
        if kept.isEmpty, let first = refusals.first { throw CDIError(.permission, first) }
        result.edits.deviceNodes = kept
    }

    private static func ranges(_ map: [RuntimeSpec.IDMapping]) -> [IDRange] {
        map.map { IDRange(inside: $0.containerID, outside: $0.hostID, count: $0.size) }
    }

    // MARK: - Libraries

    /// What makes the libraries known to the image's linker.
    func prepare(_ result: inout ResolvedDevices, imageID: String?, root: RootView) {
        let setup = result.edits.takeDriverSetup()
        var facts = LibraryFacts(file: layout.cache + "/libraries.json")
        let plan = LibraryPlan(result.edits, setup) { facts.fact($0) }
        facts.save()
        let nodes = Set(result.edits.deviceNodes.map { $0.path.split(separator: "/").last })
        // Links to nodes that are not given lead nowhere.
        result.links = plan.links.filter { link in
            !link.path.hasPrefix("/dev/") || nodes.contains(link.target.split(separator: "/").last)
        }
        let cache = LinkerCacheStore(directory: layout.cache, imageID: imageID, root: root)
        result.linkerCache = cache.contents(plan, setup.compatibility)
        // A container's /proc is this machine's, whatever tree is searched.
        if setup.hidesDeviceModification, access("/proc/driver/nvidia/params", F_OK) == 0 {
            result.driverParameters = tree.driverParametersWithoutModification
        }
    }

    // MARK: - Nearness

    private func numaNode(of names: [CDIName], in registry: CDIRegistry, _ warnings: inout [String]) -> Int? {
        var nodes: Set<Int> = []
        for name in names {
            var addresses = [registry.address(of: name)].compactMap { $0 }
            if addresses.isEmpty, name.device == "all" {
                addresses = registry.devices(of: name.kind).compactMap { registry.address(of: $0) }
            }
            for address in addresses {
                if let node = tree.numaNode(ofDevice: address) { nodes.insert(node) }
            }
        }
        if nodes.count == 1 { return nodes.first }
        warnings.append(
            nodes.isEmpty
                ? "numa=near: the kernel does not say which NUMA node the GPUs are near"
                : "numa=near: the GPUs are near different NUMA nodes")
        return nil
    }
}
