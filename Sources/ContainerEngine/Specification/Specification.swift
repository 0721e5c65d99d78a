import DeviceInjection
import OCISpec

/// What became of a request: the runtime specification, and what the engine has to prepare before it can be started.
public struct Specification: Equatable, Sendable {
    /// Without `linux.seccomp`: see ``seccomp``. `root.path` is left to the engine. Mappings are in the keeper's ids.
    public var runtime: RuntimeSpec
    /// The system call filter, compiled by ``SeccompPolicy/filter(for:capabilities:cacheDirectory:)``.
    public var seccomp: SeccompSelection = .none
    /// Files to write into the container's directory; the specification's mounts name them.
    public var files: [PreparedFile] = []
    /// Directories and files to put into the container's own layer: ``writeRootEntries(layer:lower:)``.
    public var rootEntries: [RootEntry] = []
    /// Named and anonymous volumes that are mounted; the engine makes those that are missing.
    public var volumes: [VolumeUse] = []
    /// Host paths whose trees are to be given to the container's user (option `U`): recursive chown to these keeper ids.
    public var ownershipChanges: [OwnershipChange] = []
    /// Namespaces of other containers, whose process the engine looks up when it starts this one; the specification's
    /// own list does not have these kinds.
    public var joins: [Join] = []
    /// The user namespace that the tree, the files and the ids above are for.
    public var userNamespace: UserNamespacePlan = UserNamespacePlan(.host)
    /// Host ids reserved for this container by `--userns=auto`, in the keeper's counting.
    public var automaticIDs: Bool = false
    /// The number to send on `stop`.
    public var stopSignal: Int32 = 15
    /// Seconds.
    public var stopTimeout: UInt32 = 10
    /// Supplementary groups are left as they are (`keep-groups`).
    public var keepGroups: Bool = false
    /// HOME is ours, from the passwd file; `exec` as another user gets that user's.
    public var homeIsDerived: Bool = false
    /// Symbolic links below /dev, which is made at the start.
    public var deviceLinks: [DriverSetup.Link] = []
    /// For `inspect`: which nodes were given.
    public var deviceUses: [DeviceUse] = []
    /// The NUMA node that memory and processors are taken from.
    public var numaNode: Int?
    /// One line each, for stderr.
    public var warnings: [String] = []

    public init(runtime: RuntimeSpec) {
        self.runtime = runtime
    }

    /// A file of our own that is bind-mounted into the container.
    public struct PreparedFile: Equatable, Sendable {
        /// Relative to the container's directory: `files/hosts`.
        public var name: String
        public var contents: [UInt8]
        public var mode: UInt32
        /// Keeper ids.
        public var uid: UInt32
        public var gid: UInt32

        public init(name: String, contents: [UInt8], mode: UInt32 = 0o644, uid: UInt32 = 0, gid: UInt32 = 0) {
            self.name = name
            self.contents = contents
            self.mode = mode
            self.uid = uid
            self.gid = gid
        }
    }

    /// Something that the image lacks and the container is to have.
    public struct RootEntry: Equatable, Sendable {
        /// Absolute, inside the container.
        public var path: String
        public var content: Content
        public var mode: UInt32
        /// Keeper ids. A file that replaces one of the image's takes that one's owner and mode.
        public var uid: UInt32
        public var gid: UInt32

        public init(path: String, content: Content, mode: UInt32, uid: UInt32, gid: UInt32) {
            self.path = path
            self.content = content
            self.mode = mode
            self.uid = uid
            self.gid = gid
        }

        public enum Content: Equatable, Sendable {
            case directory
            case file([UInt8])
            /// Takes the place of what the image has there, unless that is a directory.
            case link(String)
        }
    }

    /// A device node of the host in the container.
    public struct DeviceUse: Equatable, Sendable {
        public var host: String
        public var container: String
        /// Some of `rwm`.
        public var permissions: String

        public init(host: String, container: String, permissions: String) {
            self.host = host
            self.container = container
            self.permissions = permissions
        }
    }

    /// A volume of the store and where it is mounted.
    public struct VolumeUse: Equatable, Sendable {
        public var name: String
        /// Removed with the container by `rm -v` and `--rm`.
        public var isAnonymous: Bool
        public var destination: String
        /// The image's content at `destination` is copied in while the volume is empty and was never used.
        public var copyUp: Bool

        public init(name: String, isAnonymous: Bool, destination: String, copyUp: Bool) {
            self.name = name
            self.isAnonymous = isAnonymous
            self.destination = destination
            self.copyUp = copyUp
        }
    }

    public struct OwnershipChange: Equatable, Sendable {
        public var path: String
        public var uid: UInt32
        public var gid: UInt32

        public init(path: String, uid: UInt32, gid: UInt32) {
            self.path = path
            self.uid = uid
            self.gid = gid
        }
    }

    public struct Join: Equatable, Sendable {
        public var kind: RuntimeSpec.NamespaceKind
        /// The other container's id.
        public var container: String

        public init(kind: RuntimeSpec.NamespaceKind, container: String) {
            self.kind = kind
            self.container = container
        }
    }
}

/// Which system call filter a container gets.
public enum SeccompSelection: Equatable, Sendable {
    case none
    case defaultProfile
    /// An OCI or Docker profile of the host.
    case file(String)
}
