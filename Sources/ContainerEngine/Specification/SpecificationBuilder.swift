import OCISpec

/// Turns a request into a specification. Reads nothing but what it is given, apart from the existence of bind sources
/// and devices, and changes nothing.
public struct SpecificationBuilder: Sendable {
    package let request: ContainerConfiguration
    package let identity: ContainerIdentity
    package let caller: CallerFacts
    package let image: ImageFacts?
    package let root: RootView
    package let surroundings: Surroundings

    /// - Parameter image: nil for `--rootfs`.
    public init(
        _ request: ContainerConfiguration, identity: ContainerIdentity, caller: CallerFacts, image: ImageFacts?,
        root: RootView, surroundings: Surroundings
    ) {
        self.request = request
        self.identity = identity
        self.caller = caller
        self.image = image
        self.root = root
        self.surroundings = surroundings
    }

    /// The user namespace alone, which decides the tree that ``root`` is made from.
    public static func userNamespace(
        for request: ContainerConfiguration, caller: CallerFacts, surroundings: Surroundings
    ) throws(EngineError) -> UserNamespacePlan {
        throw EngineError(.unsupported, "plan user namespace: not yet")
    }

    /// Every rule applied. Throws one ``EngineError`` in podman's words for what it refuses.
    public func build() throws(EngineError) -> Specification {
        throw EngineError(.unsupported, "build specification: not yet")
    }

    /// Everything that can be refused without an image: names, labels, combinations of flags. Called before a pull.
    public static func validate(_ request: ContainerConfiguration, caller: CallerFacts) throws(EngineError) {
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
    public var idsInUse: [Range<UInt32>] = []
    /// Contents of the host's /etc/hosts and /etc/resolv.conf.
    public var hosts: [UInt8] = []
    public var resolvConf: [UInt8] = []
    /// The network tool that a private network will use, for name server and host-gateway addresses.
    public var networkTool: NetworkTool = .none

    public init(
        volumeRoot: String, container: @escaping @Sendable (_ nameOrID: String) throws(EngineError) -> Neighbour
    ) {
        self.volumeRoot = volumeRoot
        self.container = container
    }

    public enum NetworkTool: Equatable, Sendable {
        case none, pasta, slirp4netns
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
