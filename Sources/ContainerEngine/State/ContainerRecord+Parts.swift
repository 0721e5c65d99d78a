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
