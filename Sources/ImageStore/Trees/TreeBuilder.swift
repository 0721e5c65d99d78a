import CShims
import Glibc
import LinuxKernel
import OCISpec

/// Makes a tree in memory real in an empty directory.
///
/// One directory is open at a time, so that depth costs no descriptors. Its own owner, mode and times are set once all
/// its names are there, and before anything is put further down: nothing changes them any more then.
struct TreeBuilder: ~Copyable {
    let tree: FileTree
    let map: IDMap
    let root: OwnedDescriptor
    var contents: any ContentSource
    private let owner: (uid: UInt32, gid: UInt32)
    /// The first name of each inode that has several, by its number.
    private var firstNames: [Int: [UInt8]] = [:]

    init(_ tree: FileTree, map: IDMap, contents: any ContentSource, into directory: String) throws {
        self.tree = tree
        self.map = map
        self.contents = contents
        root = try OwnedDescriptor.open(directory, O_RDONLY | O_DIRECTORY)
        owner = (geteuid(), getegid())
    }

    mutating func build() throws {
        let mask = umask(0)
        defer { umask(mask) }
        var pending: [(node: Int, path: [UInt8])] = [(FileTree.root, [])]
        while let (node, path) = pending.popLast() {
            do {
                let directory =
                    path.isEmpty ? try root.duplicate() : try openDirectory(path)
                let prefix = path.isEmpty ? [] : path + [UInt8(ascii: "/")]
                for child in tree.sortedChildren(of: node).reversed() {
                    let childPath = prefix + tree.nodes[child].name
                    try make(child, path: childPath, in: directory.raw)
                    if tree.isDirectory(child) { pending.append((child, childPath)) }
                }
                try contents.describe(directory.raw, host(tree.inode(of: node).metadata), createdBy: nil)
            } catch {
                throw StoreError("make \(CleanPath.shown(path)) of the image", error)
            }
        }
    }

    private func openDirectory(_ path: [UInt8]) throws(SyscallError) -> OwnedDescriptor {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        return OwnedDescriptor(adopting: try check("open", "") { swiftpod_openat(root.raw, path.cString, flags, 0) })
    }

    private mutating func make(_ node: Int, path: [UInt8], in directory: Int32) throws {
        let number = tree.nodes[node].inode
        let inode = tree.inodes[number]
        let name = tree.nodes[node].name.cString
        guard case .known(let content) = inode.content else { throw BinaryReader.damaged }
        if case .directory = content {
            try check("mkdir", "") { mkdirat(directory, name, 0o700) }
            return
        }
        if let first = firstNames[number] {
            try check("link", "") { linkat(root.raw, first.cString, directory, name, 0) }
            return
        }
        firstNames[number] = path
        let metadata = inode.metadata
        switch content {
        case .directory: break
        case .regular(let id, let size):
            let file = FileToMake(object: id, size: size, metadata: host(metadata))
            try contents.make(name, in: directory, file, owner: owner)
        case .symlink(let target):
            try check("symlink", "") { symlinkat(target.cString, directory, name) }
            try describeName(name, in: directory, metadata)
        case .fifo:
            try check("mkfifo", "") { mkfifoat(directory, name, metadata.mode) }
            try describeName(name, in: directory, metadata, mode: metadata.mode)
        case .characterDevice(let number): try makeDevice(name, in: directory, metadata, S_IFCHR, number)
        case .blockDevice(let number): try makeDevice(name, in: directory, metadata, S_IFBLK, number)
        }
    }

    /// Device nodes need the host's root; without it they are left out, and containers get those of /dev from the
    /// launcher. The one with number 0 is overlay's whiteout, which no image may bring.
    private mutating func makeDevice(
        _ name: [CChar], in directory: Int32, _ metadata: FileMetadata, _ type: mode_t, _ number: DeviceNumber
    ) throws {
        if type == S_IFCHR, number == DeviceNumber(major: 0, minor: 0) { return }
        let mode = UInt32(type) | metadata.mode
        if swiftpod_mknodat(directory, name, mode, number.major, number.minor) != 0 {
            if errno == EPERM { return }
            throw SyscallError("mknod", "")
        }
        try describeName(name, in: directory, metadata, mode: metadata.mode)
    }

