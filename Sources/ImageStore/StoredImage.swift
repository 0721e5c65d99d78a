import OCISpec

/// An image in the store, as its record tells it.
public struct StoredImage: Equatable, Sendable {
    /// The digest of the configuration, which is what podman shows as the image's id.
    public var id: Digest
    public var manifestDigest: Digest
    /// Full names, `docker.io/library/debian:12`, sorted; the one that the image was asked for by comes first.
    public var names: [String]
    /// As in the image, but without its history, which the start path has no use for: see `ImageStore.history(of:)`.
    public var config: ImageConfig
    /// Bytes of all the layers' files, as podman counts.
    public var size: Int64
    /// Uncompressed digests, lowest first.
    public var layers: [Digest]
    /// What the stack of layers is called, as the image specification computes it: the key of the image's trees.
    public var chainID: Digest

    public init(
        id: Digest, manifestDigest: Digest, names: [String], config: ImageConfig, size: Int64, layers: [Digest],
        chainID: Digest
    ) {
        self.id = id
        self.manifestDigest = manifestDigest
        self.names = names
        self.config = config
        self.size = size
        self.layers = layers
        self.chainID = chainID
    }
}

/// What `ImageStore.remove` did.
public enum Removal: Equatable, Sendable {
    case untagged(String)
    case deleted(Digest)
}
