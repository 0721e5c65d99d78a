import ImageStore
import OCISpec

extension RegistryClient {
    /// Pulls an image into the store.
    ///
    /// What has arrived survives a failure and a kill: the next pull continues from there. Two pulls of one image at a
    /// time share the work.
    ///
    /// - Parameters:
    ///   - name: as the user gave it; a short name is resolved by registries.conf.
    ///   - store: takes in blobs and layers and then the image, by the full name that `name` stands for.
    public func pull(
        _ name: String, into store: ImageStore, options: PullOptions = PullOptions()
    ) throws(RegistryError) -> StoredImage {
        do {
            // Until the image is in the store nothing refers to what comes in.
            let session = try store.beginIngest()
            defer { _ = session }
            let pulled = try pull(name, to: StoreDestination(store: store), options: options)
            var reference = pulled.reference
            // As podman: who asks for a digest gets no tag, which may mean something else at the registry.
            if reference.digest != nil { reference.tag = nil }
            return try store.commit(manifest: pulled.manifest, digest: pulled.manifestDigest, names: [reference])
        } catch let error as RegistryError {
            throw error
        } catch {
            throw RegistryError(.storage, "pull \(name): \(error)")
        }
    }
}

/// The image store as a pull sees it.
private struct StoreDestination: PullDestination {
    let store: ImageStore

    func readBlob(_ digest: Digest, limit: Int) throws -> [UInt8]? {
        do throws(StoreError) {
            return try store.readBlob(digest, limit: limit)
        } catch {
            if error.code == .notFound { return nil }
            throw error
        }
    }

    func hasLayer(_ descriptor: ContentDescriptor, diffID: Digest) -> Bool {
        store.hasBlob(descriptor.digest) && store.hasLayer(diffID: diffID)
    }

    func beginBlob(_ descriptor: ContentDescriptor) throws -> any BlobReceiver {
        StoreReceiver(writer: try store.beginBlob(descriptor))
    }

    func beginLayer(_ descriptor: ContentDescriptor, diffID: Digest) throws -> any BlobReceiver {
        StoreReceiver(writer: try store.beginLayer(descriptor, diffID: diffID, threaded: true))
    }
}

/// One blob on its way into the store.
///
/// Unchecked, because the writer is not made for two threads at a time: a transfer uses its receiver from one task,
/// which moves from thread to thread but is never on two.
private final class StoreReceiver: BlobReceiver, @unchecked Sendable {
    private let writer: BlobWriter

    init(writer: BlobWriter) {
        self.writer = writer
    }

    var offset: Int64 { writer.isComplete ? writer.descriptor.size : writer.offset }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        try rejecting { () throws(StoreError) in try writer.write(bytes) }
    }

    func finish() throws {
        try rejecting { () throws(StoreError) in try writer.finish() }
    }

    func abandon() {
        writer.abandon(keepingPart: false)
    }

    /// Tells bad content, which another transfer or another registry may have better, from a store that fails.
    private func rejecting(_ body: () throws(StoreError) -> Void) throws {
        do throws(StoreError) {
            try body()
        } catch {
            if error.code == .corrupt || error.code == .limit { throw BlobRejection.corrupt(error.message) }
            throw error
        }
    }
}
