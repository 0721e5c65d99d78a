import CShims
import Glibc

/// Whole files, read and replaced.
public enum File {
    /// The content of a file. More than `limit` bytes is EFBIG.
    public static func read(
        _ path: String, in directory: Int32 = AT_FDCWD, limit: Int = 1 << 26
    ) throws(SyscallError) -> [UInt8] {
        let file = OwnedDescriptor(
            adopting: try check("open", path) { swiftpod_openat(directory, path, O_RDONLY | O_CLOEXEC, 0) })
        do {
            return try file.readAll(limit: limit)
        } catch {
            throw SyscallError(error.call, path, errno: error.errno)
        }
    }

    /// As `read`, but nil for a file that does not exist.
    public static func readIfPresent(
        _ path: String, in directory: Int32 = AT_FDCWD, limit: Int = 1 << 26
    ) throws(SyscallError) -> [UInt8]? {
        do {
            return try read(path, in: directory, limit: limit)
        } catch  where error.errno == ENOENT || error.errno == ENOTDIR {
            return nil
        }
    }

    /// As many bytes of a file as one read(2) gives, at most so many.
    public static func beginning(
        of path: String, in directory: Int32 = AT_FDCWD, count: Int
    ) throws(SyscallError) -> [UInt8] {
        let file = OwnedDescriptor(
            adopting: try check("open", path) { swiftpod_openat(directory, path, O_RDONLY | O_CLOEXEC, 0) })
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            let got = Glibc.read(file.raw, buffer.baseAddress!, count)
            if got < 0 { failure = errno }
            filled = max(0, got)
        }
        if failure != 0 { throw SyscallError("read", path, errno: failure) }
        return bytes
    }

    /// Writes into a file that is there, as the kernel's files under /proc and /sys want it: one write(2), no creation.
    public static func put(
        _ bytes: [UInt8], into path: String, in directory: Int32 = AT_FDCWD
    ) throws(SyscallError) {
        let file = OwnedDescriptor(
            adopting: try check("open", path) { swiftpod_openat(directory, path, O_WRONLY | O_CLOEXEC, 0) })
        do {
            try file.writeAll(bytes)
        } catch {
            throw SyscallError(error.call, path, errno: error.errno)
        }
    }

    /// As the one above, for what is no array.
    public static func put(
        _ bytes: some Collection<UInt8>, into path: String, in directory: Int32 = AT_FDCWD
    ) throws(SyscallError) {
        try put(Array(bytes), into: path, in: directory)
    }

    /// openat(2) for a descriptor that is passed on by number; the caller closes it.
    public static func openRaw(
        _ path: String, in directory: Int32 = AT_FDCWD, _ flags: Int32, mode: mode_t
    ) throws(SyscallError) -> Int32 {
        try check("open", path) { swiftpod_openat(directory, path, flags | O_CLOEXEC, mode) }
    }

    /// Replaces a file by rename(2): readers see the old content or the new, never half of it.
    ///
    /// With `sync` the content is on disk before the name is; without it a power cut (not a kill) may lose it.
    public static func writeAtomically(
        _ bytes: [UInt8], to path: String, in directory: Int32 = AT_FDCWD, mode: mode_t = 0o644,
        sync: Bool = false
    ) throws(SyscallError) {
        let temporary = temporaryName(beside: path)
        do throws(SyscallError) {
            let file = OwnedDescriptor(
                adopting: try check("open", temporary) {
                    swiftpod_openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
                })
            try file.writeAll(bytes)
            if sync { try check("fsync", temporary) { fsync(file.raw) } }
            try check("rename", path) { renameat(directory, temporary, directory, path) }
        } catch {
            unlinkat(directory, temporary, 0)
            throw SyscallError(error.call, path, errno: error.errno)
        }
        if sync { try Directory.sync(parentOf: path, in: directory) }
    }

    /// As the one above, for what is no array.
    public static func writeAtomically(
        _ bytes: some Collection<UInt8>, to path: String, in directory: Int32 = AT_FDCWD, mode: mode_t = 0o644,
        sync: Bool = false
    ) throws(SyscallError) {
        try writeAtomically(Array(bytes), to: path, in: directory, mode: mode, sync: sync)
    }

    /// A name in the same directory that nobody else uses: `.NAME.RANDOM.tmp`.
    public static func temporaryName(beside path: String) -> String {
        let cut = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { path.utf8.index(after: $0) } ?? path.startIndex
        var random: UInt64 = 0
        withUnsafeMutableBytes(of: &random) { swiftpod_random($0.baseAddress!, $0.count) }
        return "\(path[..<cut]).\(path[cut...]).\(String(random, radix: 36)).tmp"
    }
}
