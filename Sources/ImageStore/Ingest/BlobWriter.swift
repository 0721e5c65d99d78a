import OCISpec

/// Takes in one blob, from a network or an archive. Not for two threads at a time.
public class BlobWriter {
    public let descriptor: ContentDescriptor
    /// Where the transfer goes on: the bytes that an earlier, interrupted one left behind.
    public private(set) var offset: Int64 = 0
    /// Somebody else finished this blob before or while we waited: there is nothing to write, `finish()` returns.
    public private(set) var isComplete = false

    init(descriptor: ContentDescriptor) {
        self.descriptor = descriptor
    }

    /// Takes the next bytes; they may be reused as soon as this returns.
    public func write(_ bytes: UnsafeRawBufferPointer) throws(StoreError) {
        throw StoreError(.failed, "not implemented")
    }

    /// Forgets what was written: the source could not continue at `offset`.
    public func restart() throws(StoreError) {
        throw StoreError(.failed, "not implemented")
    }

    /// Checks size and digest and puts the blob into the store.
    public func finish() throws(StoreError) {
        throw StoreError(.failed, "not implemented")
    }

    /// Lets go. With `keepingPart` a later transfer of the same blob continues where this one ends.
    public func abandon(keepingPart: Bool = true) {
    }
}

/// A `BlobWriter` that also unpacks: inflates, checks the uncompressed digest, and makes objects and a layer index
/// while the bytes come in.
public final class LayerWriter: BlobWriter {
    /// The uncompressed layer's digest, known from the image's configuration, or found by `finish()`.
    public private(set) var diffID: Digest?
}
