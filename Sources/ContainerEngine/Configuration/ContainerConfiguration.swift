import DeviceInjection
import OCISpec

/// What the user asked for, flag by flag, before any default is applied: the first of the three representations of a
/// container. `nil` and empty mean "not said".
public struct ContainerConfiguration: Equatable, Sendable {
    /// Where the root file system comes from.
    public var source: Source
    /// `--name`; made up where nil.
    public var name: String?
    /// `--replace`: a container of that name is removed first.
    public var replace: Bool = false
    public var labels: [String: String] = [:]
    public var annotations: [String: String] = [:]
    /// `--rm`.
    public var removeOnExit: Bool = false

    /// `--entrypoint`: nil keeps the image's, an empty array clears it.
    public var entrypoint: [String]?
    /// The words after IMAGE.
    public var command: [String] = []
    public var workingDirectory: String?
    /// `--user`: `NAME|UID[:GROUP|GID]`, looked up inside the image.
    public var user: String?
    /// `--group-add`; `keep-groups` is the word podman gives a meaning of its own.
    public var groups: [String] = []
    public var environment: EnvironmentOptions = EnvironmentOptions()
    /// `--umask`, octal digits already read.
    public var umask: UInt32?

    /// `--interactive`: stdin stays open.
    public var interactive: Bool = false
    public var tty: Bool = false
    /// `--init`: a reaper of our own is process 1.
    public var initProcess: Bool = false
    /// `--preserve-fds`: this many descriptors from 3 up go to the container.
    public var preserveDescriptors: Int = 0

    public var hostname: String?
    public var namespaces: NamespaceOptions = NamespaceOptions()
    public var network: NetworkOptions = NetworkOptions()
    public var mounts: [MountRequest] = []
    /// `--read-only`.
    public var readOnlyRoot: Bool = false
    /// `--read-only-tmpfs`, podman's default: writable tmpfs on /run, /tmp, /var/tmp, /dev/shm of a read-only root.
    public var readOnlyTmpfs: Bool = true
    /// `--shm-size`, bytes.
    public var shmSize: UInt64?
    public var devices: [DeviceRequest] = []
    /// `--device VENDOR/CLASS=NAME`.
    public var namedDevices: [CDIName] = []
    /// `--gpus`; several add up, and one that says none says it for all.
    public var gpus: [GPURequest] = []

    public var rlimits: [RuntimeSpec.ResourceLimit] = []
    /// `--ulimit host`: the caller's own limits are kept.
    public var hostLimits: Bool = false
    public var sysctls: [String: String] = [:]
    public var security: SecurityOptions = SecurityOptions()
    public var oomScoreAdjustment: Int?

    public var log: LogOptions = LogOptions()
    /// `--stop-signal`: a name or a number, `SIGTERM`, `term`, `15`.
    public var stopSignal: String?
    /// `--stop-timeout`, seconds; podman's default is 10.
    public var stopTimeout: UInt32?
    /// `--timeout`: the container is killed after so many seconds; 0 is never.
    public var timeout: UInt32 = 0
    public var restart: RestartPolicy = .no
    /// `--cgroup-manager`: nil lets the engine choose.
    public var cgroupManager: CgroupManager?
    /// `--cgroup-parent`: a path below the hierarchy's mount, or a slice with systemd.
    public var cgroupParent: String?
    public var cgroups: CgroupMode = .enabled
    public var resources: ResourceOptions = ResourceOptions()

    public init(source: Source) {
        self.source = source
    }

    public enum Source: Equatable, Sendable {
        /// An image by name or id, as written.
        case image(String, pull: PullPolicy, platform: Platform?)
        /// `--rootfs DIR`.
        case directory(String)
    }

    public enum PullPolicy: String, Equatable, Sendable, CaseIterable {
        case missing, always, never, newer
    }

    public enum CgroupManager: String, Equatable, Sendable, CaseIterable {
        case cgroupfs, systemd
    }

    public enum RestartPolicy: Equatable, Sendable {
        case no
        case always
        case onFailure(maximumRetries: UInt32?)
        case unlessStopped
    }
}

/// `--env`, `--env-file`, `--env-host`, `--unsetenv`, `--unsetenv-all`, `--http-proxy`.
public struct EnvironmentOptions: Equatable, Sendable {
    /// From files first, then flags: later wins. `NAME` alone has been given its value by then.
    public var variables: [(name: String, value: String)] = []
    public var inheritHost: Bool = false
    public var unset: [String] = []
    public var unsetAll: Bool = false
    public var httpProxy: Bool = true

    public init() {}

    public static func == (a: Self, b: Self) -> Bool {
        a.variables.elementsEqual(b.variables, by: ==) && a.inheritHost == b.inheritHost && a.unset == b.unset
            && a.unsetAll == b.unsetAll && a.httpProxy == b.httpProxy
    }
}

/// Which namespaces a container shares with what.
public struct NamespaceOptions: Equatable, Sendable {
    public var pid: Choice?
    public var ipc: Choice?
    public var uts: Choice?
    public var cgroup: Choice?
    public var user: User?

    public init() {}

    public enum Choice: Equatable, Sendable {
        case host
        case `private`
        case container(String)
        case path(String)
    }

