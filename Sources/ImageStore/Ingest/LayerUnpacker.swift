import OCISpec

/// Turns an uncompressed layer into objects and an index, and finds its digest. Works on one thread, whichever that is.
final class LayerUnpacker {
    private let hash = SHA256()
    private let limits: TarLimits
    private var reader: TarReader
    /// nil where only the digest is wanted.
    private var sink: Sink?
    private var size: Int64 = 0

    init(_ layout: Layout, limits: TarLimits, checkingOnly: Bool = false) throws {
        self.limits = limits
        reader = TarReader(limits: limits)
        sink = checkingOnly ? nil : Sink(objects: try ObjectWriter(layout))
    }

    /// The next bytes of the archive.
    func push(_ bytes: UnsafeRawBufferPointer) throws {
        size += Int64(bytes.count)
        guard size <= limits.content else {
            throw TarError("layer is larger than \(limits.content >> 30) GiB", isLimit: true)
        }
        hash.update(bytes)
        if sink != nil { try reader.push(bytes, into: &sink!) }
    }

    /// The archive's digest and, unless only that was wanted, its index; all objects that the index names are in the
    /// store.
    func finish() throws -> (diffID: Digest, index: LayerIndex?) {
        guard let sink else { return (hash.finish().digest, nil) }
        try reader.finish()
        var index = sink.builder.index()
        index.haveShortNames = sink.objects.haveShortNames
        index.archiveSize = size
        return (hash.finish().digest, index)
    }

    private struct Sink: TarSink {
        let objects: ObjectWriter
        var builder = LayerBuilder()
        var entry = TarEntry(path: [], kind: .regular)
        var object: ObjectID?
        /// Content of a small file that came in pieces.
        var gathered: [UInt8] = []

        var isSmall: Bool { entry.size <= Int64(ObjectWriter.smallSize) && entry.segments == nil }

        mutating func begin(_ entry: TarEntry) throws {
            self.entry = entry
            object = nil
            if entry.kind == .regular, entry.size > 0, !isSmall { try objects.begin() }
        }

        mutating func content(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws {
            guard isSmall else { return try objects.write(bytes, at: offset) }
            if offset == 0, Int64(bytes.count) == entry.size {
                object = try objects.store(bytes, modified: entry.modified)
                return
            }
            gathered.append(contentsOf: bytes)
            if Int64(gathered.count) == entry.size {
                object = try gathered.withUnsafeBytes { try objects.store($0, modified: entry.modified) }
                gathered.removeAll(keepingCapacity: true)
            }
        }

        mutating func end() throws {
            if entry.kind == .regular, entry.size > 0, !isSmall {
                object = try objects.finish(size: entry.size, modified: entry.modified)
            }
            do throws(PathError) {
                try builder.add(entry, content: object)
            } catch {
                throw StoreError(
                    error.isLimit ? .limit : .corrupt, "entry \(CleanPath.shown(entry.path)) \(error.reason)")
            }
        }
    }
}
