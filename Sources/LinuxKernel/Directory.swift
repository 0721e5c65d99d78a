import CShims
import Glibc

/// One name in a directory.
public struct DirectoryEntry: Equatable, Sendable {
    /// The name as the file system has it, with a terminating zero; it need not be UTF-8.
    public var bytes: [CChar]
    /// `.other` where the file system does not say.
    public var kind: FileKind
    public var inode: UInt64

    /// The name, with what is not UTF-8 repaired.
    public var name: String { bytes.withUnsafeBufferPointer { String(cString: $0.baseAddress!) } }
}

/// Directories: listed, made, removed.
public enum Directory {
    /// The names in an open directory (not O_PATH), without `.` and `..`, in the file system's order.
    ///
    /// - Parameter count: no more is read once there are so many, and what was read by then is given.
    public static func entries(of directory: Int32, count: Int = .max) throws(SyscallError) -> [DirectoryEntry] {
        var entries: [DirectoryEntry] = []
        try check("lseek", "directory") { lseek(directory, 0, SEEK_SET) }
        // Most directories are small, and a large buffer is memory that the kernel has to give and take back.
        var size = 2 << 10
        var buffer = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 8)
        defer { buffer.deallocate() }
        while true {
            let got = try check("getdents64") { swiftpod_getdents(directory, buffer, size) }
            if got == 0 { return entries }
            var at = 0
            while at < got {
                // struct linux_dirent64: inode 8, offset 8, record length 2, type 1, name.
                let record = buffer + at
                let name = (record + 19).assumingMemoryBound(to: CChar.self)
                let length = strlen(name)
                if !(name[0] == 0x2e && (length == 1 || (length == 2 && name[1] == 0x2e))) {
                    entries.append(
                        DirectoryEntry(
                            bytes: Array(UnsafeBufferPointer(start: name, count: length + 1)),
                            kind: FileKind(mode: UInt32(record.load(fromByteOffset: 18, as: UInt8.self)) << 12),
                            inode: record.load(as: UInt64.self)))
                }
                at += Int(record.load(fromByteOffset: 16, as: UInt16.self))
            }
            if entries.count >= count { return entries }
            if count == .max, size < 32 << 10, got > size / 2 {
                buffer.deallocate()
                size = 32 << 10
                buffer = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 8)
            }
        }
    }

    /// The names in a directory; none where it does not exist.
    public static func entries(
        at path: String, in directory: Int32 = AT_FDCWD, count: Int = .max
    ) throws(SyscallError) -> [DirectoryEntry] {
        do {
            let opened = OwnedDescriptor(
                adopting: try check("open", path) {
                    swiftpod_openat(directory, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
                })
            return try entries(of: opened.raw, count: count)
        } catch  where error.errno == ENOENT {
            return []
        }
    }

    /// Makes a directory and whatever is missing above it. One that exists is left as it is.
    public static func create(_ path: String, mode: mode_t = 0o755) throws(SyscallError) {
        if mkdir(path, mode) == 0 { return }
        let code = errno
        if code == EEXIST {
            guard try FileStatus(path, following: true).kind == .directory else {
                throw SyscallError("mkdir", path, errno: ENOTDIR)
            }
            return
        }
        guard code == ENOENT, let cut = path.utf8.lastIndex(of: UInt8(ascii: "/")), cut > path.startIndex else {
            throw SyscallError("mkdir", path, errno: code)
        }
        try create(String(path[..<cut]), mode: mode)
        if mkdir(path, mode) != 0, errno != EEXIST { throw SyscallError("mkdir", path) }
    }

    /// Puts the names of the directory that holds `path` on disk.
    public static func sync(parentOf path: String, in directory: Int32 = AT_FDCWD) throws(SyscallError) {
        let cut = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        let parent = cut.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let opened = OwnedDescriptor(
            adopting: try check("open", parent) {
                swiftpod_openat(directory, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
            })
        try check("fsync", parent) { fsync(opened.raw) }
    }
}
