import ContainerEngine
import OCISpec

/// A container as `ps` shows it: to templates, and as a document.
struct ContainerRow {
    let container: Container
    let now: Timestamp
    var truncates = true

    /// What the table shows when nobody asks for something else: with a thousand containers the other fields would take
    /// longer than reading the containers.
    var columns: JSON {
        JSON(members: [
            "ID": .string(truncates ? String(container.id.prefix(12)) : container.id),
            "Image": .string(container.imageName), "Command": .string(command), "Created": .string(created),
            "Status": .string(status), "Ports": .string(ports), "Names": .string(container.name),
        ])
    }

    /// What `{{.Field}}` finds.
    var fields: JSON {
        let document = self.document
        return JSON(members: [
            "AutoRemove": document["AutoRemove"], "Command": .string(command), "Created": .string(created),
            "CreatedAt": .string(goTime(container.createdAt)), "CreatedHuman": .string(created),
            "Exited": document["Exited"], "ExitCode": document["ExitCode"], "ExitedAt": document["ExitedAt"],
            "ID": .string(truncates ? String(container.id.prefix(12)) : container.id),
            "Image": .string(container.imageName),
            "ImageID": document["ImageID"], "IsInfra": .bool(false),
            "Labels": .object(labels), "Label": .object(labels),
            "Mounts": .string(container.mounts.joined(separator: ",")),
            "Names": .string(container.name), "Networks": .string(container.network), "Pid": document["Pid"],
            "Pod": .string(""), "PodName": .string(""), "Ports": .string(ports),
            "RunningFor": .string(created), "StartedAt": document["StartedAt"], "State": document["State"],
            "Status": .string(status),
        ])
    }

    /// What `--format json` prints.
    var document: JSON {
        var exitCode: Int32 = 0
        // Go's zero time, in seconds.
        var (started, ended): (Int64, Int64) = (-62_135_596_800, -62_135_596_800)
        switch container.status {
        case .running(_, let since), .paused(_, let since), .stopping(_, let since): started = since.seconds
        case .exited(let code, let at): (exitCode, ended) = (code, at.seconds)
        case .created, .removing: break
        }
        let isExited = if case .exited = container.status { true } else { false }
        return JSON(members: [
            "AutoRemove": .bool(container.removeOnExit), "Command": .array(container.command.map(JSON.string)),
            "CreatedAt": .string(created), "Exited": .bool(isExited), "ExitedAt": .integer(ended),
            "ExitCode": .integer(Int64(exitCode)), "Id": .string(container.id), "Image": .string(container.imageName),
            "ImageID": .string(container.imageID?.hex ?? ""), "IsInfra": .bool(false),
            "Labels": labels.isEmpty ? .null : .object(labels), "Mounts": .array(container.mounts.map(JSON.string)),
            "Names": .array([.string(container.name)]), "Namespaces": .object([]),
            "Networks": .array(container.network.isEmpty ? [] : [.string(container.network)]),
            "Pid": .integer(Int64(container.status.pid ?? 0)), "Pod": .string(""), "PodName": .string(""),
            "Ports": container.ports.isEmpty ? .null : .array(container.ports.map(portDocument)), "Size": .null,
            "StartedAt": .integer(started), "State": .string(container.status.name), "Status": .string(status),
            "Created": .integer(container.createdAt.seconds),
        ])
    }

    private var labels: [JSON.Member] {
        container.labels.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .string($0.value)) }
    }

    private var created: String { ago(container.createdAt) }

    private func ago(_ moment: Timestamp) -> String { humanDuration(seconds: now.seconds - moment.seconds) + " ago" }

    private var status: String {
        switch container.status {
        case .created: "Created"
        case .running(_, let since): "Up \(humanDuration(seconds: now.seconds - since.seconds))"
        case .paused: "Paused"
        case .stopping: "Stopping"
        case .exited(let code, let at): "Exited (\(code)) \(ago(at))"
        case .removing: "Removing"
        }
    }

    /// One line, cut as podman cuts it.
    private var command: String {
        let words = container.command.joined(separator: " ")
        // Characters are costly to find, and most commands have none that is not one byte.
        if words.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) {
            guard truncates, words.utf8.count > 17 else { return words }
            return words.prefix(17) + "..."
        }
        let line = String(words.map { $0.isNewline ? " " : $0 })
        guard truncates, line.count > 17 else { return line }
        return line.prefix(17) + "..."
    }

    private var ports: String {
        var texts: [String] = []
        var rest = container.ports[...]
        while let first = rest.popFirst() {
            var last = first
            while let next = rest.first, next.hostAddress == first.hostAddress, next.transport == first.transport,
                let host = last.hostPort, host < .max, last.containerPort < .max, next.hostPort == host + 1,
                next.containerPort == last.containerPort + 1
            {
                last = next
                rest = rest.dropFirst()
            }
            func range(_ a: UInt16, _ b: UInt16) -> String { a == b ? "\(a)" : "\(a)-\(b)" }
            let host = range(first.hostPort ?? 0, last.hostPort ?? 0)
            let inside = range(first.containerPort, last.containerPort)
            texts.append("\(first.hostAddress ?? "0.0.0.0"):\(host)->\(inside)/\(first.transport)")
        }
        return texts.joined(separator: ", ")
    }

    private func portDocument(_ port: NetworkOptions.PortMapping) -> JSON {
        JSON(members: [
            "host_ip": .string(port.hostAddress ?? ""), "container_port": .integer(Int64(port.containerPort)),
            "host_port": .integer(Int64(port.hostPort ?? 0)), "range": 1, "protocol": .string(port.transport),
        ])
    }
}

/// As Go prints a time: `2026-01-02 03:04:05.000000006 +0000 UTC`.
func goTime(_ moment: Timestamp) -> String {
    let text = moment.description
    return text.prefix(10) + " " + text.dropFirst(11).dropLast() + " +0000 UTC"
}
