import CShims
import Glibc
import LinuxKernel

/// Regular files with their content, for kernels without data-only layers in user namespaces: hard links where a file
/// of the same content and metadata is in the store, else reflinks, else copies.
struct WholeContents: ContentSource {
    /// Files are linked to others of the tree and of the store, and so are directories made in `linked`.
    let makesFilesApart = false
    private let objects: Int32
    /// Files by content *and* metadata: other trees' files, one name each.
    private let linked: Int32
    /// What this tree has used: two files of an image must not become one because they are alike.
    private var used: Set<ObjectID> = []
    private var usedObjects: Set<ObjectID> = []

    /// - Parameters: The directories, open for as long as this value is used.
    init(objects: Int32, linked: Int32) {
        self.objects = objects
        self.linked = linked
    }

    mutating func make(
        _ name: [CChar], in directory: Int32, _ file: FileToMake, owner: (uid: UInt32, gid: UInt32)?
    ) throws {
        guard let id = file.object else {
            let made = try create(name, in: directory, file.metadata)
            return try describe(made.raw, file.metadata, createdBy: owner)
        }
        if !usedObjects.contains(id), isWhatIsWanted(id, file.metadata), link(objects, id, to: name, in: directory) {
            usedObjects.insert(id)
            return
        }
        let key = WholeContents.key(id, file.metadata)
        let isFirst = used.insert(key).inserted
        if isFirst, link(linked, key, to: name, in: directory) { return }
        let made = try create(name, in: directory, file.metadata)
        try copy(id, to: made.raw, size: file.size)
        try describe(made.raw, file.metadata, createdBy: owner)
        if isFirst { try keep(name, in: directory, as: key) }
    }

    /// What an inode has in common for all its names.
    private static func key(_ id: ObjectID, _ metadata: FileMetadata) -> ObjectID {
        var writer = BinaryWriter()
        writer.put(id)
        writer.put(metadata)
        let hash = SHA256()
        writer.bytes.withUnsafeBytes { hash.update($0) }
        return hash.finish()
    }

    /// Objects belong to the store's owner, have mode 0644 and the time of the file that they came from.
    private func isWhatIsWanted(_ id: ObjectID, _ metadata: FileMetadata) -> Bool {
        guard metadata.mode == 0o644, metadata.attributes.isEmpty else { return false }
        var status = swiftpod_status()
        guard swiftpod_statx(objects, id.path, 0, &status) == 0 else { return false }
        return status.uid == metadata.uid && status.gid == metadata.gid && status.mode & 0o7777 == 0o644
            && status.seconds == metadata.modified.seconds && status.nanoseconds == metadata.modified.nanoseconds
    }

    /// False where there is no such file, or it has as many names as the file system allows.
    private func link(_ from: Int32, _ id: ObjectID, to name: [CChar], in directory: Int32) -> Bool {
        linkat(from, id.path, directory, name, 0) == 0
    }

    private func keep(_ name: [CChar], in directory: Int32, as key: ObjectID) throws {
        let path = key.path
        if linkat(directory, name, linked, path, 0) == 0 || errno == EEXIST || errno == EMLINK { return }
        guard errno == ENOENT else { throw SyscallError("link", "linked file") }
        let parent = Array(path.prefix(2)) + [0]
        if mkdirat(linked, parent, 0o755) != 0, errno != EEXIST { throw SyscallError("mkdir", "linked files") }
        if linkat(directory, name, linked, path, 0) != 0, errno != EEXIST { throw SyscallError("link", "linked file") }
    }

    private func copy(_ id: ObjectID, to target: Int32, size: Int64) throws {
        let source = OwnedDescriptor(
            adopting: try check("open", "object") {
                swiftpod_openat(objects, id.path, O_RDONLY | O_CLOEXEC, 0)
            })
        // FICLONE, _IOW(0x94, 9, int), on btrfs, XFS and the like.
        let clone: UInt = 0x4004_9409
        if swiftpod_ioctl(target, clone, UnsafeMutableRawPointer(bitPattern: Int(source.raw))) == 0 { return }
        try check("ftruncate", "") { ftruncate(target, off_t(size)) }
        // Holes stay holes.
        var at: Int64 = 0
        while at < size {
            let data = swiftpod_seek_data(source.raw, at)
            if data < 0 { break }
            let hole = try check("lseek", "object") { swiftpod_seek_hole(source.raw, data) }
            try check("lseek", "object") { lseek(source.raw, off_t(data), SEEK_SET) }
            try check("lseek", "") { lseek(target, off_t(data), SEEK_SET) }
            var left = Int(hole - data)
            while left > 0 {
                let count = try check("copy_file_range", "object") {
                    swiftpod_copy_file_range(source.raw, target, left)
                }
                guard count > 0 else { throw StoreError(.corrupt, "object is cut short") }
                left -= count
            }
            at = hole
        }
    }
}
