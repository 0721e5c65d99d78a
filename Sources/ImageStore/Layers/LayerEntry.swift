import LinuxKernel

/// What belongs to an inode and not to a name.
struct FileMetadata: Equatable, Hashable {
    /// The twelve permission bits.
    var mode: UInt32
    var uid: UInt32
    var gid: UInt32
    var modified: FileTime
    var attributes: [ExtendedAttribute] = []

    /// Of directories that no layer mentions although there is something in them.
    static let implicitDirectory = FileMetadata(mode: 0o755, uid: 0, gid: 0, modified: FileTime(seconds: 0))
}

enum FileContent: Equatable {
    case directory
    /// An empty file has no object.
    case regular(ObjectID?, size: Int64)
    case symlink([UInt8])
    case characterDevice(DeviceNumber)
    case blockDevice(DeviceNumber)
    case fifo
}

/// One line of a layer index: what the layer says about one path. Paths are clean: no empty, `.` or `..` component, no
/// slash at either end; the root's is empty. They lead through directories only.
struct LayerEntry: Equatable {
    enum Kind: Equatable {
        case file(FileMetadata, FileContent)
        /// A directory that the layer needs but does not describe.
        case implicitDirectory
        /// Another name of a file: one of this layer, or of one below where this layer has none of that path.
        case hardLink(to: [UInt8])
        /// What layers below have here is gone.
        case whiteout
        /// What layers below have inside is gone.
        case opaque
    }

    var path: [UInt8]
    var kind: Kind

    init(_ path: [UInt8], _ kind: Kind) {
        self.path = path
        self.kind = kind
    }
}
