import CShims
import Glibc

extension Directory {
    /// Removes a file or a whole tree; one that does not exist is no error.
    ///
    /// Symbolic links are removed, not followed, and mounts are not entered (EXDEV). Depth is no limit: what lies deep
    /// is moved up first, so that neither descriptors nor stack run out.
    public static func removeTree(_ name: String, in directory: Int32 = AT_FDCWD) throws(SyscallError) {
        if unlinkat(directory, name, 0) == 0 || errno == ENOENT { return }
        guard errno == EISDIR || errno == EPERM || errno == EACCES else { throw SyscallError("unlink", name) }
        let top: OwnedDescriptor
        do {
            top = try openForRemoval(name, in: directory, label: name)
        } catch  where error.errno == ENOENT {
            return
        }
        var remover = TreeRemover(top: top.raw, label: name)
        try remover.empty(top.raw, depth: 0)
        if unlinkat(directory, name, AT_REMOVEDIR) != 0, errno != ENOENT { throw SyscallError("rmdir", name) }
    }

    fileprivate static func openForRemoval(
        _ name: UnsafePointer<CChar>, in directory: Int32, label: String
    ) throws(SyscallError) -> OwnedDescriptor {
        let flags = UInt64(UInt32(bitPattern: O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC))
        let unrestricted = directory == AT_FDCWD || label.utf8.contains(UInt8(ascii: "/"))
        let resolution: PathResolution = unrestricted ? [] : [.noCrossing]
        do throws(SyscallError) {
            return OwnedDescriptor(
                adopting: try check("open", label) {
                    swiftpod_openat2(directory, name, flags, 0, resolution.rawValue)
                })
        } catch  where error.errno == EACCES {
            // An owner without the right to read his own directory; images have such.
            try check("chmod", label) { fchmodat(directory, name, 0o700, 0) }
            return OwnedDescriptor(
                adopting: try check("open", label) {
                    swiftpod_openat2(directory, name, flags, 0, resolution.rawValue)
                })
        }
    }

    private struct TreeRemover {
        let top: Int32
        let label: String
        var moved = 0

        mutating func empty(_ directory: Int32, depth: Int) throws(SyscallError) {
            while true {
                let entries = try Directory.entries(of: directory)
                for entry in entries { try remove(entry, from: directory, depth: depth) }
                // Directories that were moved up, or names that came while we listed, are found by looking again.
                if entries.isEmpty || (depth > 0 && moved == 0) { return }
            }
        }

        private mutating func remove(_ entry: DirectoryEntry, from directory: Int32, depth: Int) throws(SyscallError) {
            let subject = "\(label)/…/\(entry.name)"
            if entry.kind != .directory {
                if unlinkat(directory, entry.bytes, 0) == 0 || errno == ENOENT { return }
                if errno == EACCES {
                    fchmod(directory, 0o700)
                    if unlinkat(directory, entry.bytes, 0) == 0 { return }
                }
                guard errno == EISDIR else { throw SyscallError("unlink", subject) }
            }
            if unlinkat(directory, entry.bytes, AT_REMOVEDIR) == 0 || errno == ENOENT { return }
            if errno == EACCES {
                fchmod(directory, 0o700)
                if unlinkat(directory, entry.bytes, AT_REMOVEDIR) == 0 { return }
            }
            guard errno == ENOTEMPTY || errno == EEXIST || errno == EACCES else { throw SyscallError("rmdir", subject) }
            if depth >= 100 {
                moved += 1
                let name = ".swiftpod-moved-\(moved)-\(entry.inode)"
                if renameat(directory, entry.bytes, top, name) == 0 { return }
            }
            let child = try Directory.openForRemoval(entry.bytes, in: directory, label: "…")
            try empty(child.raw, depth: depth + 1)
            if unlinkat(directory, entry.bytes, AT_REMOVEDIR) != 0, errno != ENOENT {
                throw SyscallError("rmdir", subject)
            }
        }
    }
}
