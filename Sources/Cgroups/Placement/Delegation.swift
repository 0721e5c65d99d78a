import Glibc
import LinuxKernel

/// What is missing where a controller cannot be used, and the line that would give it.
public struct Delegation: Equatable, Sendable {
    public var controllers: [String]
    public var place: String
    /// Which of them v1 hierarchies hold.
    public var heldByV1: [String]
    public var hasSystemd: Bool
    /// The caller's on the machine.
    public var uid: UInt32
    private var isRoot: Bool { uid == 0 }

    public init(controllers: [String], place: String, heldByV1: [String], hasSystemd: Bool, uid: UInt32) {
        self.controllers = controllers
        self.place = place
        self.heldByV1 = heldByV1.filter(controllers.contains)
        self.hasSystemd = hasSystemd
        self.uid = uid
    }

    init(of controllers: [String], at cgroup: Cgroup) {
        self.init(
            controllers: controllers, place: cgroup.path, heldByV1: CgroupHierarchy.controllersOfV1(),
            hasSystemd: Systemd.isRunning, uid: IDMaps.outsideUID())
    }

    /// Without any place that the caller may write.
    public static func nowhere(_ controllers: [String], _ hierarchy: CgroupHierarchy, uid: UInt32) -> Delegation {
        Delegation(
            controllers: controllers, place: hierarchy.cgroup()?.path ?? hierarchy.mount,
            heldByV1: CgroupHierarchy.controllersOfV1(), hasSystemd: Systemd.isRunning, uid: uid)
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

    /// Those that it knows; what it does not know it leaves as it is.
    private static let controllersOfSystemd: Set<String> = ["cpu", "cpuset", "io", "memory", "pids"]

    /// The cgroups above, the topmost first.
    private var above: [String] {
        let mount = "/sys/fs/cgroup"
        var paths: [String] = []
        var path = place
        while path.hasPrefix(mount + "/"), let cut = path.utf8.lastIndex(of: UInt8(ascii: "/")) {
            path = String(path[..<cut])
            paths.insert(path, at: 0)
        }
        return paths
    }

    /// One line that somebody can type.
    private var remedy: String {
        if !heldByV1.isEmpty {
            return
                "boot with the kernel parameter systemd.unified_cgroup_hierarchy=1 (without systemd: cgroup_no_v1=all)"
        }
        let foreign = controllers.filter { !Delegation.controllersOfSystemd.contains($0) }
        if hasSystemd, !isRoot, !foreign.isEmpty {
            let words = foreign.map { "+\($0)" }.joined(separator: " ")
            return "systemd delegates no \(foreign.joined(separator: ", ")): delegate as root: echo '\(words)' | tee "
                + above.map { $0 + "/cgroup.subtree_control" }.joined(separator: " ")
        }
        if hasSystemd, !isRoot {
            return "delegate as root: mkdir -p /etc/systemd/system/user@.service.d && printf "
                + "'[Service]\\nDelegate=cpu cpuset io memory pids\\n' > "
                + "/etc/systemd/system/user@.service.d/delegate.conf && systemctl daemon-reload, then log in again"
        }
        let words = controllers.map { "+\($0)" }.joined(separator: " ")
        if !isRoot, place.hasPrefix("/sys/fs/cgroup"), !place.dropFirst("/sys/fs/cgroup/".utf8.count).contains("/") {
            // At the top, or right below it: nothing there can become somebody's.
            let own = "/sys/fs/cgroup/user-\(uid)"
            return "delegate as root: echo '\(words)' > /sys/fs/cgroup/cgroup.subtree_control; mkdir \(own); chown "
                + "\(uid) \(own) \(own)/cgroup.procs \(own)/cgroup.subtree_control; then move the caller there"
        }
        let parent = place.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(place[..<$0]) } ?? place
        if isRoot { return "enable it: echo '\(words)' > \(parent)/cgroup.subtree_control" }
        return "delegate as root: echo '\(words)' > \(parent)/cgroup.subtree_control; "
            + "chown \(uid) \(place) \(place)/cgroup.procs \(place)/cgroup.subtree_control"
    }
}
