import Glibc

/// What is missing where a controller cannot be used, and the line that would give it.
public struct Delegation: Equatable, Sendable {
    public var controllers: [String]
    public var place: String
    /// Which of them v1 hierarchies hold.
    public var heldByV1: [String]
    public var hasSystemd: Bool
    public var isRoot: Bool

    public init(controllers: [String], place: String, heldByV1: [String], hasSystemd: Bool, isRoot: Bool) {
        self.controllers = controllers
        self.place = place
        self.heldByV1 = heldByV1.filter(controllers.contains)
        self.hasSystemd = hasSystemd
        self.isRoot = isRoot
    }

    init(of controllers: [String], at cgroup: Cgroup) {
        self.init(
            controllers: controllers, place: cgroup.path, heldByV1: CgroupHierarchy.controllersOfV1(),
            hasSystemd: Systemd.isRunning, isRoot: geteuid() == 0)
    }

    /// Without any place that the caller may write.
    public static func nowhere(_ controllers: [String], _ hierarchy: CgroupHierarchy, isRoot: Bool) -> Delegation {
        Delegation(
            controllers: controllers, place: hierarchy.cgroup()?.path ?? hierarchy.mount,
            heldByV1: CgroupHierarchy.controllersOfV1(), hasSystemd: Systemd.isRunning, isRoot: isRoot)
    }

    public var error: CgroupError {
        CgroupError(.notDelegated, "cannot limit \(list): \(reason); \(remedy)")
    }

    private var list: String { controllers.joined(separator: ", ") }

    private var reason: String {
        if !heldByV1.isEmpty {
            return "controller \(heldByV1.joined(separator: ", ")) is mounted as cgroup v1"
        }
        return "controller \(list) is not delegated to cgroup \(place)"
    }

    /// One line that somebody can type.
    private var remedy: String {
        if !heldByV1.isEmpty {
            return
                "boot with the kernel parameter systemd.unified_cgroup_hierarchy=1 (without systemd: cgroup_no_v1=all)"
        }
        if hasSystemd, !isRoot {
            return "delegate as root: mkdir -p /etc/systemd/system/user@.service.d && printf "
                + "'[Service]\\nDelegate=cpu cpuset io memory pids\\n' > "
                + "/etc/systemd/system/user@.service.d/delegate.conf && systemctl daemon-reload, then log in again"
        }
        let parent = place.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(place[..<$0]) } ?? place
        let words = controllers.map { "+\($0)" }.joined(separator: " ")
        if isRoot { return "enable it: echo '\(words)' > \(parent)/cgroup.subtree_control" }
        return "delegate as root: echo '\(words)' > \(parent)/cgroup.subtree_control; "
            + "chown \(getuid()) \(place) \(place)/cgroup.procs \(place)/cgroup.subtree_control"
    }
}
