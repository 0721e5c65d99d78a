import Glibc
import ImageStore
import LinuxKernel
import OCISpec

extension Engine {
    /// Makes a container and does not start it. The image is pulled as the policy says.
    public func create(_ configuration: ContainerConfiguration) throws(EngineError) -> Container {
        let origin = try prepare(configuration)
        let id = ContainerID.make()
        let mark = ActiveMark(owner: session.identity, container: id)
        let record = try give(birthTo: id, configuration, origin, mark: mark).record
        mark.clear(in: session.layout)
        return try container(record.id)
    }

    /// What a container is made from, found before anything of it is made.
    struct Origin {
        var image: StoredImage?
        var userNamespace: UserNamespacePlan
        var surroundings: Surroundings
        var root: ContainerRecord.Root
        var view: RootView
        var network: NetworkChoice
        /// See ``RayFaults``.
        var raylet: String?

        /// Its devices have edits that somebody outside carries out: hooks that are not ours to do, network interfaces,
        /// groups of resctrl, which are removed after it.
        var needsSupervisor: Bool {
            guard let edits = surroundings.devices?.edits else { return false }
            return !edits.hooks.isEmpty || !edits.netDevices.isEmpty || edits.intelRdt != nil
        }
    }

    /// A container that has just come about, locked.
    struct NewContainer: ~Copyable {
        var record: ContainerRecord
        var directory: OwnedDescriptor
    }

    /// Checks the request, finds or pulls the image, enters the keeper and makes the image's tree.
    /// - Parameter cleansAside: what dead processes have left is none of this request's business, and is cleaned up by
    ///   a process of its own.
    func prepare(
        _ configuration: ContainerConfiguration, cleansAside: Bool = false
    ) throws(EngineError) -> Origin {
        StartTrace.enter(.lookUp)
        let raylet = RayFaults.raylet(of: configuration)
        try SpecificationBuilder.validate(configuration, caller: session.caller)
        if let name = configuration.name { try NamePolicy.check(name) }
        let image = try findImage(configuration.source)
        // Before anything enters the keeper's namespace, where the owners of nodes are not to be seen.
        let resolver = DeviceResolver(
            settings: settings, caller: session.caller, layout: session.layout, bootID: session.bootID)
        var devices = try resolver.find(configuration, image: image.map(Engine.facts))
        if configuration.name != nil {
            // It may be that of somebody dead.
            try cleanUpAfterTheDead(entirely: true)
        } else if cleansAside {
            try cleanUpAside()
        } else {
            try cleanUpAfterTheDead(glancing: true)
        }
        let network = try NetworkChoice(configuration.network, store: store)
        StartTrace.enter(.keeper)
        try becomePrivileged(toJoin: configuration)
        StartTrace.enter(.tree)

        let store = self.store
        let bootID = session.bootID
        var surroundings = Surroundings(volumeRoot: session.layout.volumes) { word throws(EngineError) in
            try Engine.neighbour(word, store: store, bootID: bootID)
        }
        surroundings.readHostFiles(privateNetwork: network.tool != nil)
        if let tool = network.tool { surroundings.nameServers = [tool.nameServer] }
        if case .auto = configuration.namespaces.user { surroundings.idsInUse = try automaticIDsInUse() }

        let userNamespace: UserNamespacePlan
        let root: ContainerRecord.Root
        let view: RootView
        if let image {
            let store = images
            userNamespace = try SpecificationBuilder.userNamespace(
                for: configuration, caller: session.caller, surroundings: surroundings,
                root: try anyView(of: image, configuration))
            let map = IDMap(uid: userNamespace.uid, gid: userNamespace.gid)
            let tree: Tree
            do { tree = try store.tree(of: image, map: map) } catch { throw EngineError(error) }
            root = .tree(path: tree.path, objects: tree.objects)
            view = RootView(directory: tree.path) { path, limit in
                (try? tree.readFile(path, limit: limit)) ?? nil
            }
        } else {
            guard case .directory(let path) = configuration.source else { preconditionFailure() }
            view = RootView(directory: path)
            userNamespace = try SpecificationBuilder.userNamespace(
                for: configuration, caller: session.caller, surroundings: surroundings, root: view)
            root = .directory(path)
        }
        if devices != nil { resolver.prepare(&devices!, imageID: image?.id.hex, root: view) }
        surroundings.devices = devices
        return Origin(
            image: image, userNamespace: userNamespace, surroundings: surroundings, root: root, view: view,
            network: network, raylet: raylet)
    }

