import LinuxKernel

/// Where a container's root file system comes from. Paths are the host's.
public enum RootFilesystem: Equatable, Sendable {
    /// A directory as it is; its submounts come along.
    case directory(String)
    /// `upper` over one lower directory, and over the objects that its files redirect to, where there are such.
    case overlay(lower: String, objects: String?, upper: String, work: String)
}

/// A point of the launch at which the child waits and the caller's work is done.
public enum LaunchMoment: UInt32, Hashable, Sendable, CaseIterable {
    /// All namespaces stand and the id maps are written; nothing is mounted yet. Networks, cgroups, and the hooks
    /// `prestart` and `createRuntime`.
    case created = 0
    /// The root is put together, not yet entered. `createContainer` hooks.
    case mounted = 1
    /// Nothing is left but the last descriptors, filters and the exec. `startContainer` hooks.
    case starting = 2
}

/// Some of the moments of a launch.
public struct LaunchMoments: Equatable, Sendable, ExpressibleByArrayLiteral {
    private var bits: UInt32 = 0

    public init(arrayLiteral moments: LaunchMoment...) {
        for moment in moments { insert(moment) }
    }

    public var isEmpty: Bool { bits == 0 }

    public func contains(_ moment: LaunchMoment) -> Bool { bits >> moment.rawValue & 1 == 1 }

    public mutating func insert(_ moment: LaunchMoment) { bits |= 1 << moment.rawValue }
}

/// What a launch needs beyond the specification: the things that only the launcher has.
public struct LaunchOptions: Equatable, Sendable {
    /// The caller's descriptor that becomes stdin; nil is /dev/null. Not used with a terminal.
    public var input: Int32? = 0
    /// The caller's descriptor that becomes stdout; nil is /dev/null.
    public var output: Int32? = 1
    /// The caller's descriptor that becomes stderr; nil is /dev/null.
    public var error: Int32? = 2
    /// So many descriptors from 3 up are the container's too, under the same numbers. All others are closed.
    public var preservedDescriptors: Int = 0
    /// A reaper is process 1: it starts the command, collects orphans, forwards signals and ends as the command ends.
    public var reaper: Bool = false
    /// Sent to the container's first process when the launching process dies.
    public var parentDeathSignal: Int32?
    /// Namespaces to join by descriptor: of the namespace, or a pidfd of a process in it. They win over what the
    /// specification says of the same kind.
    public var joined: [Join] = []
    /// Mounts that the launcher has taken already, by destination: they stand in place of what the specification mounts
    /// there.
    public var trees: [Tree] = []
    /// The system call filter, an array of `struct sock_filter` as bytes; empty for none.
    public var seccompFilter: [UInt8] = []
    /// A sandbox made ahead loads the filter when it is made, because that allows all that it does until it executes its
    /// command. Compiling it to machine code is a large part of what is left to do then.
    public var filtersSandbox: Bool = false
    /// SECCOMP_FILTER_FLAG_* bits.
    public var seccompFlags: UInt32 = 0
    /// The filter asks a listener about some calls; the launch hands that on.
    public var seccompListener: Bool = false
    /// The name of a new session keyring; nil keeps the caller's, whose keys the container could read.
    public var keyring: String?
    /// Without pivot_root(2), which cannot leave an initramfs.
    public var noPivot: Bool = false
    /// The command is executed by way of a sealed file of memory, so that /proc/self/exe means nothing of the host to it.
    public var guarded: Bool = false
    /// A cgroup v2 directory, opened for reading: the process is born in it. A kernel that refuses is no error, see
    /// ``LaunchedProcess/cgroupRefusal``.
    public var cgroup: Int32?
    /// Outside of `cgroup` is no place to run: a refusal is a failure.
    public var requiresCgroup: Bool = false
    /// Moments at which the caller has something to do.
    public var moments: LaunchMoments = []
    /// A listening local stream socket. The launch returns when everything is ready; the command starts when somebody
    /// connects to it and sends a byte, and is told there why it could not: see ``startPrepared(socket:plan:)``.
    public var startSocket: Int32?
    /// The caller's supplementary groups are kept, whatever the specification says.
    public var keepGroups: Bool = false
    /// The launching process itself becomes the container's first process: see ``become(_:)``. New pid namespaces and
    /// namespaces to join are out of its reach.
    public var inPlace: Bool = false
    /// The process leads a session of its own; false leaves it in the launcher's.
    public var startsSession: Bool = true
    /// With ``parentDeathSignal`` and ``inPlace``: the parent that is meant. Where it has died already, the process
    /// ends at once.
    public var parent: Int32?
    /// Symbolic links to make below /dev, with the directories above them: where `path` leads to `target`.
    public var deviceLinks: [Link] = []
    /// A working directory that does not exist is made, owned by the process's user.
    public var createsWorkingDirectory: Bool = true

    public init() {}

    /// A symbolic link in the container.
    public struct Link: Equatable, Sendable {
        public var path: String
        public var target: String

        public init(path: String, target: String) {
            self.path = path
            self.target = target
        }
    }

    /// A mount that is attached to nothing yet, open_tree(2), and where it is to be attached.
    public struct Tree: Equatable, Sendable {
        public var destination: String
        public var descriptor: Int32

        public init(destination: String, descriptor: Int32) {
            self.destination = destination
            self.descriptor = descriptor
        }
    }

    /// Namespaces and what they are joined by.
    public struct Join: Equatable, Sendable {
        public var kinds: NamespaceKinds
        public var descriptor: Int32

        public init(_ kinds: NamespaceKinds, descriptor: Int32) {
            self.kinds = kinds
            self.descriptor = descriptor
        }
    }
}
