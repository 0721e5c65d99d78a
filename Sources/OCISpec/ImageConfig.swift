/// The image specification's configuration document.
public struct ImageConfig: Equatable, Sendable {
    public var platform: Platform
    /// RFC 3339.
    public var created: String?
    public var author: String?
    /// Digests of the uncompressed layers, lowest first.
    public var diffIDs: [Digest]
    public var history: [History] = []
    public var config: Execution = Execution()

    public init(platform: Platform, diffIDs: [Digest]) {
        self.platform = platform
        self.diffIDs = diffIDs
    }

    /// What a container of the image runs unless told otherwise: the document's `config` member.
    public struct Execution: Equatable, Sendable {
        public var user: String = ""
        /// As in the document, `80/tcp`, sorted.
        public var exposedPorts: [String] = []
        public var env: [String] = []
        public var entrypoint: [String] = []
        public var cmd: [String] = []
        /// Paths inside the container, sorted.
        public var volumes: [String] = []
        public var workingDir: String = ""
        public var labels: [String: String] = [:]
        public var stopSignal: String?

        public init() {}
    }

    /// How one layer, or one change of the configuration, came to be.
    public struct History: Equatable, Sendable {
        public var created: String?
        public var createdBy: String?
        public var author: String?
        public var comment: String?
        public var emptyLayer: Bool = false

        public init() {}
    }
}

extension ImageConfig: JSONDocument {
    /// Reads OCI's and Docker's documents. Early Docker wrote neither `os` nor `architecture`: such an image is taken
    /// to be for this machine.
    public init(json: JSON) throws(DocumentError) {
        let rootfs: JSON = try json.required("rootfs")
        let diffIDs: [Digest]
        do throws(DocumentError) {
            if let type: String = try rootfs.optional("type"), type != "layers" {
                throw DocumentError(path: "type", reason: "is not \"layers\"")
            }
            diffIDs = try rootfs.list("diff_ids")
        } catch { throw error.within("rootfs") }
        let architecture: String = try json.optional("architecture") ?? ""
        let os: String = try json.optional("os") ?? ""
        self.init(
            platform: Platform(
                os: os.isEmpty ? "linux" : os,
                architecture: architecture.isEmpty ? Platform.host.architecture : architecture,
                variant: try json.optional("variant")),
            diffIDs: diffIDs)
        created = try json.optional("created")
        author = try json.optional("author")
        history = try json.list("history")
        config = try json.optional("config") ?? Execution()
    }

    public var json: JSON {
        JSON(members: [
            "created": created?.json, "author": author?.json, "architecture": platform.architecture.json,
            "os": platform.os.json, "variant": platform.variant?.json, "config": config.json,
            "rootfs": ["type": "layers", "diff_ids": diffIDs.json], "history": history.jsonUnlessEmpty,
        ])
    }
}

extension ImageConfig.Execution: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        user = try json.optional("User") ?? ""
        exposedPorts = try json.keys("ExposedPorts")
        env = try json.list("Env")
        entrypoint = try json.words("Entrypoint")
        cmd = try json.words("Cmd")
        volumes = try json.keys("Volumes")
        workingDir = try json.optional("WorkingDir") ?? ""
        labels = try json.table("Labels")
        let signal: String? = try json.optional("StopSignal")
        stopSignal = signal?.isEmpty == true ? nil : signal
    }

    public var json: JSON {
        JSON(members: [
            "User": user.jsonUnlessEmpty, "ExposedPorts": set(exposedPorts), "Env": env.jsonUnlessEmpty,
            "Entrypoint": entrypoint.jsonUnlessEmpty, "Cmd": cmd.jsonUnlessEmpty, "Volumes": set(volumes),
            "WorkingDir": workingDir.jsonUnlessEmpty, "Labels": labels.jsonUnlessEmpty,
            "StopSignal": stopSignal?.json,
        ])
    }

    private func set(_ names: [String]) -> JSON? {
        names.isEmpty ? nil : .object(names.map { JSON.Member($0, .object([])) })
    }
}

extension JSON {
    /// An array of words, or one string, which Docker takes for an array of one.
    fileprivate func words(_ name: String) throws(DocumentError) -> [String] {
        if case .string(let word)? = self[name] { return word.isEmpty ? [] : [try required(name)] }
        return try list(name)
    }
}

extension ImageConfig.History: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        created = try json.optional("created")
        createdBy = try json.optional("created_by")
        author = try json.optional("author")
        comment = try json.optional("comment")
        emptyLayer = try json.optional("empty_layer") ?? false
    }

    public var json: JSON {
        JSON(members: [
            "created": created?.json, "created_by": createdBy?.json, "author": author?.json,
            "comment": comment?.json, "empty_layer": emptyLayer.jsonUnlessFalse,
        ])
    }
}
