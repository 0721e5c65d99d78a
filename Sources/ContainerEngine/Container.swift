import OCISpec

/// A container as it stood when it was looked up.
public struct Container: Sendable {
    /// 64 hexadecimal digits.
    public let id: String
    public let name: String
    public let status: ContainerStatus
    public let createdAt: Timestamp
    /// The image's name as the user said it, or the directory of `--rootfs`.
    public let imageName: String
    /// nil for a container of a directory.
    public let imageID: Digest?
    /// Entry point and arguments as run.
    public let command: [String]
    public let ports: [NetworkOptions.PortMapping]
    public let labels: [String: String]
    /// Destinations of the mounts that the user or the image asked for.
    public let mounts: [String]
    /// podman's word for the network: `host`, `none`, `pasta`, ….
    public let network: String
    /// `--rm`.
    public let removeOnExit: Bool
    /// Where the container stands: `<data>/containers/<id>`.
    public let directory: String
}
