import OCISpec

/// A container as it stood when it was looked up.
public struct Container: Sendable {
    /// Large, and lists are sorted and filtered.
    private final class Content: Sendable {
        let record: ContainerRecord
        let facts: RunFacts

        init(_ record: ContainerRecord, _ facts: RunFacts) {
            self.record = record
            self.facts = facts
        }
    }

    private let content: Content
    package var record: ContainerRecord { content.record }
    package var facts: RunFacts { content.facts }
    public let status: ContainerStatus
    /// Where the container stands: `<data>/containers/<id>`.
    public let directory: String

    package init(record: ContainerRecord, status: ContainerStatus, facts: RunFacts, directory: String) {
        content = Content(record, facts)
        self.status = status
        self.directory = directory
    }

    /// 64 hexadecimal digits.
    public var id: String { content.record.id }
    public var name: String { content.record.name }
    public var createdAt: Timestamp { content.record.created }
    /// nil where it was never started.
    public var startedAt: Timestamp? { content.facts.state?.startedAt }
    /// The image's name as the user said it, or the directory of `--rootfs`.
    public var imageName: String { content.record.imageName }
    /// nil for a container of a directory.
    public var imageID: Digest? { content.record.imageID }
    /// Entry point and arguments as run.
    public var command: [String] { content.record.command }
    public var ports: [NetworkOptions.PortMapping] { content.record.ports }
    public var labels: [String: String] { content.record.labels }
    /// Destinations of the mounts that the user or the image asked for.
    public var mounts: [String] { content.record.mounts }
    /// podman's word for the network: `host`, `none`, `pasta`, ….
    public var network: String { content.record.network }
    /// `--rm`.
    public var removeOnExit: Bool { content.record.removeOnExit }
    /// It has a terminal: `exec` and `start` may want one too.
    public var hasTerminal: Bool { content.record.hasTerminal }
    /// `--interactive`.
    public var isInteractive: Bool { content.record.interactive }
    /// How often the restart policy has started it again.
    public var restarts: UInt32 { content.facts.state?.restarts ?? 0 }
}
