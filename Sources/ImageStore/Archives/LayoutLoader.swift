import OCISpec

/// Loads what an OCI image layout holds.
struct LayoutLoader {
    let store: ImageStore
    let members: ArchiveMembers
    let platform: Platform

    func load() throws -> [StoredImage] {
        let index = try doing("read index.json") { try ImageIndex(parsing: try members.read("index.json")) }
        let named = index.manifests.filter { LayoutLoader.name(of: $0) != nil }
        if !named.isEmpty {
            // One image may stand there several times, once for each of its names.
            var images: [StoredImage] = []
            for descriptor in named {
                let name = try LayoutLoader.reference(LayoutLoader.name(of: descriptor)!)
                images.append(try load(descriptor, names: [name]))
            }
            return images
        }
        guard let descriptor = index.manifests.count == 1 ? index.manifests[0] : index.manifest(for: platform) else {
            throw StoreError(.notFound, "no image for platform \(platform) in the archive")
        }
        return [try load(descriptor, names: [])]
    }

    /// Docker writes the whole name into containerd's annotation and the tag alone into the specification's.
    private static func name(of descriptor: ContentDescriptor) -> String? {
        let name =
            descriptor.annotations["io.containerd.image.name"]
            ?? descriptor.annotations["org.opencontainers.image.ref.name"]
        return name?.isEmpty == true ? nil : name
    }

    /// As podman does, a name without a registry is the local host's.
    private static func reference(_ text: String) throws -> Reference {
        let name = try ImageName(parsing: text)
        return name.qualified(with: "localhost")
    }

    private func load(_ descriptor: ContentDescriptor, names: [Reference], depth: Int = 0) throws -> StoredImage {
        let bytes = try blob(descriptor)
        if MediaType.indexes.contains(descriptor.mediaType) {
            guard depth < 4 else { throw StoreError(.corrupt, "index in index in index") }
            let index = try doing("read index \(descriptor.digest)") { try ImageIndex(parsing: bytes) }
            guard let choice = index.manifest(for: platform) else {
                throw StoreError(.notFound, "no image for platform \(platform) in the archive")
            }
            return try load(choice, names: names, depth: depth + 1)
        }
        let manifest = try doing("read manifest \(descriptor.digest)") { try ImageManifest(parsing: bytes) }
        let configBytes = try blob(manifest.config)
        let config = try doing("read configuration \(manifest.config.digest)") {
            try ImageConfig(parsing: configBytes)
        }
        guard manifest.layers.count == config.diffIDs.count else {
            throw StoreError(
                .corrupt, "manifest has \(manifest.layers.count) layers, its configuration \(config.diffIDs.count)")
        }
        _ = try store.store(document: configBytes)
        for (layer, diffID) in zip(manifest.layers, config.diffIDs) {
            let writer = try store.beginLayer(layer, diffID: diffID)
            if writer.isComplete { continue }
            try writer.restart()
            try members.stream(LayoutLoader.path(layer.digest)) { try writer.write($0) }
            try writer.finish()
        }
        return try store.commit(manifest: bytes, digest: descriptor.digest, names: names)
    }

    private func blob(_ descriptor: ContentDescriptor) throws -> [UInt8] {
        let bytes = try members.read(LayoutLoader.path(descriptor.digest))
        guard SHA256.digest(of: bytes) == descriptor.digest else {
            throw StoreError(.corrupt, "blob \(descriptor.digest) has the wrong digest")
        }
        return bytes
    }

    static func path(_ digest: Digest) -> String { "blobs/sha256/\(digest.hex)" }
}
