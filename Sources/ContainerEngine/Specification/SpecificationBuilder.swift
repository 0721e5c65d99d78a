import OCISpec

/// Turns a request into a specification. Reads nothing but what it is given, apart from the bind sources and devices
/// of the host, and changes nothing.
public struct SpecificationBuilder: Sendable {
    package let request: ContainerConfiguration
    package let identity: ContainerIdentity
    package let caller: CallerFacts
    package let image: ImageFacts?
    package let root: RootView
    package let surroundings: Surroundings
    package let plan: UserNamespacePlan

    /// - Parameters:
    ///   - image: nil for `--rootfs`.
    ///   - userNamespace: what ``userNamespace(for:caller:surroundings:root:)`` gave, by which the tree was chosen;
    ///     planned here where nil.
    public init(
        _ request: ContainerConfiguration, identity: ContainerIdentity, caller: CallerFacts, image: ImageFacts?,
        root: RootView, surroundings: Surroundings, userNamespace: UserNamespacePlan? = nil
    ) throws(EngineError) {
        self.request = request
        self.identity = identity
        self.caller = caller
        self.image = image
        self.root = root
        self.surroundings = surroundings
        if let userNamespace {
            plan = userNamespace
        } else {
            plan = try Self.userNamespace(for: request, caller: caller, surroundings: surroundings, root: root)
        }
    }

    /// Every rule applied. Throws one ``EngineError`` in podman's words for what it refuses.
    public func build() throws(EngineError) -> Specification {
        try Self.validate(request, caller: caller)
        var draft = Specification(runtime: RuntimeSpec())
        draft.warnings = plan.warnings
        draft.userNamespace = plan
        draft.userNamespace.warnings = []
        draft.automaticIDs = plan.isAutomatic
        var linux = RuntimeSpec.Linux()
        let shared = try sharedNamespaces()
        linux.namespaces = shared.namespaces
        draft.joins = shared.joins
        if case .new = plan.kind {
            linux.uidMappings = plan.uid
            linux.gidMappings = plan.gid
        }
        let names = try hostNames(shared)
        draft.runtime.hostname = names.ownHostname

        let mounts = try plannedMounts(shared)
        let accounts = AccountFiles(root: accountRoot(mounts.user))
        let user = try containerUser(accounts)
        draft.runtime.process = try process(
            user, accounts: accounts, names: names, mounts: mounts, shared: shared, into: &draft)

        linux.sysctl = try SysctlPolicy.settings(request.sysctls, sysctlSituation(shared))
        let hidden = try PathPolicy.paths(
            request.security, bindsHostSys: mounts.situation.bindsHostSys && caller.isRootless)
        linux.maskedPaths = hidden.masked
        linux.readonlyPaths = hidden.readOnly
        linux.rootfsPropagation = propagation(mounts.user)
        linux.devices = mounts.devices.devices
        linux.resources = try resources(mounts.devices)

        draft.volumes = mounts.volumes
        draft.files = mounts.files + draft.files
        for path in mounts.ownerChanges {
            draft.ownershipChanges.append(
                Specification.OwnershipChange(
                    path: path, uid: try hostID(user.uid, plan.uid, "uid"), gid: try hostID(user.gid, plan.gid, "gid")))
        }
        draft.runtime.mounts = try finalMounts(mounts, user: user, names: names, draft: &draft)
        draft.runtime.root = RuntimeSpec.Root(path: "", readonly: request.readOnlyRoot)
        draft.runtime.linux = linux
        draft.seccomp = seccomp()
        try setStop(&draft)
        draft.runtime.annotations = annotations(draft.stopSignal)
        if let warning = Self.portWarning(request.network) { draft.warnings.append(warning) }
        draft.keepGroups = request.groups == ["keep-groups"]
        draft.deviceUses = mounts.devices.uses
        if let devices = surroundings.devices { try inject(devices, mounts: mounts, into: &draft) }
        return draft
    }

