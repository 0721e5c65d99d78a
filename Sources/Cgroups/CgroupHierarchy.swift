import Glibc
import LinuxKernel

/// Where this machine has the unified hierarchy, cgroups(7).
public struct CgroupHierarchy: Equatable, Sendable {
    public enum Kind: Equatable, Sendable {
        /// The whole of /sys/fs/cgroup.
        case unified
        /// Beside v1 hierarchies, which hold most controllers.
        case hybrid
        /// v1 alone, or no cgroups at all.
        case absent
    }

    public let kind: Kind
    /// Where it is mounted; no path of meaning where it is absent.
    public let mount: String

    public init(kind: Kind, mount: String) {
        self.kind = kind
        self.mount = mount
    }

    /// Looks where systemd and everybody else mount it. `cgroup.controllers` stands in cgroup2 alone.
    public static func find(root: String = "/sys/fs/cgroup") -> CgroupHierarchy {
        if access(root + "/cgroup.controllers", F_OK) == 0 { return CgroupHierarchy(kind: .unified, mount: root) }
        let beside = root + "/unified"
        if access(beside + "/cgroup.controllers", F_OK) == 0 { return CgroupHierarchy(kind: .hybrid, mount: beside) }
        return CgroupHierarchy(kind: .absent, mount: root)
    }

    /// The cgroup of a process as /proc/PID/cgroup names it, seen from this process's cgroup namespace. nil where it has
    /// ended, where there is no such hierarchy, or where it lies outside of that namespace.
    public func cgroup(of pid: Int32? = nil) -> Cgroup? {
        guard kind != .absent,
            let text = try? File.read("/proc/\(pid.map(String.init) ?? "self")/cgroup", limit: 1 << 16),
            let path = CgroupHierarchy.unifiedPath(in: text)
        else { return nil }
        return cgroup(path)
    }

    /// The cgroup of an absolute path as the kernel writes it, `/` being the mount.
    public func cgroup(_ path: String) -> Cgroup {
        Cgroup(path == "/" || path.isEmpty ? mount : mount + path, mount: mount)
    }

    /// The line `0::/path`. A path that leads out of the namespace, `/../x`, is nothing that can be opened; one that was
    /// removed is no place either.
    package static func unifiedPath(in text: [UInt8]) -> String? {
        for line in text.split(separator: 0x0a) where line.starts(with: "0::/".utf8) {
            let path = String(decoding: line.dropFirst(3), as: UTF8.self)
            return path.hasPrefix("/..") || path.hasSuffix(" (deleted)") ? nil : path
        }
        return nil
    }

    /// The controllers that v1 hierarchies hold, by /proc/cgroups: v2 cannot have them at the same time.
    public static func controllersOfV1(_ text: [UInt8]? = try? File.read("/proc/cgroups", limit: 1 << 16)) -> [String] {
        var names: [String] = []
        for line in (text ?? []).split(separator: 0x0a) where line.first != UInt8(ascii: "#") {
            let fields = line.split(separator: 0x09)
            guard fields.count >= 2, fields[1] != [0x30] else { continue }
            let name = String(decoding: fields[0], as: UTF8.self)
            names.append(name == "blkio" ? "io" : name)
        }
        return names
    }
}