    public enum User: Equatable, Sendable {
        case host
        /// `keep-id[:uid=N,gid=N]`.
        case keepID(uid: UInt32?, gid: UInt32?)
        /// `auto[:size=N,…]`.
        case auto(size: UInt32?, uidMappings: [RuntimeSpec.IDMapping], gidMappings: [RuntimeSpec.IDMapping])
        case nomap
        case container(String)
        case path(String)
        /// `--uidmap`, `--gidmap`: `hostID` counts in podman's intermediate namespace when rootless.
        case explicit(uid: [RuntimeSpec.IDMapping], gid: [RuntimeSpec.IDMapping])
    }
}

/// `--network`, `--publish`, and the files that name resolution reads.
public struct NetworkOptions: Equatable, Sendable {
    public var mode: Mode?
    public var ports: [PortMapping] = []
    /// `--dns`; `none` is the mode that leaves resolv.conf to the image.
    public var dnsServers: [String] = []
    public var dnsSearch: [String] = []
    public var dnsOptions: [String] = []
    public var noResolvConf: Bool = false
    /// `--add-host NAME:ADDRESS`, `host-gateway` included.
    public var addHosts: [(name: String, address: String)] = []
    /// `--no-hosts`.
    public var noHosts: Bool = false

    public init() {}

    public enum Mode: Equatable, Sendable {
        case host, none, `private`
        /// With options passed through, as `pasta:-T,5432`.
        case pasta([String])
        case slirp4netns([String])
        case container(String)
        case path(String)
    }

    public struct PortMapping: Equatable, Sendable {
        public var hostAddress: String?
        /// nil: one that is free.
        public var hostPort: UInt16?
        public var containerPort: UInt16
        /// `tcp` or `udp`.
        public var transport: String

        public init(hostAddress: String?, hostPort: UInt16?, containerPort: UInt16, transport: String) {
            self.hostAddress = hostAddress
            self.hostPort = hostPort
            self.containerPort = containerPort
            self.transport = transport
        }
    }

    public static func == (a: Self, b: Self) -> Bool {
        a.mode == b.mode && a.ports == b.ports && a.dnsServers == b.dnsServers && a.dnsSearch == b.dnsSearch
            && a.dnsOptions == b.dnsOptions && a.noResolvConf == b.noResolvConf
            && a.addHosts.elementsEqual(b.addHosts, by: ==) && a.noHosts == b.noHosts
    }
}

/// One `--volume`, `--mount` or `--tmpfs`.
public struct MountRequest: Equatable, Sendable {
    public var kind: Kind
    /// Absolute, inside the container.
    public var destination: String
    /// As the user wrote them, checked by the engine: `ro`, `rw`, `z`, `Z`, `U`, `noexec`, `rshared`, `size=…`, ….
    public var options: [String]

    public init(kind: Kind, destination: String, options: [String] = []) {
        self.kind = kind
        self.destination = destination
        self.options = options
    }

    public enum Kind: Equatable, Sendable {
        /// An existing path of the host, made absolute by the caller.
        case bind(String)
        /// nil: an anonymous volume.
        case volume(String?)
        case tmpfs
    }
}

/// `--device HOST[:CONTAINER[:rwm]]`: a node or a directory of nodes.
public struct DeviceRequest: Equatable, Sendable {
    public var hostPath: String
    public var containerPath: String?
    public var permissions: String?

    public init(hostPath: String, containerPath: String? = nil, permissions: String? = nil) {
        self.hostPath = hostPath
        self.containerPath = containerPath
        self.permissions = permissions
    }
}

/// `--cap-add`, `--cap-drop`, `--privileged`, `--security-opt`.
public struct SecurityOptions: Equatable, Sendable {
    /// Names with or without `CAP_`, any case, or `all`.
    public var addCapabilities: [String] = []
    public var dropCapabilities: [String] = []
    public var privileged: Bool = false
    public var noNewPrivileges: Bool = false
    public var seccomp: SeccompChoice = .defaultProfile
    public var mask: [String] = []
    /// Paths, or `ALL`.
    public var unmask: [String] = []

    public init() {}

    public enum SeccompChoice: Equatable, Sendable {
        case defaultProfile, unconfined
        case file(String)
    }
}

/// `--log-driver`, `--log-opt`.
public struct LogOptions: Equatable, Sendable {
    public var driver: Driver?
    public var path: String?
    /// Bytes after which the log is rotated; nil is never.
    public var maximumSize: UInt64?
    public var tag: String?

    public init() {}

    public enum Driver: String, Equatable, Sendable, CaseIterable {
        case k8sFile = "k8s-file"
        case none
        case passthrough
    }
}

/// `exec`: a further process in a running container.
public struct ExecConfiguration: Equatable, Sendable {
    public var command: [String]
    public var interactive: Bool = false
    public var tty: Bool = false
    public var detach: Bool = false
    public var user: String?
    public var workingDirectory: String?
    public var environment: EnvironmentOptions = EnvironmentOptions()
    public var privileged: Bool = false
    public var preserveDescriptors: Int = 0

    public init(command: [String]) {
        self.command = command
    }
}