    /// The user namespace alone, which decides the tree that the root is made from.
    ///
    /// - Parameter root: any view of the image, for the size of `auto`.
    public static func userNamespace(
        for request: ContainerConfiguration, caller: CallerFacts, surroundings: Surroundings, root: RootView? = nil
    ) throws(EngineError) -> UserNamespacePlan {
        var count: UInt32 = 0
        if case .auto(nil, _, _) = request.namespaces.user, let root { count = AccountFiles(root: root).idCount }
        let policy = UserNamespacePolicy(
            caller: caller, idsInUse: surroundings.idsInUse.map { $0.hostID..<$0.hostID + $0.size },
            highestImageID: count)
        let plan = try policy.plan(request.namespaces.user, neighbour: surroundings.container)
        return try joiningPlan(plan, request: request, caller: caller, surroundings: surroundings)
    }
}

/// Who the container is and where its directory stands.
public struct ContainerIdentity: Equatable, Sendable {
    /// 64 hexadecimal digits.
    public var id: String
    public var name: String
    /// Absolute; ``Specification/PreparedFile`` names are relative to it.
    public var directory: String
    /// RFC 3339, for the annotation.
    public var created: String

    public init(id: String, name: String, directory: String, created: String) {
        self.id = id
        self.name = name
        self.directory = directory
        self.created = created
    }
}

/// What else is on the machine: volumes, other containers, the files name resolution reads.
public struct Surroundings: Sendable {
    /// `<data>/volumes`.
    public var volumeRoot: String
    /// Other containers by name or id; throws where there is none.
    public var container: @Sendable (_ nameOrID: String) throws(EngineError) -> Neighbour
    /// Ranges that `--userns=auto` containers hold, in the keeper's ids.
    public var idsInUse: [RuntimeSpec.IDMapping] = []
    /// Contents of the host's /etc/hosts and resolv.conf (see ``readHostFiles()``).
    public var hosts: [UInt8] = []
    public var resolvConf: [UInt8] = []
    /// Name servers that the private network's tool offers, asked before the host's.
    public var nameServers: [String] = []
    /// The private network carries IPv6.
    public var networkHasIPv6: Bool = true
    /// The container's address in its private network, where it is known beforehand.
    public var containerAddress: String?
    /// The address by which the container reaches the host: host.containers.internal, `host-gateway`. Asked when
    /// /etc/hosts is written.
    public var hostGateway: @Sendable () -> String? = { InternetAddress.ofHost() }

    /// GPUs and other devices by name, with all that they need.
    public var devices: ResolvedDevices?

    public init(
        volumeRoot: String, container: @escaping @Sendable (_ nameOrID: String) throws(EngineError) -> Neighbour
    ) {
        self.volumeRoot = volumeRoot
        self.container = container
    }

    /// Fills in ``hosts`` and ``resolvConf``. systemd-resolved's stub, which listens on the host's loopback, is passed
    /// over for the file with the servers behind it where the container could not reach it.
    public mutating func readHostFiles(privateNetwork: Bool) {
        let limit = 1 << 20
        hosts = HostFile.read("/etc/hosts", limit: limit) ?? []
        resolvConf = HostFile.read("/etc/resolv.conf", limit: limit) ?? []
        if privateNetwork, ResolverFile(parsing: resolvConf).nameServers == ["127.0.0.53"],
            let behind = HostFile.read("/run/systemd/resolve/resolv.conf", limit: limit)
        {
            resolvConf = behind
        }
    }

    /// What a container that shares another's namespaces takes over from it.
    public struct Neighbour: Equatable, Sendable {
        public var id: String
        public var isRunning: Bool
        public var hostname: String?
        public var userNamespace: UserNamespacePlan
        /// Paths on the host of its generated hosts and resolv.conf.
        public var hostsFile: String?
        public var resolvConfFile: String?

        public init(id: String, isRunning: Bool, userNamespace: UserNamespacePlan) {
            self.id = id
            self.isRunning = isRunning
            self.userNamespace = userNamespace
        }
    }
}
