import Glibc
import LinuxKernel

/// The flags of the mount that a path of the host lies on.
package struct HostMount: Equatable, Sendable {
    package var nosuid: Bool
    package var nodev: Bool
    package var noexec: Bool

    package init(nosuid: Bool = false, nodev: Bool = false, noexec: Bool = false) {
        self.nosuid = nosuid
        self.nodev = nodev
        self.noexec = noexec
    }

    /// - Throws: `.notFound` in podman's words, `statfs PATH: no such file or directory`.
    package init(of path: String) throws(EngineError) {
        var answer = statvfs()
        while statvfs(path, &answer) != 0 {
            let code = errno
            if code == EINTR { continue }
            let error = SyscallError("statfs", path, errno: code)
            throw EngineError(code == ENOENT || code == ENOTDIR ? .notFound : .permission, "\(error)", cause: error)
        }
        // As numbers: Swift sees libc without the extensions that name all three.
        let flags = answer.f_flag
        self.init(nosuid: flags & 2 != 0, nodev: flags & 4 != 0, noexec: flags & 8 != 0)
    }
}
