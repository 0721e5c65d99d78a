import LinuxKernel
import OCISpec

/// Everything the kernel will be told to start one process, decided before anything is touched.
public struct LaunchPlan: Equatable, Sendable, CustomStringConvertible {
    /// What the launcher opens before the child exists, by slot.
    var inherited: [Inherited] = []
    /// The namespaces that the first clone makes.
    var cloned: NamespaceKinds = []
    /// No child: the launcher's own process performs the steps.
    var isInPlace = false
    /// The maps of the new user namespace, written by the launcher (in place, by the step that makes the namespace).
    var maps: Maps?
    /// What the child does, in this order.
    var steps: [Step] = []
    /// How many descriptors the steps name.
    var slotCount = 0
    /// When the caller has something to do.
    var moments: LaunchMoments = []
    /// The cgroup the process is born in.
    var cgroup: Int32?
    /// There, or not at all.
    var requiresCgroup = false

    /// Where the streams of a command that is told later come to stand: stdin, stdout, stderr.
    var told: [Slot] = []

    /// Streams that the launcher gives to the container's user, because their owner has no id in the container.
    var gift: Gift?

    struct Gift: Equatable, Sendable {
        var descriptors: [Int32]
        /// As the launcher counts.
        var uid: UInt32
    }

    struct Maps: Equatable, Sendable, CustomStringConvertible {
        var uid: [IDRange]
        var gid: [IDRange]
        var denySetgroups: Bool

        var description: String { "users \(uid.listing), groups \(gid.listing)" }
    }

    struct Inherited: Equatable, Sendable {
        var slot: Slot
        var source: Source

        enum Source: Equatable, Sendable {
            /// The caller's.
            case descriptor(Int32)
            /// Opened by the launcher, as /proc/PID/ns/net must be.
            case path(String)
            /// A file system with these device nodes, named 0, 1 and so on, made by the launcher.
            case nodes([DeviceNode])
            /// The guard's program.
            case guarding(Guard)
            /// A mount of the host's whose owners are mapped; by the launcher, who is over the file system's.
            case mapped(MappedTree)
        }
    }

    struct MappedTree: Equatable, Sendable {
        var path: String
        var isRecursive: Bool
        /// What is mounted below is mapped too.
        var everywhere: Bool
        var uid: [IDRange]
        var gid: [IDRange]
    }

    /// System calls of the launcher, for the process: what takes a privilege on the machine.
    var calls: [SystemCall] = []

    /// The plan with a step that fails in place of one of its own, for tests of what a failure leaves behind. nil after
    /// the last.
    package func failing(at index: Int) -> LaunchPlan? {
        guard steps.indices.contains(index) else { return nil }
        var plan = self
        plan.slotCount += 1
        plan.steps[index] = Step(
            .open("/proc/self/fault", .path, in: nil, into: Slot(index: Int16(slotCount))))
        return plan
    }

    /// One line for each thing that is done, in order.
    public var description: String {
        var lines = isInPlace ? [] : ["clone \(cloned.names)"]
        if let maps, !isInPlace { lines.append("map \(maps)") }
        lines += calls.map(\.purpose)
        if let gift { lines.append("give pipes to user \(gift.uid)") }
        lines += steps.map(\.description)
        return lines.joined(separator: "\n")
    }
}

extension [IDRange] {
    fileprivate var listing: String {
        map { "\($0.inside):\($0.outside):\($0.count)" }.joined(separator: " ")
    }
}

extension NamespaceKinds {
    /// `user+mount+pid`, or `no namespace`.
    var names: String {
        let names = NamespaceKinds.named.filter { contains($0.kind) }.map(\.file)
        return names.isEmpty ? "no namespace" : names.joined(separator: "+")
    }
}
