import OCISpec

/// Where a pull puts what it gets. `ImageStore` is one; tests have others.
///
/// Its calls block, on a lock that another pull of the same blob holds for instance: the transport makes them where
/// that stops nobody else.
package protocol PullDestination: Sendable {
    /// A blob that is there already, at most `limit` bytes; nil where it is not.
    func readBlob(_ digest: Digest, limit: Int) throws -> [UInt8]?
    /// Whether the unpacked layer is there already.
    func hasLayer(_ descriptor: ContentDescriptor, diffID: Digest) throws -> Bool
    /// Starts or resumes a configuration or a manifest.
    func beginBlob(_ descriptor: ContentDescriptor) throws -> any BlobReceiver
    /// Starts or resumes a layer.
    func beginLayer(_ descriptor: ContentDescriptor, diffID: Digest) throws -> any BlobReceiver
}

/// A blob on its way in, used by one task at a time. Letting go of it keeps what has arrived, where it can be resumed.
package protocol BlobReceiver: AnyObject, Sendable {
    /// Bytes that are there; the next to come is the one at this offset.
    var offset: Int64 { get }
    func write(_ bytes: UnsafeRawBufferPointer) throws
    /// Checks size and digest and makes the blob be there.
    func finish() throws
    /// Throws away what has arrived.
    func abandon()
}

/// A failure that the destination reports and that says more than that storing failed.
package enum BlobRejection: Error {
    /// The content is not what the descriptor promises. From a resumed transfer it may be the beginning's fault.
    case corrupt(String)
}
