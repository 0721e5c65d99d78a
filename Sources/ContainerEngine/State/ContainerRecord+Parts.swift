import OCISpec

// Parts of `container.json` whose types belong to the request and to the specification.

extension NetworkOptions.PortMapping: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        self.init(
            hostAddress: try json.optional("hostAddress"), hostPort: try json.optional("hostPort"),
            containerPort: try json.required("containerPort"), transport: try json.required("transport"))
    }

    public var json: JSON {
        JSON(members: [
            "hostAddress": hostAddress.map(JSON.string), "hostPort": hostPort?.json,
            "containerPort": containerPort.json, "transport": .string(transport),
        ])
    }
}

extension ContainerConfiguration.RestartPolicy: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        let name: String = try json.required("name")
        switch name {
        case "always": self = .always
        case "unless-stopped": self = .unlessStopped
        case "on-failure": self = .onFailure(maximumRetries: try json.optional("retries"))
        default: self = .no
        }
    }

    public var json: JSON {
        var retries: UInt32?
        if case .onFailure(let maximum) = self { retries = maximum }
        return JSON(members: ["name": .string(name), "retries": retries?.json])
    }

    /// podman's word.
    package var name: String {
        switch self {
        case .no: "no"
        case .always: "always"
        case .unlessStopped: "unless-stopped"
        case .onFailure: "on-failure"
        }
    }
}

extension LogOptions: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        self.init()
        let word: String? = try json.optional("driver")
        driver = word.flatMap(Driver.init(rawValue:))
        path = try json.optional("path")
        maximumSize = try json.optional("maximumSize")
        tag = try json.optional("tag")
    }

    public var json: JSON {
        JSON(members: [
            "driver": driver.map { .string($0.rawValue) }, "path": path.map(JSON.string),
            "maximumSize": maximumSize?.json, "tag": tag.map(JSON.string),
        ])
    }
}

extension SeccompSelection: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        if let path: String = try json.optional("file") {
            self = .file(path)
        } else {
            self = try json.optional("default") ?? false ? .defaultProfile : .none
        }
    }

    public var json: JSON {
        switch self {
        case .none: .object([])
        case .defaultProfile: JSON(members: ["default": .bool(true)])
        case .file(let path): JSON(members: ["file": .string(path)])
        }
    }
}

extension Specification.VolumeUse: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        self.init(
            name: try json.required("name"), isAnonymous: try json.optional("anonymous") ?? false,
            destination: try json.required("destination"), copyUp: try json.optional("copyUp") ?? false)
    }

    public var json: JSON {
        JSON(members: [
            "name": .string(name), "anonymous": isAnonymous.jsonUnlessFalse, "destination": .string(destination),
            "copyUp": copyUp.jsonUnlessFalse,
        ])
    }
}

extension Specification.Join: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        let word: String = try json.required("kind")
        guard let kind = RuntimeSpec.NamespaceKind(rawValue: word) else {
            throw DocumentError(path: "kind", reason: "is not a kind of namespace")
        }
        self.init(kind: kind, container: try json.required("container"))
    }

    public var json: JSON {
        JSON(members: ["kind": .string(kind.rawValue), "container": .string(container)])
    }
}

/// What a later start or `exec` needs of it. Files and root entries stand in the container's directory by then.
extension Specification: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        self.init(runtime: try json.required("runtime"))
        seccomp = try json.optional("seccomp") ?? .none
        volumes = try json.list("volumes")
        joins = try json.list("joins")
        automaticIDs = try json.optional("automaticIDs") ?? false
        stopSignal = try json.optional("stopSignal") ?? 15
        stopTimeout = try json.optional("stopTimeout") ?? 10
        keepGroups = try json.optional("keepGroups") ?? false
        homeIsDerived = try json.optional("homeIsDerived") ?? false
    }

    public var json: JSON {
        JSON(members: [
            "runtime": runtime.json, "seccomp": seccomp == .none ? nil : seccomp.json,
            "volumes": volumes.jsonUnlessEmpty, "joins": joins.jsonUnlessEmpty,
            "automaticIDs": automaticIDs.jsonUnlessFalse, "stopSignal": stopSignal.json,
            "stopTimeout": stopTimeout.json, "keepGroups": keepGroups.jsonUnlessFalse,
            "homeIsDerived": homeIsDerived.jsonUnlessFalse,
        ])
    }
}
