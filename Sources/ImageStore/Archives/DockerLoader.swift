import OCISpec

/// Loads what `docker save` and `podman save` write.
struct DockerLoader {
    let store: ImageStore
    let members: ArchiveMembers

    private struct Image: JSONDocument {
        var config: String
        var tags: [String]
        var layers: [String]

        init(json: JSON) throws(DocumentError) {
            config = try json.required("Config")
            tags = try json.list("RepoTags")
            layers = try json.list("Layers")
        }

        var json: JSON { JSON(members: ["Config": config.json, "RepoTags": tags.json, "Layers": layers.json]) }
    }

    func load() throws -> [StoredImage] {
        let images: [Image] = try doing("read manifest.json") {
            try JSON(parsing: try members.read("manifest.json")).elements()
        }
        guard !images.isEmpty else { throw StoreError(.corrupt, "manifest.json lists no image") }
        return try images.map { try load($0) }
    }

    private func load(_ image: Image) throws -> StoredImage {
        let bytes = try members.read(image.config)
        let config = try doing("read \(CleanPath.shown(image.config.utf8))") { try ImageConfig(parsing: bytes) }
        guard image.layers.count == config.diffIDs.count else {
            throw StoreError(
                .corrupt,
                "manifest.json has \(image.layers.count) layers, the configuration \(config.diffIDs.count)")
        }
        let configDigest = try store.store(document: bytes)
        var manifest = ImageManifest(
            mediaType: MediaType.dockerManifest,
            config: ContentDescriptor(
                mediaType: MediaType.dockerConfig, digest: configDigest, size: Int64(bytes.count)),
            layers: [])
        for (path, diffID) in zip(image.layers, config.diffIDs) {
            manifest.layers.append(try layer(path, diffID))
        }
        let manifestBytes = manifest.encoded()
        let names = try image.tags.map { try Reference(parsing: $0) }
        return try store.commit(manifest: manifestBytes, digest: SHA256.digest(of: manifestBytes), names: names)
    }

    private func layer(_ path: String, _ diffID: Digest) throws -> ContentDescriptor {
        // The archive's layers are plain as a rule, their digest is then known, and they need not be read.
        if store.hasLayer(diffID: diffID), store.hasBlob(diffID), members.contains(path) {
            let size = try LayerIndex(headOf: store.layout.layer(diffID)).archiveSize
            return ContentDescriptor(mediaType: MediaType.dockerLayer, digest: diffID, size: size)
        }
        let writer = try LayerWriter(store.layout, expected: nil, diffID: diffID)
        do {
            try members.stream(path) { try writer.write($0) }
            try writer.finish()
        } catch {
            writer.abandon(keepingPart: false)
            throw error
        }
        var descriptor = writer.descriptor
        descriptor.mediaType =
            switch writer.format {
            case .plain: MediaType.dockerLayer
            case .gzip: MediaType.dockerLayerGzip
            case .zstd: MediaType.dockerLayerZstd
            }
        return descriptor
    }
}
