import OCISpec

/// `container.json`: everything about a container that is fixed when it is made.
package struct ContainerRecord: Equatable, Sendable {
    package var id: String
    package var name: String
    package var created: Timestamp
    /// As the user said it, or the directory of `--rootfs`.
    package var imageName: String
    package var imageID: Digest?
    package var root: Root
    /// The network as asked for, in podman's words: `host`, `none`, `pasta`, `slirp4netns`, `container:ID`, `ns:PATH`.
    package var network: String
    package var networkOptions: [String] = []
    package var ports: [NetworkOptions.PortMapping] = []
    package var labels: [String: String] = [:]
    /// Destinations of the mounts that the user or the image asked for.
    package var mounts: [String] = []
    /// `--user` or the image's, as written.
    package var user = ""
    package var removeOnExit = false
    package var interactive = false
    package var initProcess = false
    package var preservedDescriptors = 0
    package var timeout: UInt32 = 0
    package var restart: ContainerConfiguration.RestartPolicy = .no
    package var log: LogOptions = LogOptions()
    package var cgroups = CgroupOptions()
    package var specification: Specification
    /// What `inspect` shows of the request: members of podman's `HostConfig` that differ from the defaults.
    package var hostConfig: [JSON.Member] = []
    /// The words after IMAGE and `--entrypoint`, for `inspect`.
    package var createCommand: [String] = []

    /// Where the root file system comes from.
    package enum Root: Equatable, Sendable {
        case tree(path: String, objects: String?)
        case directory(String)
    }

    package var command: [String] { specification.runtime.process?.args ?? [] }
    package var hasTerminal: Bool { specification.runtime.process?.terminal ?? false }

    /// Anonymous volumes go with the container.
    package var anonymousVolumes: [String] { specification.volumes.filter(\.isAnonymous).map(\.name) }

    package init(
        id: String, name: String, created: Timestamp, imageName: String, imageID: Digest?, root: Root, network: String,
        specification: Specification
    ) {
        self.id = id
        self.name = name
        self.created = created
        self.imageName = imageName
        self.imageID = imageID
        self.root = root
        self.network = network
        self.specification = specification
    }
}

extension ContainerRecord: JSONDocument {
    package init(json: JSON) throws(DocumentError) {
        try self.init(json, specification: try json.required("specification"))
    }

    /// For a list, which has hundreds of them to read: of the beginning of a document, what stands before the
    /// specification, in which of that the command alone is.
    ///
    /// - Throws: also where the bytes end before the specification begins, and for a document of a version that did not
    ///   repeat the command: to be read whole.
    package init(listing bytes: [UInt8]) throws(DocumentError) {
        let json = try JSON(parsing: bytes, before: "specification")
        guard json["command"] != nil else { throw DocumentError(path: "command", reason: "is missing") }
        var process = RuntimeSpec.Process()
        process.args = try json.list("command")
        var runtime = RuntimeSpec()
        runtime.process = process
        try self.init(json, specification: Specification(runtime: runtime))
    }

    /// For whoever takes the container away: what stands before the specification, where nothing in that has to be
    /// taken away as well.
    ///
    /// - Throws: also where something has, and as ``init(listing:)``: to be read whole.
    package init(ending bytes: [UInt8]) throws(DocumentError) {
        let json = try JSON(parsing: bytes, before: "specification")
        guard json["endsPlainly"]?.bool == true else {
            throw DocumentError(path: "endsPlainly", reason: "is not true")
        }
        try self.init(json, specification: Specification(runtime: RuntimeSpec()))
    }

    /// Neither volumes, nor hooks, nor groups of resctrl are left to do when it goes.
    private var endsPlainly: Bool {
        let runtime = specification.runtime
        return runtime.hooks == nil && runtime.linux?.intelRdt == nil
            && specification.volumes.allSatisfy { !$0.isAnonymous }
    }

    private init(_ json: JSON, specification: Specification) throws(DocumentError) {
        id = try json.required("id")
        name = try json.required("name")
        created = try json.required("created")
        imageName = try json.optional("imageName") ?? ""
        imageID = try json.optional("imageID")
        root = try json.required("root")
        network = try json.required("network")
        networkOptions = try json.list("networkOptions")
        ports = try json.list("ports")
        labels = try json.table("labels")
        mounts = try json.list("mounts")
        user = try json.optional("user") ?? ""
        removeOnExit = try json.optional("removeOnExit") ?? false
        interactive = try json.optional("interactive") ?? false
        initProcess = try json.optional("init") ?? false
        preservedDescriptors = try json.optional("preservedDescriptors") ?? 0
        timeout = try json.optional("timeout") ?? 0
        restart = try json.optional("restart") ?? .no
        log = try json.optional("log") ?? LogOptions()
        cgroups = try json.optional("cgroups") ?? CgroupOptions()
        self.specification = specification
        hostConfig = json["hostConfig"]?.members ?? []
        createCommand = try json.list("createCommand")
    }

    package var json: JSON {
        JSON(members: [
            "id": .string(id), "name": .string(name), "created": created.json, "imageName": .string(imageName),
            "imageID": imageID?.json, "root": root.json, "network": .string(network),
            "networkOptions": networkOptions.jsonUnlessEmpty, "ports": ports.jsonUnlessEmpty,
            "labels": labels.jsonUnlessEmpty, "mounts": mounts.jsonUnlessEmpty,
            "user": user.jsonUnlessEmpty, "removeOnExit": removeOnExit.jsonUnlessFalse,
            "interactive": interactive.jsonUnlessFalse,
            "init": initProcess.jsonUnlessFalse,
            "preservedDescriptors": preservedDescriptors == 0 ? nil : preservedDescriptors.json,
            "timeout": timeout == 0 ? nil : timeout.json, "restart": restart == .no ? nil : restart.json,
            "log": log == LogOptions() ? nil : log.json,
            "cgroups": cgroups == CgroupOptions() ? nil : cgroups.json, "command": .array(command.map(JSON.string)),
            "endsPlainly": endsPlainly.jsonUnlessFalse,
            // What a list shows and an end needs stands before, what they do not behind.
            "specification": specification.json,
            "hostConfig": hostConfig.isEmpty ? nil : .object(hostConfig),
            "createCommand": createCommand.jsonUnlessEmpty,
        ])
    }
}

extension ContainerRecord.Root: JSONDocument {
    package init(json: JSON) throws(DocumentError) {
        if let path: String = try json.optional("tree") {
            self = .tree(path: path, objects: try json.optional("objects"))
        } else {
            self = .directory(try json.required("directory"))
        }
    }

    package var json: JSON {
        switch self {
        case .tree(let path, let objects):
            JSON(members: ["tree": .string(path), "objects": objects.map(JSON.string)])
        case .directory(let path): JSON(members: ["directory": .string(path)])
        }
    }
}
