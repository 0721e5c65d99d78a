import Glibc
import LinuxKernel

/// Where cgroups of the caller's own can be made: the delegated subtree, found without asking anybody.
public struct CgroupPlacement: Equatable, Sendable {
    /// The new ones are made right below.
    public let parent: Cgroup
    /// Processes in `parent` may be moved to a leaf of it where controllers need that: it is the caller's own place.
    public let mayMoveProcesses: Bool

    public init(parent: Cgroup, mayMoveProcesses: Bool) {
        self.parent = parent
        self.mayMoveProcesses = mayMoveProcesses
    }

    /// Where processes go that must not stay in `parent`: a cgroup whose children have controllers holds none itself.
    public static let supervisorName = "swiftpod-supervisor"

    /// - Parameters:
    ///   - asked: `--cgroup-parent`, an absolute path below the mount. It is made where it is missing.
    ///   - isRoot: containers of root stand at the top, beside what systemd manages, as podman's do; those of others
    ///     below the nearest cgroup that they may write.
    ///   - split: below the caller's own cgroup, whoever he is.
    /// - Returns: nil where the caller may make none.
    public static func find(
        in hierarchy: CgroupHierarchy, asked: String? = nil, isRoot: Bool, split: Bool = false
    ) throws(CgroupError) -> CgroupPlacement? {
        guard hierarchy.kind != .absent else { return nil }
        if let asked { return CgroupPlacement(parent: try named(asked, in: hierarchy), mayMoveProcesses: false) }
        if isRoot, !split { return CgroupPlacement(parent: hierarchy.cgroup("/"), mayMoveProcesses: true) }
        guard let own = hierarchy.cgroup() else { return nil }
        return find(from: own)
    }

    /// The nearest that may be written, from a process's own cgroup upwards.
    package static func find(from own: Cgroup) -> CgroupPlacement? {
        var at: Cgroup? = own
        // An earlier launch has moved us there.
        if own.name == supervisorName { at = own.parent }
        while let cgroup = at {
            if cgroup.isWritable { return CgroupPlacement(parent: cgroup, mayMoveProcesses: true) }
            at = cgroup.parent
        }
        return nil
    }

    private static func named(_ path: String, in hierarchy: CgroupHierarchy) throws(CgroupError) -> Cgroup {
        let parts = path.split(separator: "/")
        guard !parts.contains(".."), !parts.contains("."), !path.utf8.contains(0), !path.contains("\n") else {
            throw CgroupError(.invalid, "invalid cgroup parent \"\(path.filter { $0 != "\n" })\"")
        }
        var cgroup = hierarchy.cgroup("/")
        for part in parts {
            cgroup = cgroup.child(String(part))
            do throws(SyscallError) {
                try cgroup.create()
            } catch {
                throw CgroupError(error.isRefusal ? .notDelegated : .failed, "create cgroup parent \(path): \(error)")
            }
        }
        return cgroup
    }

    /// The name of a container's own cgroup. Ids are unique in a state directory and no further.
    public static func name(_ id: String, stateDirectory: String) -> String {
        // FNV-1a: two state directories must differ, nothing more.
        var hash: UInt32 = 0x811c_9dc5
        for byte in stateDirectory.utf8 { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
        let digits = String(hash, radix: 16)
        return "swiftpod-\(String(repeating: "0", count: 8 - digits.utf8.count))\(digits)-\(id)"
    }
}

extension SyscallError {
    /// A lack of rights, which delegation would mend.
    var isRefusal: Bool { errno == EACCES || errno == EPERM || errno == EROFS }
}
