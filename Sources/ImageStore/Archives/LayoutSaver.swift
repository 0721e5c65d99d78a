import OCISpec

/// Writes an OCI image layout.
struct LayoutSaver {
    let store: ImageStore
    let members: any ArchiveMemberWriter
    /// The index that the layout has already.
    let index: ImageIndex?

    private static let nameAnnotation = "org.opencontainers.image.ref.name"

    func save(_ saved: SavedImage) throws {
        let image = saved.image
        let manifest = try store.manifest(of: image)
        // First what the format is known by.
        try members.add("oci-layout", Array("{\"imageLayoutVersion\":\"1.0.0\"}".utf8))
        for layer in manifest.layers {
            try members.add(LayoutLoader.path(layer.digest), size: layer.size) { write in
                try store.readBlob(layer.digest, write)
            }
        }
        try members.add(
            LayoutLoader.path(image.id), try store.readBlob(image.id, limit: ImageStore.documentLimit))
        let (bytes, digest) = try document(manifest, of: image)
        try members.add(LayoutLoader.path(digest), bytes)
        var descriptor = ContentDescriptor(
            mediaType: MediaType.ociManifest, digest: digest, size: Int64(bytes.count))
        descriptor.platform = image.config.platform
        var index = index ?? ImageIndex(mediaType: MediaType.ociIndex, manifests: [])
        index.manifests.removeAll { other in
            other.annotations[Self.nameAnnotation].map { saved.names.contains($0) } ?? (other.digest == digest)
        }
        if saved.names.isEmpty { index.manifests.append(descriptor) }
        for name in saved.names {
            descriptor.annotations[Self.nameAnnotation] = name
            index.manifests.append(descriptor)
        }
        // Last, because it is what makes the image be there.
        try members.add("index.json", index.encoded())
        try members.finish()
    }

    /// The manifest as the image specification has it. Docker's has the same shape with other names for the types, and
    /// not every reader of layouts takes those.
    private func document(_ manifest: ImageManifest, of image: StoredImage) throws -> (bytes: [UInt8], digest: Digest) {
        if manifest.mediaType == MediaType.ociManifest {
            return (
                try store.readBlob(image.manifestDigest, limit: ImageStore.documentLimit), image.manifestDigest
            )
        }
        var manifest = manifest
        manifest.mediaType = MediaType.ociManifest
        manifest.config.mediaType = MediaType.ociConfig
        for index in manifest.layers.indices {
            switch MediaType.compression(ofLayer: manifest.layers[index].mediaType) {
            case .uncompressed: manifest.layers[index].mediaType = MediaType.ociLayer
            case .gzip: manifest.layers[index].mediaType = MediaType.ociLayerGzip
            case .zstd: manifest.layers[index].mediaType = MediaType.ociLayerZstd
            case nil: break
            }
            manifest.layers[index].urls = []
        }
        let bytes = manifest.encoded()
        return (bytes, SHA256.digest(of: bytes))
    }
}
