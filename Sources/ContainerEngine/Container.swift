import OCISpec

/// A container as it stood when it was looked up.
public struct Container: Sendable {
    package let record: ContainerRecord
    package let facts: RunFacts
    public let status: ContainerStatus
    /// Where the container stands: `<data>/containers/<id>`.
    public let directory: String

    package init(record: ContainerRecord, status: ContainerStatus, facts: RunFacts, directory: String) {
        self.record = record
        self.status = status
        self.facts = facts
        self.directory = directory
    }

    /// 64 hexadecimal digits.
    public var id: String { record.id }
    public var name: String { record.name }
    public var createdAt: Timestamp { record.created }
    /// nil where it was never started.
    public var startedAt: Timestamp? { facts.state?.startedAt }
    /// The image's name as the user said it, or the directory of `--rootfs`.
    public var imageName: String { record.imageName }
    /// nil for a container of a directory.
    public var imageID: Digest? { record.imageID }
    /// Entry point and arguments as run.
    public var command: [String] { record.command }
    public var ports: [NetworkOptions.PortMapping] { record.ports }
    public var labels: [String: String] { record.labels }
    /// Destinations of the mounts that the user or the image asked for.
    public var mounts: [String] { record.mounts }
    /// podman's word for the network: `host`, `none`, `pasta`, ….
    public var network: String { record.network }
    /// `--rm`.
    public var removeOnExit: Bool { record.removeOnExit }
    /// It has a terminal: `exec` and `start` may want one too.
    public var hasTerminal: Bool { record.hasTerminal }
    /// `--interactive`.
    public var isInteractive: Bool { record.interactive }
    /// How often the restart policy has started it again.
    public var restarts: UInt32 { facts.state?.restarts ?? 0 }
}
