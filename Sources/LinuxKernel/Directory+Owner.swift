import CShims
import Glibc

extension Directory {
    /// Gives a file or a whole tree to a user and group; symbolic links themselves, other mounts left as they are.
    public static func changeOwner(of path: String, uid: UInt32, gid: UInt32) throws(SyscallError) {
        let status = try FileStatus(path)
        try check("lchown", path) { lchown(path, uid, gid) }
        guard status.kind == .directory else { return }
        let directory = try OwnedDescriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        try changeOwner(below: directory.raw, of: status.mountID, uid: uid, gid: gid)
    }

    private static func changeOwner(
        below directory: Int32, of mount: UInt64, uid: UInt32, gid: UInt32
    ) throws(SyscallError) {
        for entry in try entries(of: directory) {
            let status = try FileStatus(entry.name, in: directory)
            guard status.mountID == mount else { continue }
            try check("fchownat", entry.name) { fchownat(directory, entry.bytes, uid, gid, AT_SYMLINK_NOFOLLOW) }
            if status.kind == .directory {
                let inner = OwnedDescriptor(
                    adopting: try check("openat", entry.name) {
                        swiftpod_openat(directory, entry.bytes, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0)
                    })
                try changeOwner(below: inner.raw, of: mount, uid: uid, gid: gid)
            }
        }
    }
}
