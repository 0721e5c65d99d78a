/// The media types of the documents and layers that images are made of.
public enum MediaType {
    public static let ociManifest = "application/vnd.oci.image.manifest.v1+json"
    public static let ociIndex = "application/vnd.oci.image.index.v1+json"
    public static let ociConfig = "application/vnd.oci.image.config.v1+json"
    public static let ociLayer = "application/vnd.oci.image.layer.v1.tar"
    public static let ociLayerGzip = "application/vnd.oci.image.layer.v1.tar+gzip"
    public static let ociLayerZstd = "application/vnd.oci.image.layer.v1.tar+zstd"

    public static let dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
    public static let dockerManifestList = "application/vnd.docker.distribution.manifest.list.v2+json"
    public static let dockerConfig = "application/vnd.docker.container.image.v1+json"
    public static let dockerLayer = "application/vnd.docker.image.rootfs.diff.tar"
    public static let dockerLayerGzip = "application/vnd.docker.image.rootfs.diff.tar.gzip"
    public static let dockerLayerZstd = "application/vnd.docker.image.rootfs.diff.tar.zstd"

    /// One image.
    public static let manifests = [ociManifest, dockerManifest]
    /// Several images to choose from.
    public static let indexes = [ociIndex, dockerManifestList]

    /// How the bytes of a layer become a tar archive.
    public enum Compression: Equatable, Sendable {
        case uncompressed, gzip, zstd
    }

    /// The compression that a layer's media type promises; nil for a type that is not a layer's.
    ///
    /// The non-distributable and foreign kinds are layers as well. What the bytes really are is for the reader to
    /// see: registries hold layers whose type is wrong.
    public static func compression(ofLayer mediaType: String) -> Compression? {
        switch mediaType {
        case ociLayer, dockerLayer, "application/vnd.oci.image.layer.nondistributable.v1.tar": .uncompressed
        case ociLayerGzip, dockerLayerGzip, "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
            "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip":
            .gzip
        case ociLayerZstd, dockerLayerZstd, "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd": .zstd
        default: nil
        }
    }
}
