import OCISpec

extension ContainerRecord {
    /// The record of a container that is being made.
    init(
        _ identity: ContainerIdentity, _ request: ContainerConfiguration, _ origin: Engine.Origin,
        _ specification: Specification, created: Timestamp
    ) {
        let imageName: String
        switch request.source {
        case .image(let name, _, _): imageName = origin.image?.names.first ?? name
        case .directory(let path): imageName = path
        }
        self.init(
            id: identity.id, name: identity.name, created: created, imageName: imageName, imageID: origin.image?.id,
            root: origin.root, network: origin.network.word, specification: specification)
        networkOptions = origin.network.options
        ports = NetworkChoice.withHostPorts(request.network.ports)
        labels = (origin.image?.config.config.labels ?? [:]).merging(request.labels) { _, asked in asked }
        let named = request.mounts.map { $0.destination }
        mounts = named + specification.volumes.map { $0.destination }.filter { !named.contains($0) }
        user = request.user ?? origin.image?.config.config.user ?? ""
        removeOnExit = request.removeOnExit
        interactive = request.interactive
        initProcess = request.initProcess
        preservedDescriptors = request.preserveDescriptors
        timeout = request.timeout
        restart = request.restart
        log = request.log
        cgroups = CgroupOptions(request)
        createCommand = request.command
        hostConfig = ContainerRecord.hostConfig(request, specification.deviceUses)
    }

    /// What the user asked for that neither the specification nor another member tells.
    private static func hostConfig(
        _ request: ContainerConfiguration, _ devices: [Specification.DeviceUse]
    ) -> [JSON.Member] {
        var members: [JSON.Member] = []
        func add(_ name: String, _ value: JSON?) {
            if let value { members.append(JSON.Member(name, value)) }
        }
        let security = request.security
        add("Privileged", security.privileged.jsonUnlessFalse)
        add("CapAdd", security.addCapabilities.jsonUnlessEmpty)
        add("CapDrop", security.dropCapabilities.jsonUnlessEmpty)
        var options: [String] = []
        if security.noNewPrivileges { options.append("no-new-privileges") }
        if security.seccomp == .unconfined { options.append("seccomp=unconfined") }
        add("SecurityOpt", options.jsonUnlessEmpty)
        add("ReadonlyRootfs", request.readOnlyRoot.jsonUnlessFalse)
        add("Dns", request.network.dnsServers.jsonUnlessEmpty)
        add("DnsOptions", request.network.dnsOptions.jsonUnlessEmpty)
        add("DnsSearch", request.network.dnsSearch.jsonUnlessEmpty)
        add("ExtraHosts", request.network.addHosts.map { "\($0.name):\($0.address)" }.jsonUnlessEmpty)
        add("GroupAdd", request.groups.jsonUnlessEmpty)
        let nodes: [JSON] = devices.map { device in
            [
                "PathOnHost": .string(device.host), "PathInContainer": .string(device.container),
                "CgroupPermissions": .string(device.permissions),
            ]
        }
        if !nodes.isEmpty { add("Devices", .array(nodes)) }
        add("OomScoreAdj", request.oomScoreAdjustment?.json)
        add("ShmSize", request.shmSize?.json)
        add("PidMode", word(request.namespaces.pid))
        add("IpcMode", word(request.namespaces.ipc))
        add("UTSMode", word(request.namespaces.uts))
        add("CgroupMode", word(request.namespaces.cgroup))
        if case .keepID? = request.namespaces.user { add("UsernsMode", .string("keep-id")) }
        return members
    }

    private static func word(_ choice: NamespaceOptions.Choice?) -> JSON? {
        switch choice {
        case nil: nil
        case .host: .string("host")
        case .private: .string("private")
        case .container(let id): .string("container:\(id)")
        case .path(let path): .string("ns:\(path)")
        }
    }
}
