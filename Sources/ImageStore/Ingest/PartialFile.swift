import CShims
import Glibc
import LinuxKernel
import OCISpec

/// A blob on its way into the store: a file that one process at a time may write, and that outlives a kill so that the
/// next one goes on where it ended.
final class PartialFile {
    let file: OwnedDescriptor
    let path: String

    private init(file: consuming OwnedDescriptor, path: String) {
        self.file = file
        self.path = path
    }

    deinit {
        // See FileLock: closing is not enough while another thread forks.
        flock(file.raw, LOCK_UN)
    }

    /// The part of a blob of that digest, locked.
    ///
    /// - Returns: nil where another process has it and we do not want to wait.
    static func open(_ digest: Digest, in layout: Layout, wait: Bool) throws(SyscallError) -> PartialFile? {
        let path = layout.partial(digest)
        while true {
            let file = try OwnedDescriptor.open(path, O_RDWR | O_CREAT, mode: 0o644)
            do throws(SyscallError) {
                try check("flock", path) { flock(file.raw, wait ? LOCK_EX : LOCK_EX | LOCK_NB) }
            } catch  where error.errno == EWOULDBLOCK {
                return nil
            }
            // Whoever had it may have given it its final name, or removed it, while we waited.
            if let status = try FileStatus.ifPresent(path),
                status.inode == (try FileStatus(descriptor: file.raw)).inode
            {
                return PartialFile(file: file, path: path)
            }
        }
    }

    /// A part of something whose digest is not known yet.
    static func anonymous(in layout: Layout) throws(SyscallError) -> PartialFile {
        let path = File.temporaryName(beside: layout.temporary + "/blob")
        let file = try OwnedDescriptor.open(path, O_RDWR | O_CREAT | O_EXCL, mode: 0o644)
        return PartialFile(file: file, path: path)
    }

    func size() throws(SyscallError) -> Int64 { Int64(try FileStatus(descriptor: file.raw).size) }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(SyscallError) {
        var done = 0
        while done < bytes.count {
            done += try check("write", "blob") {
                pwrite(file.raw, bytes.baseAddress! + done, bytes.count - done, off_t(offset) + off_t(done))
            }
        }
    }

    /// Reads from the beginning up to `end`.
    func read(upTo end: Int64, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        try readDescriptor(file.raw, from: 0, upTo: end, body)
    }

    func truncate() throws(SyscallError) {
        try check("ftruncate", "blob") { ftruncate(file.raw, 0) }
    }

    func remove() {
        unlink(path)
    }

    func publish(as final: String) throws(SyscallError) {
        try check("rename", final) { rename(path, final) }
    }
}

/// Reads a part of a file in pieces. Ends early where the file does.
func readDescriptor(
    _ descriptor: Int32, from start: Int64, upTo end: Int64, _ body: (UnsafeRawBufferPointer) throws -> Void
) throws {
    let size = 1 << 20
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 4096)
    defer { buffer.deallocate() }
    var at = start
    while at < end {
        let count = try check("read") { pread(descriptor, buffer, min(size, Int(end - at)), off_t(at)) }
        if count == 0 { return }
        try body(UnsafeRawBufferPointer(start: buffer, count: count))
        at += Int64(count)
    }
}
