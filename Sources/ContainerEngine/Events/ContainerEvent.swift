import OCISpec

/// Something that happened to a container.
public struct ContainerEvent: Equatable, Sendable {
    /// podman's words, and docker's for the last.
    public enum Status: String, Equatable, Sendable, CaseIterable {
        case create, start, died, remove, stop, kill, pause, unpause, exec, update, oom
        case execDied = "exec_died"
    }

    public var time: Timestamp
    public var status: Status
    /// The container's.
    public var id: String
    public var name: String
    public var image: String
    /// Of `died` and `exec_died`.
    public var exitCode: Int32?
    public var labels: [String: String] = [:]

    public init(time: Timestamp = .now(), _ status: Status, id: String, name: String, image: String) {
        self.time = time
        self.status = status
        self.id = id
        self.name = name
        self.image = image
    }
}

extension ContainerEvent: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        let word: String = try json.required("Status")
        guard let status = Status(rawValue: word) else {
            throw DocumentError(path: "Status", reason: "is \"\(word.escapingControls)\", which is no event")
        }
        self.init(
            time: try json.required("Time"), status, id: try json.required("ID"), name: try json.required("Name"),
            image: try json.optional("Image") ?? "")
        exitCode = try json.optional("ContainerExitCode")
        labels = try json.table("Attributes")
    }

    /// podman's shape.
    public var json: JSON {
        JSON(members: [
            "ContainerExitCode": exitCode?.json, "ID": .string(id), "Image": .string(image), "Name": .string(name),
            "Status": .string(status.rawValue), "Time": time.json, "Type": .string("container"),
            "Attributes": labels.jsonUnlessEmpty,
        ])
    }
}
