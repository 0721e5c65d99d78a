/// A container as the OCI runtime specification 1.3 describes it: `config.json`.
public struct RuntimeSpec: Equatable, Sendable {
    public var ociVersion: String = RuntimeSpec.version
    public var process: Process?
    public var root: Root?
    public var hostname: String?
    public var domainname: String?
    public var mounts: [Mount] = []
    public var hooks: Hooks?
    public var annotations: [String: String] = [:]
    public var linux: Linux?

    public init() {}

    /// The version of the specification that is followed here.
    public static let version = "1.3.0"

    public struct Root: Equatable, Sendable {
        public var path: String
        public var readonly: Bool

        public init(path: String, readonly: Bool = false) {
            self.path = path
            self.readonly = readonly
        }
    }

    public struct Process: Equatable, Sendable {
        public var terminal: Bool = false
        public var consoleSize: ConsoleSize?
        public var user: User = User()
        public var args: [String] = []
        /// `NAME=VALUE`, in the order the process sees them.
        public var env: [String] = []
        /// Absolute, inside the container.
        public var cwd: String = "/"
        public var capabilities: Capabilities?
        public var rlimits: [ResourceLimit] = []
        public var noNewPrivileges: Bool = false
        public var apparmorProfile: String?
        public var selinuxLabel: String?
        public var oomScoreAdj: Int?
        /// `scheduler`, `ioPriority` and `execCPUAffinity`, verbatim.
        public var scheduler: JSON?
        public var ioPriority: JSON?
        public var execCPUAffinity: JSON?

        public init() {}
    }

    public struct ConsoleSize: Equatable, Sendable {
        public var height: UInt16
        public var width: UInt16

        public init(height: UInt16, width: UInt16) {
            self.height = height
            self.width = width
        }
    }

    public struct User: Equatable, Sendable {
        public var uid: UInt32 = 0
        public var gid: UInt32 = 0
        public var umask: UInt32?
        public var additionalGids: [UInt32] = []

        public init(uid: UInt32 = 0, gid: UInt32 = 0, umask: UInt32? = nil, additionalGids: [UInt32] = []) {
            self.uid = uid
            self.gid = gid
            self.umask = umask
            self.additionalGids = additionalGids
        }
    }

    /// The five sets of capabilities(7), names as `CAP_CHOWN`.
    public struct Capabilities: Equatable, Sendable {
        public var bounding: [String] = []
        public var effective: [String] = []
        public var inheritable: [String] = []
        public var permitted: [String] = []
        public var ambient: [String] = []

        public init() {}
    }

    public struct ResourceLimit: Equatable, Sendable {
        /// As in getrlimit(2): `RLIMIT_NOFILE`.
        public var type: String
        public var soft: UInt64
        public var hard: UInt64

        public init(type: String, soft: UInt64, hard: UInt64) {
            self.type = type
            self.soft = soft
            self.hard = hard
        }
    }

    public struct Mount: Equatable, Sendable {
        /// Absolute, inside the container.
        public var destination: String
        /// The file system's type; `bind` for a bind mount.
        public var type: String?
        public var source: String?
        /// As in fstab(5) and the specification's table of mount options.
        public var options: [String]
        /// An id-mapped mount's own mappings; empty for an ordinary mount.
        public var uidMappings: [IDMapping] = []
        public var gidMappings: [IDMapping] = []

        public init(destination: String, type: String?, source: String?, options: [String] = []) {
            self.destination = destination
            self.type = type
            self.source = source
            self.options = options
        }
    }

    public struct Hook: Equatable, Sendable {
        public var path: String
        public var args: [String] = []
        /// nil is the runtime's own environment.
        public var env: [String]?
        /// Seconds.
        public var timeout: Int?

        public init(path: String) {
            self.path = path
        }
    }

    public struct Hooks: Equatable, Sendable {
        public var prestart: [Hook] = []
        public var createRuntime: [Hook] = []
        public var createContainer: [Hook] = []
        public var startContainer: [Hook] = []
        public var poststart: [Hook] = []
        public var poststop: [Hook] = []

        public init() {}
    }

    public enum NamespaceKind: String, Equatable, Sendable, CaseIterable {
        case pid, network, mount, ipc, uts, user, cgroup, time
    }

    public struct Namespace: Equatable, Sendable {
        public var type: NamespaceKind
        /// An existing namespace to join; a new one is made where it is nil.
        public var path: String?

        public init(_ type: NamespaceKind, path: String? = nil) {
            self.type = type
            self.path = path
        }
    }

    /// One range of user_namespaces(7), `hostID` being an id of the namespace that the launcher is in.
    public struct IDMapping: Equatable, Hashable, Sendable {
        public var containerID: UInt32
        public var hostID: UInt32
        public var size: UInt32

        public init(containerID: UInt32, hostID: UInt32, size: UInt32) {
            self.containerID = containerID
            self.hostID = hostID
            self.size = size
        }
    }

    public struct Device: Equatable, Sendable {
        /// `c`, `b`, `u` or `p`.
        public var type: String
        public var path: String
        public var major: UInt32
        public var minor: UInt32
        public var fileMode: UInt32?
        public var uid: UInt32?
        public var gid: UInt32?

        public init(type: String, path: String, major: UInt32 = 0, minor: UInt32 = 0) {
            self.type = type
            self.path = path
            self.major = major
            self.minor = minor
        }
    }

    public struct Linux: Equatable, Sendable {
        public var namespaces: [Namespace] = []
        public var uidMappings: [IDMapping] = []
        public var gidMappings: [IDMapping] = []
        public var devices: [Device] = []
        public var cgroupsPath: String?
        /// The `resources` object verbatim: limits are interpreted by whoever writes the cgroup's files.
        public var resources: JSON?
        public var rootfsPropagation: String?
        public var seccomp: Seccomp?
        public var sysctl: [String: String] = [:]
        public var maskedPaths: [String] = []
        public var readonlyPaths: [String] = []
        public var mountLabel: String?
        /// Offsets of the time namespace's clocks by name, `monotonic` and `boottime`, verbatim; likewise the four
        /// after it. Who launches says which of them it can do.
        public var timeOffsets: JSON?
        public var personality: JSON?
        public var intelRdt: JSON?
        public var memoryPolicy: JSON?
        public var netDevices: JSON?

        public init() {}
    }

    public struct Seccomp: Equatable, Sendable {
        /// `SCMP_ACT_…`.
        public var defaultAction: String
        public var defaultErrnoRet: UInt32?
        /// `SCMP_ARCH_…`.
        public var architectures: [String] = []
        /// `SECCOMP_FILTER_FLAG_…`.
        public var flags: [String] = []
        public var listenerPath: String?
        public var listenerMetadata: String?
        public var syscalls: [Rule] = []

        public init(defaultAction: String) {
            self.defaultAction = defaultAction
        }

        public struct Rule: Equatable, Sendable {
            public var names: [String]
            public var action: String
            public var errnoRet: UInt32?
            public var args: [Argument] = []

            public init(names: [String], action: String) {
                self.names = names
                self.action = action
            }
        }

        public struct Argument: Equatable, Sendable {
            public var index: UInt32
            public var value: UInt64
            public var valueTwo: UInt64
            /// `SCMP_CMP_…`.
            public var op: String

            public init(index: UInt32, value: UInt64, valueTwo: UInt64 = 0, op: String) {
                self.index = index
                self.value = value
                self.valueTwo = valueTwo
                self.op = op
            }
        }
    }
}
