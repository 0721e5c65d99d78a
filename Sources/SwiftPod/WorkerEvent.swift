/// What happens to a launcher's workers, for logs and dashboards.
public struct WorkerEvent: Hashable, Sendable {
    public var kind: Kind
    /// The process, of events about one.
    public var processID: Int32?
    /// The container's id, of events about one.
    public var containerID: String?

    /// More may come: switch with a default.
    public enum Kind: Hashable, Sendable {
        /// An image is not here and is being pulled.
        case pulling(image: String)
        case pulled(image: String)
        /// A worker's command has been executed.
        case started
        case ended(WorkerEnd)
        /// Something had to be left out: one line.
        case warning(String)
        /// The launcher has gone; the last event.
        case closed
    }

    init(_ kind: Kind, processID: Int32? = nil, containerID: String? = nil) {
        self.kind = kind
        self.processID = processID
        self.containerID = containerID
    }
}
