import LinuxKernel
import OCISpec

/// An image, and the names that an archive gives it.
struct SavedImage {
    var image: StoredImage
    var names: [String]
}

extension ImageStore {
    /// Writes images to an archive, all that it holds checked against its digests on the way.
    ///
    /// An image has the name in there that it was asked for by, and none where that was an id.
    /// - Parameters:
    ///   - names: Names or ids; several only as `.dockerArchive`.
    ///   - tags: Further names for the first of the images.
    /// - Throws: `.notFound`, `.ambiguous`, `.invalid` for a target that will not do, `.corrupt` for a damaged store.
    public func save(
        _ names: [String], tags: [Reference] = [], as format: ArchiveFormat, to target: ArchiveTarget
    ) throws(StoreError) {
        var images: [SavedImage] = []
        for name in names {
            guard let found = try found(name) else { throw StoreError(.notFound, "\(name): image not known") }
            let tag = found.isByID ? [] : [found.image.names[0]]
            if let index = images.firstIndex(where: { $0.image.id == found.image.id }) {
                images[index].names += tag.filter { !images[index].names.contains($0) }
            } else {
                images.append(SavedImage(image: found.image, names: tag))
            }
        }
        guard !images.isEmpty else { throw StoreError(.invalid, "save: no image is named") }
        for tag in tags.map(\.description) where !images[0].names.contains(tag) { images[0].names.append(tag) }
        try doing("save image \(names[0])") {
            // What is being read is not collected meanwhile.
            let session = try IngestSession(layout)
            defer { _ = session }
            if format == .dockerArchive {
                return try DockerSaver(store: self, members: try TarMemberWriter(target)).save(images)
            }
            guard images.count == 1 else { throw StoreError(.invalid, "\(format.rawValue) holds one image only") }
            try layoutSaver(format, target).save(images[0])
        }
    }

    private func layoutSaver(_ format: ArchiveFormat, _ target: ArchiveTarget) throws -> LayoutSaver {
        if format == .ociArchive {
            return LayoutSaver(store: self, members: try TarMemberWriter(target), index: nil)
        }
        guard case .path(let path) = target else {
            throw StoreError(.invalid, "a directory cannot be written to a descriptor")
        }
        let members = try DirectoryMemberWriter(path)
        let index = try members.isAddition ? File.readIfPresent(path + "/index.json") : nil
        return LayoutSaver(
            store: self, members: members,
            index: try index.map { bytes in
                try doing("read \(path)/index.json") { try ImageIndex(parsing: bytes) }
            })
    }

    func manifest(of image: StoredImage) throws -> ImageManifest {
        let bytes = try readBlob(image.manifestDigest, limit: ImageStore.documentLimit)
        return try doing("read manifest \(image.manifestDigest)") { try ImageManifest(parsing: bytes) }
    }

    /// A blob's bytes in pieces; that the digest is wrong shows at the end.
    func readBlob(_ digest: Digest, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        let hash = SHA256()
        let file = try OwnedDescriptor.open(layout.blob(digest))
        try readDescriptor(file.raw, from: 0, upTo: .max) { bytes in
            hash.update(bytes)
            try body(bytes)
        }
        guard hash.finish().digest == digest else {
            throw StoreError(.corrupt, "blob \(digest) in the store is damaged")
        }
    }

    /// A layer's uncompressed bytes in pieces, checked like a blob's.
    func readLayer(
        _ blob: Digest, diffID: Digest, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        try withoutActuallyEscaping(body) { body in
            let hash = HashedBytes(body)
            let pipe = ChunkPipe(threaded: false) { try hash.take($0) }
            let decompressor = Decompressor()
            try readBlob(blob) { try decompressor.push($0, into: pipe) }
            try decompressor.finish(into: pipe)
            try pipe.close()
            guard hash.digest == diffID else { throw StoreError(.corrupt, "layer \(diffID) in the store is damaged") }
        }
    }
}

/// Passes bytes on and hashes them.
private final class HashedBytes {
    private let hash = SHA256()
    private let next: (UnsafeRawBufferPointer) throws -> Void

    init(_ next: @escaping (UnsafeRawBufferPointer) throws -> Void) {
        self.next = next
    }

    func take(_ bytes: UnsafeRawBufferPointer) throws {
        hash.update(bytes)
        try next(bytes)
    }

    var digest: Digest { hash.finish().digest }
}
