import CShims
import Glibc
import LinuxKernel
import OCISpec

extension ImageStore {
    /// Makes an image of a manifest whose configuration and layers are in the store.
    ///
    /// - Throws: `.corrupt` for documents that do not fit each other, `.notFound` where a blob or layer is missing.
    public func commit(
        manifest bytes: [UInt8], digest: Digest, names: [Reference]
    ) throws(StoreError) -> StoredImage {
        try storing("store image \(names.first?.description ?? digest.description)") {
            try prepare()
            let session = try IngestSession(layout)
            defer { _ = session }
            guard SHA256.digest(of: bytes) == digest else {
                throw StoreError(.corrupt, "manifest has the wrong digest: it is \(SHA256.digest(of: bytes))")
            }
            let manifest = try doing("read manifest \(digest)") { try ImageManifest(parsing: bytes) }
            let configBytes = try readBlob(manifest.config.digest, limit: ImageStore.documentLimit)
            let config = try doing("read configuration \(manifest.config.digest)") {
                try ImageConfig(parsing: configBytes)
            }
            let record = try record(manifest, bytes: bytes, digest: digest, config: config)
            if !hasBlob(digest) { try File.writeAtomically(bytes, to: layout.blob(digest)) }
            try sync()
            // Record and names under one lock: whoever removes the image now must not find the one without the others.
            let lock = try FileLock(layout.namesLock)
            try File.writeAtomically(record.encoded(), to: layout.image(record.image.id), sync: true)
            for name in names { try link(name.description, to: record.image.id) }
            try writeIndex()
            _ = consume lock
            var image = record.image
            image.names = try self.names().filter { $0.id == image.id }.map(\.name).sorted()
            return image
        }
    }

    private func record(
        _ manifest: ImageManifest, bytes: [UInt8], digest: Digest, config: ImageConfig
    ) throws -> ImageRecord {
        guard manifest.layers.count == config.diffIDs.count else {
            throw StoreError(
                .corrupt,
                "manifest has \(manifest.layers.count) layers, its configuration \(config.diffIDs.count)")
        }
        for layer in manifest.layers where !hasBlob(layer.digest) {
            throw StoreError(.notFound, "layer \(layer.digest) is not in the store")
        }
        var size: Int64 = 0
        var needsMerge = false
        for diffID in config.diffIDs {
            guard hasLayer(diffID: diffID) else {
                throw StoreError(.notFound, "unpacked layer \(diffID) is not in the store")
            }
            let head = try LayerIndex(headOf: layout.layer(diffID))
            size += head.contentSize
            needsMerge = needsMerge || head.needsLower
        }
        // A hard link into a lower layer may lead nowhere, which is better found now than at the first start.
        if needsMerge { _ = try merge(config.diffIDs) }
        var plain = config
        plain.history = []
        let image = StoredImage(
            id: manifest.config.digest, manifestDigest: digest, names: [], config: plain, size: size,
            layers: config.diffIDs, chainID: ImageStore.chainID(config.diffIDs))
        return ImageRecord(
            image: image,
            manifest: ContentDescriptor(mediaType: manifest.mediaType, digest: digest, size: Int64(bytes.count)))
    }

    /// What the image specification calls a stack of layers; of no layers at all the digest of nothing.
    static func chainID(_ layers: [Digest]) -> Digest {
        guard let first = layers.first else { return SHA256.digest(of: []) }
        return layers.dropFirst().reduce(first) { chain, layer in SHA256.digest(of: Array("\(chain) \(layer)".utf8)) }
    }

    /// The layers' files as one tree.
    func merge(_ layers: [Digest]) throws -> LayerMerge {
        var merge = LayerMerge()
        for layer in layers {
            try doing("read layer \(layer)") {
                try merge.add(try LayerIndex(decoding: try File.read(layout.layer(layer), limit: LayerIndex.sizeLimit)))
            }
        }
        return merge
    }

    /// All that was taken in is on disk before a record says that it is there: one call for however many objects.
    func sync() throws {
        let directory = try OwnedDescriptor.open(layout.root, O_RDONLY | O_DIRECTORY)
        try check("syncfs", layout.root) { swiftpod_syncfs(directory.raw) }
    }
}
