import Glibc
import LinuxKernel
import OCISpec

extension ImageStore {
    /// Whether a blob is in the store, complete.
    public func hasBlob(_ digest: Digest) -> Bool { access(layout.blob(digest), F_OK) == 0 }

    /// Whether a layer is unpacked in the store, whatever blob it came from.
    public func hasLayer(diffID: Digest) -> Bool { access(layout.layer(diffID), F_OK) == 0 }

    /// Begins to take in a blob. Another process that takes in the same one is waited for; with `wait` false the error
    /// is `.inUse` then.
    public func beginBlob(_ descriptor: ContentDescriptor, wait: Bool = true) throws(StoreError) -> BlobWriter {
        try storing("take in blob \(descriptor.digest)") {
            try prepare()
            let writer = try BlobWriter(layout, expected: descriptor, wait: wait)
            try writer.begin()
            return writer
        }
    }

    /// Begins to take in a layer; see `beginBlob`. `threaded` allows it one thread of its own. `isComplete` is set
    /// where both the blob and the unpacked layer are in the store.
    public func beginLayer(
        _ descriptor: ContentDescriptor, diffID: Digest, wait: Bool = true, threaded: Bool = false
    ) throws(StoreError) -> LayerWriter {
        try storing("take in layer \(descriptor.digest)") {
            try prepare()
            return try LayerWriter(layout, expected: descriptor, diffID: diffID, wait: wait, threaded: threaded)
        }
    }

    /// A blob's bytes, at most `limit` of them, their digest checked.
    public func readBlob(_ digest: Digest, limit: Int) throws(StoreError) -> [UInt8] {
        let bytes: [UInt8]
        do {
            bytes = try File.read(layout.blob(digest), limit: limit)
        } catch {
            switch error.errno {
            case ENOENT: throw StoreError(.notFound, "read blob \(digest): not in the store")
            case EFBIG: throw StoreError(.limit, "read blob \(digest): larger than \(limit) bytes")
            default: throw StoreError("read blob \(digest)", error)
            }
        }
        guard SHA256.digest(of: bytes) == digest else {
            throw StoreError(.corrupt, "read blob \(digest): the file in the store is damaged")
        }
        return bytes
    }
}
