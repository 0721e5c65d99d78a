import CShims
import Glibc

/// Mounts that are attached to nothing, open_tree(2).
package enum DetachedMount {
    /// A copy of the mount on `path` in the mount namespace of a process. The caller, who must have a single thread's
    /// descriptors and privileges over that namespace's owner, stays where it is.
    package static func copy(of path: String, in pid: Int32) throws(SyscallError) -> OwnedDescriptor {
        let namespace = try OwnedDescriptor.open("/proc/\(pid)/ns/mnt")
        let descriptor = swiftpod_take_tree_of(namespace.raw, path)
        guard descriptor >= 0 else { throw SyscallError("open_tree", path) }
        return OwnedDescriptor(adopting: descriptor)
    }
}
