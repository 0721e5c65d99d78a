import CShims
import Glibc

/// How openat2(2) may walk a path.
public struct PathResolution: OptionSet, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Mount points are not crossed.
    public static let noCrossing = PathResolution(rawValue: 0x01)
    /// Links such as /proc/self/exe are refused.
    public static let noMagicLinks = PathResolution(rawValue: 0x02)
    /// Symbolic links are refused in every component.
    public static let noSymlinks = PathResolution(rawValue: 0x04)
    /// A path that leaves the directory is refused.
    public static let beneath = PathResolution(rawValue: 0x08)
    /// The directory is the root for absolute paths, symbolic links and `..`.
    public static let inRoot = PathResolution(rawValue: 0x10)
}

extension OwnedDescriptor {
    /// open(2), close-on-exec. `flags` are O_* bits; `mode` applies to what O_CREAT makes.
    public static func open(
        _ path: String, _ flags: Int32 = O_RDONLY, mode: mode_t = 0
    ) throws(SyscallError) -> OwnedDescriptor {
        OwnedDescriptor(adopting: try check("open", path) { swiftpod_openat(AT_FDCWD, path, flags | O_CLOEXEC, mode) })
    }

    /// openat(2) relative to this directory, close-on-exec.
    public func open(
        _ path: String, _ flags: Int32 = O_RDONLY, mode: mode_t = 0
    ) throws(SyscallError) -> OwnedDescriptor {
        OwnedDescriptor(adopting: try check("openat", path) { swiftpod_openat(raw, path, flags | O_CLOEXEC, mode) })
    }

    /// openat2(2) relative to this directory, close-on-exec.
    public func open(
        _ path: String, _ flags: Int32, mode: mode_t = 0, resolving resolution: PathResolution
    ) throws(SyscallError) -> OwnedDescriptor {
        // EAGAIN: something in the path was renamed while the kernel made sure that it stays in the root.
        for _ in 0..<128 {
            do {
                return OwnedDescriptor(
                    adopting: try check("openat2", path) {
                        swiftpod_openat2(
                            raw, path, UInt64(UInt32(bitPattern: flags | O_CLOEXEC)), UInt64(mode), resolution.rawValue)
                    })
            } catch  where error.errno == EAGAIN {
                continue
            }
        }
        throw SyscallError("openat2", path, errno: EAGAIN)
    }

    /// Opens a path as if this directory were the root: neither `..` nor symbolic links lead out of it.
    public func openInRoot(
        _ path: String, _ flags: Int32 = O_RDONLY, mode: mode_t = 0
    ) throws(SyscallError) -> OwnedDescriptor {
        try open(path, flags, mode: mode, resolving: [.inRoot, .noMagicLinks])
    }

    /// Opens a path that must not leave this directory; one that would is EXDEV.
    public func openBeneath(
        _ path: String, _ flags: Int32 = O_RDONLY, mode: mode_t = 0
    ) throws(SyscallError) -> OwnedDescriptor {
        try open(path, flags, mode: mode, resolving: [.beneath, .noMagicLinks])
    }

    /// A further descriptor of the same open file, close-on-exec.
    public func duplicate() throws(SyscallError) -> OwnedDescriptor {
        OwnedDescriptor(adopting: try check("fcntl", "F_DUPFD_CLOEXEC") { swiftpod_fcntl(raw, F_DUPFD_CLOEXEC, 3) })
    }

    /// The path under which any process-local call reaches this very file.
    public var procPath: String { "/proc/self/fd/\(raw)" }

    /// pipe2(2), close-on-exec.
    public static func pipe() throws(SyscallError) -> Pipe {
        var ends: (Int32, Int32) = (-1, -1)
        try check("pipe2") {
            withUnsafeMutableBytes(of: &ends) { swiftpod_pipe($0.bindMemory(to: Int32.self).baseAddress!) }
        }
        return Pipe(reader: OwnedDescriptor(adopting: ends.0), writer: OwnedDescriptor(adopting: ends.1))
    }

    /// socketpair(2) of the local family; `type` is SOCK_STREAM, SOCK_SEQPACKET or SOCK_DGRAM as a number.
    public static func socketPair(type: Int32 = 1) throws(SyscallError) -> SocketPair {
        var ends: (Int32, Int32) = (-1, -1)
        let closeOnExec: Int32 = 0o2000000
        try check("socketpair") {
            withUnsafeMutableBytes(of: &ends) {
                socketpair(AF_UNIX, type | closeOnExec, 0, $0.bindMemory(to: Int32.self).baseAddress!)
            }
        }
        return SocketPair(first: OwnedDescriptor(adopting: ends.0), second: OwnedDescriptor(adopting: ends.1))
    }

    /// An anonymous file in memory, memfd_create(2).
    public static func memoryFile(named name: String) throws(SyscallError) -> OwnedDescriptor {
        OwnedDescriptor(adopting: try check("memfd_create", name) { swiftpod_memfd_create(name) })
    }
}

/// The two ends of a pipe. Frozen so that other modules may take the ends apart.
@frozen
public struct Pipe: ~Copyable, Sendable {
    public var reader: OwnedDescriptor
    public var writer: OwnedDescriptor

    package init(reader: consuming OwnedDescriptor, writer: consuming OwnedDescriptor) {
        self.reader = reader
        self.writer = writer
    }

    /// Gives both numbers away; the caller closes them.
    public consuming func release() -> (reader: Int32, writer: Int32) {
        (reader.release(), writer.release())
    }
}

/// The two ends of a pair of connected sockets.
public struct SocketPair: ~Copyable, Sendable {
    public var first: OwnedDescriptor
    public var second: OwnedDescriptor

    package init(first: consuming OwnedDescriptor, second: consuming OwnedDescriptor) {
        self.first = first
        self.second = second
    }

    /// Gives both numbers away; the caller closes them.
    public consuming func release() -> (first: Int32, second: Int32) {
        (first.release(), second.release())
    }
}
