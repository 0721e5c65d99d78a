import LinuxKernel

/// One member of an archive, its header in whatever dialect already understood.
public struct TarEntry: Equatable, Sendable {
    public enum Kind: Equatable, Sendable {
        case regular, directory, symlink, hardLink, characterDevice, blockDevice, fifo
    }

    /// As written, not yet made safe; bytes, since names need not be UTF-8. Never with a zero byte.
    public var path: [UInt8]
    public var kind: Kind
    /// The twelve permission bits.
    public var mode: UInt32
    public var uid: UInt32
    public var gid: UInt32
    public var modified: FileTime
    /// Bytes of content, holes included. 0 for everything but regular files.
    public var size: Int64 = 0
    /// What a symbolic or hard link says, as written.
    public var target: [UInt8] = []
    public var attributes: [ExtendedAttribute] = []
    public var device = DeviceNumber(major: 0, minor: 0)
    /// Where the stored bytes belong in a sparse file; nil where the content is stored whole.
    public var segments: [Segment]?

    public init(path: [UInt8], kind: Kind, mode: UInt32 = 0o644) {
        self.path = path
        self.kind = kind
        self.mode = mode
        uid = 0
        gid = 0
        modified = FileTime(seconds: 0)
    }

    /// A run of stored bytes in a sparse file.
    public struct Segment: Equatable, Sendable {
        public var offset: Int64
        public var length: Int64
    }
}

/// One extended attribute of a file in an image.
public struct ExtendedAttribute: Equatable, Hashable, Sendable {
    public var name: String
    public var value: [UInt8]

    public init(name: String, value: [UInt8]) {
        self.name = name
        self.value = value
    }
}

/// Whoever takes what `TarReader` reads.
public protocol TarSink {
    /// A member begins; its content, if it has any, follows.
    mutating func begin(_ entry: TarEntry) throws
    /// Content that belongs at `offset` of the file. Offsets rise; what is left out is a hole.
    mutating func content(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws
    /// The member is complete.
    mutating func end() throws
}

/// How much of a stranger's archive is taken before it is refused.
public struct TarLimits: Sendable {
    /// Bytes of a path or a link's target.
    public var path = 4096
    /// Bytes of one extended header. Go's reader, and so podman and Docker, has the same limit.
    public var extendedHeader = 1 << 20
    public var entries = 1 << 22
    /// Runs of data in one sparse file.
    public var segments = 1 << 17
    /// Bytes of all the members' contents, holes included.
    public var content: Int64 = 1 << 38

    public init() {}
}
