import CShims
import Glibc

/// Kinds of namespaces, CLONE_NEW* bits of clone(2).
public struct NamespaceKinds: OptionSet, Hashable, Sendable {
    public let rawValue: Int32

    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    public static let time = NamespaceKinds(rawValue: 0x0000_0080)
    public static let mount = NamespaceKinds(rawValue: 0x0002_0000)
    public static let cgroup = NamespaceKinds(rawValue: 0x0200_0000)
    public static let uts = NamespaceKinds(rawValue: 0x0400_0000)
    public static let ipc = NamespaceKinds(rawValue: 0x0800_0000)
    public static let user = NamespaceKinds(rawValue: 0x1000_0000)
    public static let pid = NamespaceKinds(rawValue: 0x2000_0000)
    public static let network = NamespaceKinds(rawValue: 0x4000_0000)

    /// Every kind with its file name under /proc/PID/ns.
    public static let named: [(kind: NamespaceKinds, file: String)] = [
        (.user, "user"), (.pid, "pid"), (.network, "net"), (.mount, "mnt"), (.ipc, "ipc"), (.uts, "uts"),
        (.cgroup, "cgroup"), (.time, "time"),
    ]
}

public enum Namespaces {
    /// setns(2): enters a namespace by its descriptor, or several by a pidfd.
    public static func enter(_ descriptor: Int32, _ kinds: NamespaceKinds) throws(SyscallError) {
        try check("setns") { swiftpod_setns(descriptor, kinds.rawValue) }
    }

    /// unshare(2): this process gets new ones.
    public static func unshare(_ kinds: NamespaceKinds) throws(SyscallError) {
        try check("unshare") { swiftpod_unshare(kinds.rawValue) }
    }

    /// The namespace's identity, `user:[4026531837]`, the same for two processes that share it.
    public static func identity(of pid: Int32? = nil, _ file: String) throws(SyscallError) -> String {
        let path = "/proc/\(pid.map { "\($0)" } ?? "self")/ns/\(file)"
        return try readLink(path)
    }
}

/// readlink(2).
public func readLink(_ path: String, in directory: Int32 = AT_FDCWD) throws(SyscallError) -> String {
    var buffer = [UInt8](repeating: 0, count: 4097)
    let length = try check("readlink", path) {
        buffer.withUnsafeMutableBytes { readlinkat(directory, path, $0.bindMemory(to: CChar.self).baseAddress!, 4096) }
    }
    return String(decoding: buffer.prefix(Int(length)), as: UTF8.self)
}

extension Namespaces {
    /// The kinds of namespaces that a process is in and this one is not: nobody may enter his own again from a user
    /// namespace.
    public static func foreign(of pid: Int32) throws(SyscallError) -> NamespaceKinds {
        var kinds: NamespaceKinds = []
        for (kind, file) in NamespaceKinds.named {
            guard let own = try FileStatus.ifPresent("/proc/self/ns/\(file)", following: true),
                let other = try FileStatus.ifPresent("/proc/\(pid)/ns/\(file)", following: true)
            else { continue }
            if own.inode != other.inode { kinds.insert(kind) }
        }
        return kinds
    }

    /// The parent of a user namespace, ioctl_ns(2); EPERM where it is none that this process may see.
    public static func parent(of descriptor: Int32) throws(SyscallError) -> OwnedDescriptor {
        // NS_GET_PARENT; the kernel's descriptor is close-on-exec.
        let request: UInt = 0xb702
        return OwnedDescriptor(
            adopting: try check("ioctl", "NS_GET_PARENT") { swiftpod_ioctl(descriptor, request, nil) })
    }
}