    /// `--userns=auto` without a size asks the image how many ids it uses; its plain tree tells.
    private func anyView(
        of image: StoredImage, _ configuration: ContainerConfiguration
    ) throws(EngineError) -> RootView? {
        guard case .auto(nil, _, _) = configuration.namespaces.user else { return nil }
        do {
            let caller = session.caller
            let tree = try images.tree(of: image, map: IDMap(uid: caller.uidMap, gid: caller.gidMap))
            return RootView(directory: tree.path) { path, limit in (try? tree.readFile(path, limit: limit)) ?? nil }
        } catch {
            throw EngineError(error)
        }
    }

    /// nil for `--rootfs`.
    private func findImage(_ source: ContainerConfiguration.Source) throws(EngineError) -> StoredImage? {
        guard case .image(let name, let policy, let platform) = source else { return nil }
        do {
            if policy == .missing || policy == .never, let image = try images.imageToStart(name) {
                let fits = platform.map { wanted in
                    wanted.os == image.config.platform.os && wanted.architecture == image.config.platform.architecture
                }
                if fits ?? true || policy == .never { return image }
            }
            guard policy != .never, let pull = settings.pull else {
                throw EngineError(.notFound, "\(name): image not known")
            }
            try pull(name, platform, policy)
            if let image = try images.imageToStart(name) { return image }
            throw EngineError(.notFound, "\(name): image not known")
        } catch let error as EngineError {
            throw error
        } catch let error as StoreError {
            throw EngineError(error)
        } catch {
            throw EngineError(.failed, "find image \(name): \(error)", cause: error)
        }
    }

    /// Containers that join others are started from the namespace that those were started from.
    private func becomePrivileged(toJoin configuration: ContainerConfiguration) throws(EngineError) {
        let spaces = configuration.namespaces
        var joined: [String] = []
        for choice in [spaces.pid, spaces.ipc, spaces.uts, spaces.cgroup] {
            if case .container(let word)? = choice { joined.append(word) }
        }
        if case .container(let word)? = configuration.network.mode { joined.append(word) }
        if case .container(let word)? = spaces.user { joined.append(word) }
        if let first = joined.first, let facts = store.facts(try store.find(first)),
            let process = facts.livingProcess(bootID: session.bootID)
        {
            try session.becomePrivileged(over: process.pid)
        } else {
            try session.becomePrivileged()
        }
    }

    private static func neighbour(
        _ word: String, store: ContainerStore, bootID: String
    ) throws(EngineError) -> Surroundings.Neighbour {
        let id = try store.find(word)
        guard let container = try store.container(id, bootID: bootID) else {
            throw EngineError(.notFound, "no container with name or ID \"\(word)\" found: no such container")
        }
        let runtime = container.record.specification.runtime
        let linux = runtime.linux ?? RuntimeSpec.Linux()
        let own = linux.namespaces.contains { $0.type == .user && $0.path == nil }
        var neighbour = Surroundings.Neighbour(
            id: id, isRunning: container.status.isRunning,
            userNamespace: own
                ? UserNamespacePlan(.new, uid: linux.uidMappings, gid: linux.gidMappings) : UserNamespacePlan(.host))
        neighbour.hostname = runtime.hostname
        for mount in runtime.mounts {
            if mount.destination == "/etc/hosts" { neighbour.hostsFile = mount.source }
            if mount.destination == "/etc/resolv.conf" { neighbour.resolvConfFile = mount.source }
        }
        return neighbour
    }

    private func automaticIDsInUse() throws(EngineError) -> [RuntimeSpec.IDMapping] {
        var ranges: [RuntimeSpec.IDMapping] = []
        for id in try store.ids() {
            guard let record = try store.record(id), record.specification.automaticIDs else { continue }
            ranges += record.specification.runtime.linux?.uidMappings ?? []
        }
        return ranges
    }
}
