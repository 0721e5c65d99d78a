import LinuxKernel

/// A descriptor that one step opens and others use, by number.
struct Slot: Hashable, Sendable, CustomStringConvertible {
    let index: Int16

    var description: String { "$\(index)" }
}

/// One thing that the child does.
struct Step: Equatable, Sendable {
    var action: Action
    /// Error numbers at which the launch goes on. The slot that the action would have filled stays empty, and steps
    /// that use it are passed over.
    var tolerated: [Int32] = []
    /// Done only where the slot that the action fills is still empty, because an earlier way failed.
    var isFallback = false

    init(_ action: Action, tolerating tolerated: [Int32] = [], isFallback: Bool = false) {
        self.action = action
        self.tolerated = tolerated
        self.isFallback = isFallback
    }

    enum Action: Equatable, Sendable {
        // Rendezvous.
        case awaitLauncher
        case reach(LaunchMoment)
        case announceStart
        /// All descriptors from a number up are closed before.
        case acceptStarter(Slot, closing: Int32, keeping: Slot?)
        case cloneSibling(NamespaceKinds, cgroup: Slot?)
        // Namespaces.
        case enter(NamespaceKinds, Slot)
        case unshare(NamespaceKinds)
        /// In the launcher's own process: a helper outside writes the maps.
        case isolate(NamespaceKinds, LaunchPlan.Maps?)
        case setHostname(String)
        case setDomainname(String)
        case raiseLoopback
        // Identity.
        case becomeUser(uid: UInt32, gid: UInt32)
        case setGroups([UInt32])
        case setLimit(ResourceLimit)
        case bound(to: CapabilityMask, last: UInt32)
        case raiseCapabilities
        case setCapabilities(effective: CapabilityMask, permitted: CapabilityMask, inheritable: CapabilityMask)
        case setAmbient(CapabilityMask, last: UInt32)
        case control(ProcessControl)
        case filter([UInt8], flags: UInt32, hasListener: Bool)
        case call(SystemCall)
        case setUmask(UInt32)
        /// Ends this process as the parent's death would have, where it died before that could be asked for.
        case expectParent(Int32, signal: Int32)
        // Files.
        case open(String, OpenKind, in: Slot?, into: Slot)
        case makeDirectory(String, in: Slot, uid: UInt32, gid: UInt32)
        /// Into a file of the /proc that the slot holds.
        case write(String, to: String, in: Slot)
        case link(String, to: String, in: Slot)
        case makeNode(DeviceNode, in: Slot)
        // Mounts.
        case takeTree(TreeSource, recursive: Bool, into: Slot)
        case mountOverlay(Layers, into: Slot)
        case mount(FileSystem, into: Slot)
        case change(MountTarget, MountChange)
        case cover(Slot, with: Slot, name: String)
        case attach(Slot, at: String, in: Slot)
        case copyUp(String, in: Slot, to: Slot)
        case mask(String, in: Slot, directory: Slot, file: Slot)
        case makeReadOnly(String, in: Slot)
        /// By pivot_root(2), or by covering what is there.
        case enterRoot(Slot, pivots: Bool)
        case changeDirectory(String)
        // Terminal and descriptors.
        case openTerminal(Slot, size: TerminalSize?, into: Slot)
        /// Its group too, unless that is nil.
        case own(Slot, uid: UInt32, gid: UInt32?, pipesOnly: Bool)
        case startSession
        case controlTerminal(Slot)
        case copy(Slot, above: Int32, into: Slot)
        case place(Slot, as: Int32)
        case keep(from: Int32, to: Int32)
        case seal(from: Int32)
        // The end.
        case reap(CapabilityMask)
        case probe(Command)
        case execute(Command)
        /// By way of the guard, which finds the channel as that descriptor.
        case executeGuarded(Command, guard: Slot, channel: Int32)
    }
}

struct ResourceLimit: Equatable, Sendable {
    var name: String
    var number: Int32
    var soft: UInt64
    var hard: UInt64
}

/// A set of capabilities, bit by number.
struct CapabilityMask: Equatable, Sendable, CustomStringConvertible {
    var bits: UInt64

    var description: String {
        let names = Capability.names(in: bits).map { $0.dropFirst(4).lowercased() }
        return names.isEmpty ? "none" : names.joined(separator: ",")
    }
}

enum ProcessControl: Equatable, Sendable {
    case keepCapabilities
    case noNewPrivileges
    case notDumpable
    case parentDeathSignal(Int32)
}

enum OpenKind: Equatable, Sendable {
    /// A name only, O_PATH.
    case path
    case directory
    /// A directory that is none by way of a link.
    case realDirectory
    case readWrite
}

struct DeviceNode: Equatable, Sendable {
    var path: String
    /// Type and permissions.
    var mode: UInt32
    var number: DeviceNumber
    var uid: UInt32
    var gid: UInt32
}

enum TreeSource: Equatable, Sendable {
    case path(String)
    case slot(Slot)
    /// A name in a directory.
    case entry(String, in: Slot)
}

/// A system call that needs no more than its arguments.
struct SystemCall: Equatable, Sendable {
    /// What it is for: the first half of an error.
    var purpose: String
    var number: Int
    var arguments: [Argument]

    enum Argument: Equatable, Sendable {
        case value(UInt64)
        /// The address of these bytes.
        case bytes([UInt8])
        /// The process, as the launcher counts.
        case process
    }
}

struct Layers: Equatable, Sendable {
    var lower: Slot
    var objects: Slot?
    var upper: Slot
    var work: Slot
}

struct FileSystem: Equatable, Sendable {
    var type: String
    var source: String?
    /// `name` or `name=value`, as fsconfig(2) takes them.
    var parameters: [String] = []
    /// MOUNT_ATTR_* bits.
    var attributes: MountAttributes = []
    /// Where it goes, for whoever reads the plan or an error; nil for what covers masked paths.
    var destination: String?
}

/// Which mount is changed.
enum MountTarget: Equatable, Sendable {
    case slot(Slot, name: String)
    case path(String)
}

struct MountChange: Equatable, Sendable {
    var set: MountAttributes = []
    var clear: MountAttributes = []
    var propagation: Propagation?
    var recursive = false
}

struct TerminalSize: Equatable, Sendable {
    var rows: UInt16
    var columns: UInt16
}