    // MARK: Owners

    /// The metadata with the ids that the host has for the image's.
    ///
    /// An id that the mapping lacks becomes its root's, as podman does when told to ignore such errors: with one id
    /// only there is no other way. Such a file loses its setuid and setgid bits and its capabilities, which were given
    /// in the name of somebody else.
    private func host(_ metadata: FileMetadata) -> FileMetadata {
        var result = metadata
        let uid = map.hostUID(metadata.uid)
        let gid = map.hostGID(metadata.gid)
        result.uid = uid ?? rootUID
        result.gid = gid ?? map.hostGID(0) ?? map.gid.first?.hostID ?? 0
        if uid == nil || gid == nil {
            result.mode &= ~0o6000
            result.attributes.removeAll { $0.name == FileCapability.attribute }
        }
        for (index, attribute) in result.attributes.enumerated() where attribute.name == FileCapability.attribute {
            result.attributes[index].value = FileCapability.namespaced(attribute.value, root: rootUID)
        }
        return result
    }

    private var rootUID: UInt32 { map.hostUID(0) ?? map.uid.first?.hostID ?? 0 }

    /// Owner, mode, attributes and times of what is not a regular file or directory.
    private func describeName(
        _ name: [CChar], in directory: Int32, _ metadata: FileMetadata, mode: UInt32? = nil
    ) throws {
        let metadata = host(metadata)
        if (metadata.uid, metadata.gid) != owner {
            try check("chown", "") { fchownat(directory, name, metadata.uid, metadata.gid, AT_SYMLINK_NOFOLLOW) }
            if mode != nil { try check("chmod", "") { fchmodat(directory, name, metadata.mode, 0) } }
        }
        let time = metadata.modified
        try check("utimensat", "") { swiftpod_set_time(directory, name, time.seconds, Int(time.nanoseconds)) }
    }
}

/// A regular file that a tree needs, with the ids of the host.
struct FileToMake {
    var object: ObjectID?
    var size: Int64
    var metadata: FileMetadata
}

/// How regular files come into a tree.
protocol ContentSource {
    /// Makes the file. `owner` is who new files belong to.
    mutating func make(
        _ name: [CChar], in directory: Int32, _ file: FileToMake, owner: (uid: UInt32, gid: UInt32)) throws
}

extension ContentSource {
    /// Makes an empty file, which is the right one but for owner, attributes and time; `describe` is to follow.
    func create(_ name: [CChar], in directory: Int32, _ metadata: FileMetadata) throws(SyscallError) -> OwnedDescriptor
    {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        return OwnedDescriptor(
            adopting: try check("open", "") { swiftpod_openat(directory, name, flags, metadata.mode) })
    }

    /// Sets owner, mode, attributes and times of an open file or directory.
    ///
    /// The order matters: a change of the owner clears setuid and setgid bits and file capabilities, and so does a
    /// change of the content before that.
    /// - Parameter owner: Who made the file, with its mode; nil where neither is right yet.
    func describe(
        _ descriptor: Int32, _ metadata: FileMetadata, createdBy owner: (uid: UInt32, gid: UInt32)?
    ) throws(SyscallError) {
        if owner.map({ $0 != (metadata.uid, metadata.gid) }) ?? true {
            try check("chown", "") { fchown(descriptor, metadata.uid, metadata.gid) }
        }
        // A file may have lost them to its truncation too, where its maker has no CAP_FSETID on the host.
        if owner == nil || metadata.mode & 0o6000 != 0 {
            try check("chmod", "") { fchmod(descriptor, metadata.mode) }
        }
        for attribute in metadata.attributes {
            let result = swiftpod_setxattr(descriptor, attribute.name, attribute.value, attribute.value.count)
            // A file system without such attributes, or capabilities without the right to give them.
            if result != 0, errno != EOPNOTSUPP, errno != EPERM { throw SyscallError("setxattr", attribute.name) }
        }
        let time = metadata.modified
        try check("futimens", "") { swiftpod_set_time_of(descriptor, time.seconds, Int(time.nanoseconds)) }
    }
}

extension [UInt8] {
    /// With a terminating zero. Names from archives hold none themselves.
    var cString: [CChar] { map { CChar(bitPattern: $0) } + [0] }
}
