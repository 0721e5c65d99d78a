import CShims
import Glibc
import LinuxKernel

/// The two names of each object, in the directory of objects.
struct ObjectNames {
    /// Open for as long as this value is used.
    let directory: Int32

    /// Gives the object its short name, where it has none. False where that name is another object's: two contents may have
    /// one, if somebody has spent 2^64 hashes to find them.
    ///
    /// - Throws: with ENOENT, when there is no such object.
    func giveShort(_ id: ObjectID) throws(SyscallError) -> Bool {
        if linkat(directory, id.path, directory, id.shortPath, 0) == 0 { return true }
        // The file may also have as many names as a file can have.
        guard errno == EEXIST || errno == EMLINK else { throw SyscallError("link", "object") }
        return try shortFits(id) ?? false
    }

    /// Whether the short name is the object's; nil where there is none.
    func shortFits(_ id: ObjectID) throws(SyscallError) -> Bool? {
        let full = try inode(id.path)
        do throws(SyscallError) {
            return try inode(id.shortPath) == full
        } catch {
            if error.errno == ENOENT { return nil }
            throw error
        }
    }

    private func inode(_ path: [CChar]) throws(SyscallError) -> UInt64 {
        var status = swiftpod_status()
        try check("stat", "object") { swiftpod_statx(directory, path, 0, &status) }
        return status.inode
    }
}
