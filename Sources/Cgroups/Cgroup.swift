import Glibc
import LinuxKernel

/// One directory of the unified hierarchy. That it exists is asked of the kernel.
public struct Cgroup: Equatable, Sendable {
    /// Absolute, in the file system.
    public let path: String
    /// Where the hierarchy is mounted.
    public let mount: String

    public init(_ path: String, mount: String) {
        self.path = path
        self.mount = mount
    }

    /// A cgroup that a record names by its path alone.
    public init(recorded path: String) {
        self.init(path, mount: path.hasPrefix("/sys/fs/cgroup/unified/") ? "/sys/fs/cgroup/unified" : "/sys/fs/cgroup")
    }

    public var exists: Bool { access(path, F_OK) == 0 }

    /// The last part of its path.
    public var name: String {
        guard let cut = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
        return String(path[path.utf8.index(after: cut)...])
    }

    /// The one above; nil for the hierarchy's root.
    public var parent: Cgroup? {
        guard path != mount, path.hasPrefix(mount + "/"), let cut = path.utf8.lastIndex(of: UInt8(ascii: "/")) else {
            return nil
        }
        return Cgroup(String(path[..<cut]), mount: mount)
    }

    public func child(_ name: String) -> Cgroup { Cgroup(path + "/" + name, mount: mount) }

    /// As the kernel and systemd name it: below the mount.
    public var kernelPath: String { path == mount ? "/" : String(path.dropFirst(mount.count)) }

    /// The caller may move processes in and make children.
    public var isWritable: Bool { access(path + "/cgroup.procs", W_OK) == 0 && access(path, W_OK) == 0 }

    // MARK: - Files

    /// A file's content without the last line's end; nil where there is none of that name, or no right to it.
    public func read(_ file: String) -> String? {
        guard let bytes = try? File.read(path + "/" + file, limit: 1 << 20) else { return nil }
        return String(decoding: bytes.last == 0x0a ? bytes.dropLast() : bytes[...], as: UTF8.self)
    }

    /// The words of a file that is a list, as `cgroup.controllers` is.
    public func words(_ file: String) -> [String] {
        (read(file) ?? "").split(whereSeparator: { $0 == " " || $0 == "\n" }).map(String.init)
    }

    /// One entry of a file of `key value` lines, as `memory.events` is.
    public func value(_ key: String, in file: String) -> UInt64? {
        for line in (read(file) ?? "").split(separator: "\n") where line.hasPrefix(key + " ") {
            return UInt64(line.dropFirst(key.utf8.count + 1))
        }
        return nil
    }

    /// One write(2) of the whole value, as the kernel wants it.
    public func write(_ value: String, to file: String) throws(SyscallError) {
        try File.put(value.utf8, into: path + "/" + file)
    }

    /// The directory, for CLONE_INTO_CGROUP.
    public func open() throws(SyscallError) -> OwnedDescriptor {
        try OwnedDescriptor.open(path, O_RDONLY | O_DIRECTORY)
    }

    /// Makes the directory; one that is there already is taken.
    public func create() throws(SyscallError) {
        if mkdir(path, 0o755) != 0, errno != EEXIST { throw SyscallError("mkdir", path) }
    }

    /// Moves a process in, with all its threads.
    public func add(_ pid: Int32) throws(SyscallError) {
        try write(String(pid), to: "cgroup.procs")
    }

    /// Gives it to a user, who may then divide it: the directory and the files that the kernel names for a delegation.
    public func give(to uid: UInt32) throws(SyscallError) {
        let unchanged = UInt32.max
        try check("chown", path) { chown(path, uid, unchanged) }
        let names = (try? File.read("/sys/kernel/cgroup/delegate", limit: 1 << 12)).map {
            $0.split(separator: 0x0a).map { String(decoding: $0, as: UTF8.self) }
        }
        for name in names ?? ["cgroup.procs", "cgroup.threads", "cgroup.subtree_control"] {
            let file = path + "/" + name
            // It names files of controllers that are not enabled, too.
            if lchown(file, uid, unchanged) != 0, errno != ENOENT { throw SyscallError("chown", file) }
        }
    }
}
