import CShims
import Glibc

/// An advisory lock (flock(2)) on a file of its own, held as long as this value lives; a kill releases it.
public struct FileLock: ~Copyable, Sendable {
    private let file: OwnedDescriptor

    public enum Mode: Sendable {
        case shared, exclusive
    }

    deinit {
        // A process that another thread is forking just now has a copy of the descriptor, and so has the lock until
        // it executes something else.
        flock(file.raw, LOCK_UN)
    }

    /// Waits for the lock; the file is made where it is missing.
    public init(
        _ path: String, in directory: Int32 = AT_FDCWD, mode: Mode = .exclusive
    ) throws(SyscallError) {
        let file = try FileLock.openFile(path, in: directory)
        try check("flock", path) { flock(file.raw, mode == .shared ? LOCK_SH : LOCK_EX) }
        self.file = file
    }

    private init(adopting file: consuming OwnedDescriptor) {
        self.file = file
    }

    /// The lock if it is free, nil if somebody holds it.
    public static func ifFree(
        _ path: String, in directory: Int32 = AT_FDCWD, mode: Mode = .exclusive
    ) throws(SyscallError) -> FileLock? {
        let file = try openFile(path, in: directory)
        do throws(SyscallError) {
            try check("flock", path) { flock(file.raw, (mode == .shared ? LOCK_SH : LOCK_EX) | LOCK_NB) }
        } catch  where error.errno == EWOULDBLOCK {
            return nil
        }
        return FileLock(adopting: file)
    }

    /// The locked file's descriptor.
    public var descriptor: Int32 { file.raw }

    private static func openFile(_ path: String, in directory: Int32) throws(SyscallError) -> OwnedDescriptor {
        OwnedDescriptor(
            adopting: try check("open", path) { swiftpod_openat(directory, path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600) })
    }
}
