import CShims
import Glibc
import LinuxKernel
import OCISpec

/// Makes what stands in a directory, one directory after the other, on one thread.
struct DirectoryFiller {
    private let builder: TreeBuilder
    private let tree: FileTree
    private var contents: any ContentSource
    private var owner: NewFileOwner

    init(_ builder: TreeBuilder, _ contents: any ContentSource) {
        self.builder = builder
        self.contents = contents
        owner = NewFileOwner(mayBecome: contents.makesFilesApart)
        tree = builder.tree
    }

    mutating func fill(_ node: Int, _ path: [UInt8]) throws {
        let directory = try path.isEmpty ? builder.root.duplicate() : openDirectory(path)
        let prefix = path.isEmpty ? [] : path + [UInt8(ascii: "/")]
        for child in tree.sortedChildren(of: node) where !tree.isDirectory(child) {
            try make(child, prefix, in: directory.raw)
        }
        let metadata = builder.owners.host(tree.inode(of: node).metadata)
        try contents.describe(directory.raw, metadata, createdBy: nil)
    }

    private func openDirectory(_ path: [UInt8]) throws(SyscallError) -> OwnedDescriptor {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        return OwnedDescriptor(
            adopting: try check("open", "") { swiftpod_openat(builder.root.raw, path.cString, flags, 0) })
    }

    private mutating func make(_ node: Int, _ prefix: [UInt8], in directory: Int32) throws {
        let number = tree.nodes[node].inode
        let name = tree.nodes[node].name
        let first = try builder.makeOnce(number, path: prefix + name) {
            try make(tree.inodes[number], name.cString, in: directory)
        }
        if let first {
            try check("link", "") { linkat(builder.root.raw, first.cString, directory, name.cString, 0) }
        }
    }

    private mutating func make(_ inode: FileTree.Inode, _ name: [CChar], in directory: Int32) throws {
        guard case .known(let content) = inode.content else { throw BinaryReader.damaged }
        let metadata = builder.owners.host(inode.metadata)
        owner.become(uid: metadata.uid, gid: metadata.gid)
        switch content {
        case .directory: break
        case .regular(let id, let size):
            let file = FileToMake(object: id, size: size, metadata: metadata)
            try contents.make(name, in: directory, file, owner: owner.ids)
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
    private func makeDevice(
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

    /// Owner, mode, attributes and times of what is not a regular file or directory.
    private func describeName(
        _ name: [CChar], in directory: Int32, _ metadata: FileMetadata, mode: UInt32? = nil
    ) throws {
        if !owner.isOwner(metadata.uid, metadata.gid) {
            try check("chown", "") { fchownat(directory, name, metadata.uid, metadata.gid, AT_SYMLINK_NOFOLLOW) }
            if mode != nil { try check("chmod", "") { fchmodat(directory, name, metadata.mode, 0) } }
        }
        let time = metadata.modified
        try check("utimensat", "") { swiftpod_set_time(directory, name, time.seconds, Int(time.nanoseconds)) }
    }
}

/// Whose the files are that this thread makes.
///
/// Where the thread may, it makes them in their owner's name (setfsuid(2)), which saves each a chown(2), a fifteenth of a tree.
/// It keeps its capabilities in that name, and keeps the name until it ends.
struct NewFileOwner {
    /// nil where files do not come with the mode that they are made with.
    private(set) var ids: (uid: UInt32, gid: UInt32)?
    private let mayBecome: Bool

    init(mayBecome: Bool) {
        let haveModes = swiftpod_keep_modes_of_files() == 0
        ids = haveModes ? (geteuid(), getegid()) : nil
        self.mayBecome = mayBecome && haveModes && swiftpod_keep_capabilities_of_files() == 0
    }

    mutating func become(uid: UInt32, gid: UInt32) {
        guard mayBecome, !isOwner(uid, gid) else { return }
        ids = swiftpod_make_files_as(uid, gid) == 0 ? (uid, gid) : (geteuid(), getegid())
    }

    func isOwner(_ uid: UInt32, _ gid: UInt32) -> Bool { ids.map { $0 == (uid, gid) } ?? false }
}
