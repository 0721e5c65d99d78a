import CShims
import Glibc

/// What statx(2) says about a file.
public struct FileStatus: Equatable, Sendable {
    public var inode: UInt64
    /// Bytes.
    public var size: UInt64
    /// Allocated, in units of 512 bytes.
    public var blocks: UInt64
    /// The mount's id; two paths with different ones lie on different mounts. 0 before Linux 5.8.
    public var mountID: UInt64
    /// Time of the last change of the content.
    public var modified: FileTime
    /// Type and permission bits together, as in `st_mode`.
    public var mode: UInt32
    public var uid: UInt32
    public var gid: UInt32
    public var links: UInt32
    /// The file system's device number.
    public var device: DeviceNumber
    /// The number of a device node.
    public var special: DeviceNumber

    public var kind: FileKind { FileKind(mode: mode) }
    /// The twelve permission bits.
    public var permissions: UInt32 { mode & 0o7777 }

    /// The file at a path, the symbolic link itself where it is one and `following` is false.
    public init(
        _ path: String, in directory: Int32 = AT_FDCWD, following: Bool = false
    ) throws(SyscallError) {
        try self.init(path: path, in: directory, flags: following ? 0 : AT_SYMLINK_NOFOLLOW)
    }

    /// The open file behind a descriptor, O_PATH ones too.
    public init(descriptor: Int32) throws(SyscallError) {
        try self.init(path: "", in: descriptor, flags: 0x1000)
    }

    private init(path: String, in directory: Int32, flags: Int32) throws(SyscallError) {
        var status = swiftpod_status()
        // AT_EMPTY_PATH and AT_NO_AUTOMOUNT as numbers: Swift sees libc without the extensions.
        try check("statx", path) { swiftpod_statx(directory, path, flags | 0x800, &status) }
        inode = status.inode
        size = status.size
        blocks = status.blocks
        mountID = status.mount
        modified = FileTime(seconds: status.seconds, nanoseconds: status.nanoseconds)
        mode = status.mode
        uid = status.uid
        gid = status.gid
        links = status.links
        device = DeviceNumber(major: status.device_major, minor: status.device_minor)
        special = DeviceNumber(major: status.special_major, minor: status.special_minor)
    }

    /// As the initialiser, but nil for a path that does not exist.
    public static func ifPresent(
        _ path: String, in directory: Int32 = AT_FDCWD, following: Bool = false
    ) throws(SyscallError) -> FileStatus? {
        do {
            return try FileStatus(path, in: directory, following: following)
        } catch  where error.errno == ENOENT || error.errno == ENOTDIR {
            return nil
        }
    }
}

/// A point in time as file systems keep it.
public struct FileTime: Equatable, Hashable, Comparable, Sendable {
    /// Since 1970-01-01T00:00:00Z.
    public var seconds: Int64
    public var nanoseconds: UInt32

    public init(seconds: Int64, nanoseconds: UInt32 = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    public static func < (a: FileTime, b: FileTime) -> Bool {
        (a.seconds, a.nanoseconds) < (b.seconds, b.nanoseconds)
    }
}

public struct DeviceNumber: Equatable, Hashable, Sendable {
    public var major: UInt32
    public var minor: UInt32

    public init(major: UInt32, minor: UInt32) {
        self.major = major
        self.minor = minor
    }

    /// As mknod(2) takes it.
    public var packed: UInt64 {
        let major = UInt64(self.major)
        let minor = UInt64(self.minor)
        return (major & 0xfff) << 8 | (minor & 0xff) | (minor & ~0xff) << 12 | (major & ~0xfff) << 32
    }
}

public enum FileKind: Equatable, Sendable {
    case regular, directory, symlink, characterDevice, blockDevice, fifo, socket
    /// No type is known, or one that is not in POSIX.
    case other

    /// From the type bits of `st_mode`.
    public init(mode: UInt32) {
        switch mode & 0o170000 {
        case 0o100000: self = .regular
        case 0o040000: self = .directory
        case 0o120000: self = .symlink
        case 0o020000: self = .characterDevice
        case 0o060000: self = .blockDevice
        case 0o010000: self = .fifo
        case 0o140000: self = .socket
        default: self = .other
        }
    }
}
