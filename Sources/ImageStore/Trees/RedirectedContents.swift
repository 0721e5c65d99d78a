import CShims
import Glibc
import LinuxKernel

/// Regular files as empty ones that overlay takes the content of from the objects.
struct RedirectedContents: ContentSource {
    private let objects: Int32
    private var redirects: [ObjectID: [UInt8]] = [:]

    /// - Parameter objects: The directory of objects, open for as long as this value is used.
    init(objects: Int32) {
        self.objects = objects
    }

    mutating func make(
        _ name: [CChar], in directory: Int32, _ file: FileToMake, owner: (uid: UInt32, gid: UInt32)
    ) throws {
        let made = try create(name, in: directory, file.metadata)
        if let id = file.object {
            let redirect = try redirect(to: id)
            // The size is the content's, the blocks are none.
            try check("ftruncate", "") { ftruncate(made.raw, off_t(file.size)) }
            try check("setxattr", Redirect.marker) { swiftpod_setxattr(made.raw, Redirect.marker, "", 0) }
            try check("setxattr", Redirect.attribute) {
                swiftpod_setxattr(made.raw, Redirect.attribute, redirect, redirect.count)
            }
        }
        try describe(made.raw, file.metadata, createdBy: owner)
    }

    /// The object's path by its short name, which leaves both attributes room in an ext4 inode of 256 bytes. With the
    /// full name they take a block of their own: measured for 15 000 files, 60 MB and 1.2 s against no block and 0.7 s.
    ///
    /// Two contents may have one short name, if somebody has spent 2^64 hashes to find them.
    private mutating func redirect(to id: ObjectID) throws -> [UInt8] {
        if let known = redirects[id] { return known }
        let path = id.path
        var short = id.shortPath
        let full = try inode(path)
        // Objects have their short name from the start, but for those that were killed or full of links.
        if let inode = try? inode(short) {
            if inode != full { short = path }
        } else if linkat(objects, path, objects, short, 0) != 0 {
            guard errno == EEXIST || errno == EMLINK else { throw SyscallError("link", "object") }
            if try errno == EMLINK || inode(short) != full { short = path }
        }
        let redirect = [UInt8(ascii: "/")] + short.dropLast().map { UInt8(bitPattern: $0) }
        redirects[id] = redirect
        return redirect
    }

    private func inode(_ path: [CChar]) throws(SyscallError) -> UInt64 {
        var status = swiftpod_status()
        try check("stat", "object") { swiftpod_statx(objects, path, 0, &status) }
        return status.inode
    }
}
