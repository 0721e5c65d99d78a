import Glibc
import LinuxKernel
import OCISpec

/// The files of an archive, in any order: a tarball's members or a directory's files.
final class ArchiveMembers {
    /// nil where it is a tarball.
    private let directory: String?
    /// The directory itself, or the tarball.
    private let file: OwnedDescriptor
    /// A tarball's files, and the links that lead to them.
    private let members: [String: Member]
    private let links: [String: String]

    private struct Member {
        var offset: Int64
        var size: Int64
    }

    /// Opens an archive. What cannot be read in any order, a pipe or a compressed file, is put into a temporary file
    /// without a name first.
    init(_ source: ArchiveSource, _ layout: Layout) throws {
        switch source {
        case .path(let path):
            if try FileStatus(path, following: true).kind == .directory {
                directory = path
                file = try OwnedDescriptor.open(path, O_RDONLY | O_DIRECTORY)
                (members, links) = ([:], [:])
                return
            }
        case .descriptor: break
        }
        file = try ArchiveMembers.seekable(try source.open(), layout)
        directory = nil
        let index = try ArchiveMembers.index(file.raw)
        (members, links) = (index.members, index.links)
    }

    func contains(_ name: String) -> Bool {
        directory.map { access($0 + "/" + name, F_OK) == 0 } ?? (members[resolved(name)] != nil)
    }

    /// A member's content, in pieces. A member that is not there is an error.
    func stream(_ name: String, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        if directory != nil {
            let file = try file.openBeneath(name)
            return try readDescriptor(file.raw, from: 0, upTo: .max, body)
        }
        guard let member = members[resolved(name)] else {
            throw StoreError(.corrupt, "archive has no \(CleanPath.shown(name.utf8))")
        }
        try readDescriptor(file.raw, from: member.offset, upTo: member.offset + member.size, body)
    }

    /// A document's bytes.
    func read(_ name: String, limit: Int = ImageStore.documentLimit) throws -> [UInt8] {
        var result: [UInt8] = []
        try stream(name) { bytes in
            result += bytes
            guard result.count <= limit else {
                throw StoreError(.limit, "\(CleanPath.shown(name.utf8)) is larger than \(limit) bytes")
            }
        }
        return result
    }

    /// The name of the member that a name leads to: old archives have links instead of a layer's second copy.
    private func resolved(_ name: String) -> String {
        var name = ArchiveMembers.clean(Array(name.utf8))
        for _ in 0..<8 {
            guard let target = links[name] else { return name }
            name = target
        }
        return name
    }

    // MARK: Tarballs

    private static func index(_ file: Int32) throws -> Index {
        var reader = TarReader()
        var sink = Index()
        var position: Int64 = 0
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: TarHeader.size, alignment: 8)
        defer { block.deallocate() }
        let size = Int64(try FileStatus(descriptor: file).size)
        while position < size {
            let count = try check("read", "archive") {
                pread(file, block.baseAddress!, TarHeader.size, off_t(position))
            }
            if count == 0 { break }
            position += Int64(count)
            sink.position = position
            try reader.push(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(block)[..<count]), into: &sink)
            let skipped = reader.skippable
            if skipped > 0 {
                guard skipped <= size - position || skipped - 512 < size - position else {
                    throw TarError("archive is cut short")
                }
                position += skipped
                try reader.skip(into: &sink)
            }
        }
        try reader.finish()
        return sink
    }

    /// The descriptor itself where it is a plain tarball in a file, else a file with the plain tarball.
    private static func seekable(
        _ file: consuming OwnedDescriptor, _ layout: Layout
    ) throws -> OwnedDescriptor {
        let isFile = try FileStatus(descriptor: file.raw).kind == .regular
        if isFile {
            var first = [UInt8](repeating: 0, count: 6)
            let count = try check("read", "archive") { pread(file.raw, &first, 6, 0) }
            if try Decompressor.format(of: Array(first.prefix(count))) == .plain { return file }
        }
        let path = File.temporaryName(beside: layout.temporary + "/archive")
        let spool = Spool(file: try OwnedDescriptor.open(path, O_RDWR | O_CREAT | O_EXCL, mode: 0o600))
        unlink(path)
        let decompressor = Decompressor()
        let size = 1 << 19
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 4096)
        defer { buffer.deallocate() }
        while true {
            let count = try check("read", "archive") { Glibc.read(file.raw, buffer, size) }
            if count == 0 { break }
            try decompressor.push(UnsafeRawBufferPointer(start: buffer, count: count), into: spool)
        }
        try decompressor.finish(into: spool)
        try spool.flush()
        return try spool.file.duplicate()
    }

    fileprivate static func clean(_ path: [UInt8]) -> String {
        let names = CleanPath.components(path).filter { $0 != CleanPath.dotDot }
        return String(decoding: CleanPath.joined(names), as: UTF8.self)
    }

    private struct Index: TarSink {
        var members: [String: Member] = [:]
        var links: [String: String] = [:]
        var position: Int64 = 0

        mutating func begin(_ entry: TarEntry) throws {
            let name = clean(entry.path)
            switch entry.kind {
            case .regular:
                guard entry.segments == nil else {
                    throw StoreError(.invalid, "archive member \(CleanPath.shown(entry.path)) is sparse")
                }
                members[name] = Member(offset: position, size: entry.size)
                links[name] = nil
            case .symlink:
                // Relative to the link's own directory, `../ID/layer.tar`, and never out of the archive.
                var path = CleanPath.components(entry.path).dropLast()
                for part in CleanPath.components(entry.target) {
                    if part == CleanPath.dotDot { _ = path.popLast() } else { path.append(part) }
                }
                links[name] = String(decoding: CleanPath.joined(Array(path)), as: UTF8.self)
            case .hardLink:
                links[name] = clean(entry.target)
            default: break
            }
        }

        mutating func content(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws {}
        mutating func end() throws {}
    }
}

/// A file that a decompressor writes into.
private final class Spool: ByteSink {
    let file: OwnedDescriptor
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 19, alignment: 4096)
    private var fill = 0

    init(file: consuming OwnedDescriptor) {
        self.file = file
    }

    deinit {
        buffer.deallocate()
    }

    func space() throws -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: buffer[fill...])
    }

    func filled(_ count: Int) throws {
        fill += count
        if fill == buffer.count { try flush() }
    }

    func flush() throws {
        try file.writeAll(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<fill]))
        fill = 0
    }
}
