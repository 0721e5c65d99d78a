import Glibc
import LinuxKernel
import OCISpec

/// The list of a layer's entries: whiteouts and opaque markers first, then files in the order of a walk (a directory
/// before what is in it, names sorted), then hard links.
struct LayerIndex: Equatable {
    var entries: [LayerEntry] = []
    /// Bytes of all the regular files.
    var contentSize: Int64 = 0
    /// Bytes of the uncompressed archive.
    var archiveSize: Int64 = 0
    /// A hard link leads to a layer below; whether it is there only the merge can tell.
    var needsLower = false
    /// The objects' short names were given or looked at when this layer came in: none is another object's.
    var haveShortNames = false

    /// Bytes of an index.
    static let sizeLimit = 1 << 31

    /// Written first, and read alone when only the sizes are wanted.
    private static let magic = Array("swiftpod layer 1\n".utf8)

    func encoded() -> [UInt8] {
        var writer = BinaryWriter()
        writer.put(raw: LayerIndex.magic)
        writer.put(signed: contentSize)
        writer.put(signed: archiveSize)
        writer.put((needsLower ? 1 : 0) | (haveShortNames ? 2 : 0))
        writer.put(entries.count)
        var previous: [UInt8] = []
        for entry in entries {
            // Neighbours share most of their path.
            let shared = zip(previous, entry.path).prefix { $0 == $1 }.count
            writer.put(shared)
            writer.put(entry.path[shared...])
            writer.put(entry.kind)
            previous = entry.path
        }
        writer.seal()
        return writer.bytes
    }

    init() {}

    /// - Throws: `StoreError` where the bytes are not a layer index.
    init(decoding bytes: [UInt8]) throws {
        var reader = try BinaryReader(sealed: bytes)
        try readHead(&reader)
        var previous: [UInt8] = []
        entries = try reader.list { reader in
            let shared = try reader.word()
            guard shared <= previous.count else { throw BinaryReader.damaged }
            previous.removeSubrange(Int(shared)...)
            previous += try reader.data()
            return LayerEntry(previous, try reader.entryKind())
        }
    }

    /// The sizes and `needsLower` alone, from the file's first bytes.
    init(headOf path: String) throws {
        let file = try OwnedDescriptor.open(path)
        let head = try [UInt8](unsafeUninitializedCapacity: 64) { buffer, count throws(SyscallError) in
            count = try check("read", path) { read(file.raw, buffer.baseAddress!, 64) }
        }
        var reader = BinaryReader(beginningOf: head)
        try readHead(&reader)
    }

    private mutating func readHead(_ reader: inout BinaryReader) throws {
        try reader.expect(LayerIndex.magic)
        contentSize = try reader.signed()
        archiveSize = try reader.signed()
        let flags = try reader.number()
        needsLower = flags & 1 != 0
        haveShortNames = flags & 2 != 0
    }

    /// The objects that the layer's files are made of.
    var objects: some Sequence<ObjectID> {
        entries.lazy.compactMap { entry in
            if case .file(_, .regular(let id?, _)) = entry.kind { id } else { nil }
        }
    }
}

extension BinaryWriter {
    fileprivate mutating func put(_ kind: LayerEntry.Kind) {
        switch kind {
        case .whiteout: put(0)
        case .opaque: put(1)
        case .implicitDirectory: put(2)
        case .hardLink(let target):
            put(3)
            put(target)
        case .file(let metadata, let content):
            put(content)
            put(metadata)
        }
    }

    private mutating func put(_ content: FileContent) {
        switch content {
        case .directory: put(8)
        case .regular(nil, _): put(9)
        case .regular(let id?, let size):
            put(10)
            put(id)
            put(signed: size)
        case .symlink(let target):
            put(11)
            put(target)
        case .characterDevice(let number):
            put(12)
            put(number.major)
            put(number.minor)
        case .blockDevice(let number):
            put(13)
            put(number.major)
            put(number.minor)
        case .fifo: put(14)
        }
    }

    mutating func put(_ metadata: FileMetadata) {
        put(metadata.mode)
        put(metadata.uid)
        put(metadata.gid)
        put(signed: metadata.modified.seconds)
        put(metadata.modified.nanoseconds)
        put(metadata.attributes) { writer, attribute in
            writer.put(attribute.name)
            writer.put(attribute.value)
        }
    }
}

extension BinaryReader {
    fileprivate mutating func entryKind() throws -> LayerEntry.Kind {
        let tag = try number()
        switch tag {
        case 0: return .whiteout
        case 1: return .opaque
        case 2: return .implicitDirectory
        case 3: return .hardLink(to: Array(try data()))
        default:
            let content = try content(tag)
            return .file(try metadata(), content)
        }
    }

    private mutating func content(_ tag: UInt64) throws -> FileContent {
        switch tag {
        case 8: return .directory
        case 9: return .regular(nil, size: 0)
        case 10:
            let id = try id()
            return .regular(id, size: try signed())
        case 11: return .symlink(Array(try data()))
        case 12: return .characterDevice(try device())
        case 13: return .blockDevice(try device())
        case 14: return .fifo
        default: throw BinaryReader.damaged
        }
    }

    private mutating func device() throws -> DeviceNumber {
        let major = try word()
        return DeviceNumber(major: major, minor: try word())
    }

    private mutating func metadata() throws -> FileMetadata {
        let mode = try word()
        let uid = try word()
        let gid = try word()
        let seconds = try signed()
        let time = FileTime(seconds: seconds, nanoseconds: try word())
        let attributes = try list { reader in
            let name = try reader.text()
            return ExtendedAttribute(name: name, value: Array(try reader.data()))
        }
        return FileMetadata(mode: mode, uid: uid, gid: gid, modified: time, attributes: attributes)
    }
}
