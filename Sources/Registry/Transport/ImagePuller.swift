#if Registry
import CCrypto
import NIOPosix
import OCISpec

/// Gets one image from one place into a destination.
struct ImagePuller: Sendable {
    /// What was pulled; everything it refers to is in the destination.
    struct Result: Sendable {
        var manifest: [UInt8]
        var manifestDigest: Digest
        /// Of the index that the manifest was chosen from.
        var indexDigest: Digest?
    }

    let session: RegistrySession
    /// The reference as this place knows it.
    let reference: Reference
    let destination: any PullDestination
    let options: PullOptions
    /// Where the destination's calls block.
    let threads: NIOThreadPool

    func pull() async throws(RegistryError) -> Result {
        var document = try await manifest(reference.digest?.description ?? reference.tag ?? "latest")
        var indexDigest: Digest?
        var depth = 0
        while case .index(let index) = document.content {
            // An index of indexes is allowed, and nobody needs more than that.
            guard depth < 3 else { throw RegistryError(.invalid, "pull \(reference): indexes lead in circles") }
            depth += 1
            if indexDigest == nil { indexDigest = document.digest }
            let platform = options.platform ?? .host
            let chosen = try ManifestDocument.choose(platform, from: index, subject: "\(reference)")
            guard chosen.size <= ManifestDocument.sizeLimit else {
                throw RegistryError(.invalid, "pull \(reference): manifest of \(chosen.size) bytes")
            }
            document = try await manifest(chosen.digest.description, size: chosen.size)
        }
        guard case .image(let manifest) = document.content else {
            throw RegistryError(.invalid, "pull \(reference): no manifest")
        }
        try manifest.checkIsRunnable(subject: "\(reference)", sizeLimit: options.layerSizeLimit)
        let config = try await configuration(manifest.config)
        guard config.diffIDs.count == manifest.layers.count else {
            throw RegistryError(
                .invalid,
                "pull \(reference): \(manifest.layers.count) layers, but the configuration speaks of "
                    + "\(config.diffIDs.count)")
        }
        if let wanted = options.platform, !wanted.accepts(config.platform) {
            options.progress(.warning("image platform \(config.platform) is not the \(wanted) that was asked for"))
        }
        try await layers(zip(manifest.layers, config.diffIDs).map { (descriptor: $0, diffID: $1) })
        return Result(manifest: document.bytes, manifestDigest: document.digest, indexDigest: indexDigest)
    }

    // MARK: Documents

    private struct Document {
        var bytes: [UInt8]
        var digest: Digest
        var content: ManifestDocument
    }

    /// - Parameters:
    ///   - name: a tag or a digest.
    ///   - size: bytes, where an index tells.
    private func manifest(_ name: String, size: Int64? = nil) async throws(RegistryError) -> Document {
        let expected = Digest(name)
        let subject = expected == nil ? "\(reference.name):\(name)" : "\(reference.name)@\(name)"
        if let expected, let bytes = try await stored(expected, limit: ManifestDocument.sizeLimit) {
            let content = try ManifestDocument(parsing: bytes, contentType: nil, subject: subject)
            return Document(bytes: bytes, digest: expected, content: content)
        }
        let response = try await session.get(
            .path("/v2/\(reference.repository)/manifests/\(name)"),
            headers: ManifestDocument.mediaTypes.map { ("Accept", $0) })
        guard response.status == 200 else {
            throw await RegistryError(refusedBy: response, action: "pull \(subject)")
        }
        let bytes = try await response.bytes(limit: ManifestDocument.sizeLimit, subject: "manifest of \(subject)")
        let digest = Digest(hashing: bytes)
        let promised = [expected, response.header("docker-content-digest").flatMap { Digest($0) }]
        for promised in promised.compactMap({ $0 }) where promised != digest {
            throw RegistryError(
                .invalid, "pull \(subject): the manifest's digest is \(digest) where \(promised) was promised")
        }
        if let size, size != bytes.count {
            throw RegistryError(
                .invalid, "pull \(subject): the manifest has \(bytes.count) bytes where \(size) were promised")
        }
        let content = try ManifestDocument(
            parsing: bytes, contentType: response.header("content-type"), subject: subject)
        return Document(bytes: bytes, digest: digest, content: content)
    }

    private func configuration(_ descriptor: ContentDescriptor) async throws(RegistryError) -> ImageConfig {
        let limit = ManifestDocument.sizeLimit
        var bytes = try await stored(descriptor.digest, limit: limit)
        if bytes == nil {
            try await BlobTransfer(puller: self, descriptor: descriptor, diffID: nil).run()
            bytes = try await stored(descriptor.digest, limit: limit)
        }
        do {
            return try ImageConfig(parsing: bytes ?? [])
        } catch {
            throw RegistryError(.invalid, "read configuration of \(reference): \(error.words)")
        }
    }

    private func stored(_ digest: Digest, limit: Int) async throws(RegistryError) -> [UInt8]? {
        let destination = self.destination
        return try await blocking { try destination.readBlob(digest, limit: limit) }
    }

    // MARK: Layers

    private func layers(_ all: [(descriptor: ContentDescriptor, diffID: Digest)]) async throws(RegistryError) {
        var seen: Set<Digest> = []
        let unique = all.filter { seen.insert($0.descriptor.digest).inserted }
        options.progress(.layers(unique.map(\.descriptor)))
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                var waiting = unique[...]
                for index in 0..<unique.count {
                    if index >= max(1, options.parallelLayers) { try await group.next() }
                    guard let layer = waiting.popFirst() else { break }
                    group.addTask { try await self.layer(layer.descriptor, diffID: layer.diffID) }
                }
                try await group.waitForAll()
            }
        } catch let error as RegistryError {
            throw error
        } catch {
            throw RegistryError(.cancelled, "pull \(reference): cancelled")
        }
    }

    private func layer(_ descriptor: ContentDescriptor, diffID: Digest) async throws(RegistryError) {
        let destination = self.destination
        if try await blocking({ try destination.hasLayer(descriptor, diffID: diffID) }) {
            options.progress(.present(descriptor.digest))
            return
        }
        try await BlobTransfer(puller: self, descriptor: descriptor, diffID: diffID).run()
        options.progress(.finished(descriptor.digest))
    }

    // MARK: The destination

    /// Runs what may block on a thread that may.
    func blocking<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws(RegistryError) -> T {
        do {
            return try await threads.runIfActive(body)
        } catch let error as RegistryError {
            throw error
        } catch is CancellationError {
            throw RegistryError(.cancelled, "pull \(reference): cancelled")
        } catch {
            throw RegistryError(.storage, "pull \(reference): \(error)")
        }
    }
}

extension Digest {
    /// The SHA-256 of a document in memory.
    package init(hashing bytes: [UInt8]) {
        var hash = [UInt8](repeating: 0, count: 32)
        EVP_Digest(bytes, bytes.count, &hash, nil, EVP_sha256(), nil)
        self.init(bytes: hash)
    }
}
#endif
