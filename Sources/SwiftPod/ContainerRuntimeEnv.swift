import OCISpec

/// What a Ray worker's `runtime_env` says about its container: an image, and how it is run.
///
/// Equal values stand for equal sandboxes; a program keeps pools and preparations by them.
public struct ContainerRuntimeEnv: Hashable, Sendable {
    /// The image's name, as `swiftpod pull` takes it.
    public var image: String
    /// Ray's `default_worker.py` inside the image; nil is found when the image is prepared.
    public var workerPath: String?
    /// Options of `swiftpod run` (which are `podman run`'s), each element one or several words with a shell's quotes:
    /// `--device nvidia.com/gpu=all`, `-v '/a b:/b'`. Nothing is expanded; what only a shell would understand is refused.
    public var runOptions: [String]

    public init(image: String, workerPath: String? = nil, runOptions: [String] = []) {
        self.image = image
        self.workerPath = workerPath
        self.runOptions = runOptions
    }

    /// Reads any of the forms that Ray and its users write, as JSON: `{"image": …, "worker_path": …, "run_options": […]}`,
    /// a whole `runtime_env` with such an object under `container` (or under `swiftpod`, for the plugin), or with an
    /// `image_uri`.
    ///
    /// - Throws: ``WorkerError`` with the code `.invalid` for what is not JSON, has no image, or more than one.
    public init(json text: String) throws(WorkerError) {
        do {
            try self.init(json: try JSON(parsing: text))
        } catch {
            throw WorkerError(.invalid, "runtime_env \(error.description)")
        }
    }

    /// The same from a document that has been read already.
    package init(json: JSON) throws(DocumentError) {
        guard let found = try ContainerRuntimeEnv.find(in: json) else { throw DocumentError(reason: "has no image") }
        self = found
    }

    /// nil where a `runtime_env` asks for no container.
    package static func find(in json: JSON) throws(DocumentError) -> ContainerRuntimeEnv? {
        guard json.members != nil else { throw DocumentError(reason: "is not an object") }
        var found: [ContainerRuntimeEnv] = []
        for name in ["container", "swiftpod"] {
            guard let container = json[name], !container.isNull else { continue }
            do throws(DocumentError) {
                guard container.members != nil else { throw DocumentError(reason: "is not an object") }
                found.append(try ContainerRuntimeEnv(object: container))
            } catch { throw error.within(name) }
        }
        if let uri: String = try json.optional("image_uri"), !uri.isEmpty {
            found.append(ContainerRuntimeEnv(image: uri))
        }
        if found.isEmpty, json["image"] != nil { return try ContainerRuntimeEnv(object: json) }
        guard found.count < 2 else { throw DocumentError(reason: "asks for more than one container") }
        return found.first
    }

    private init(object: JSON) throws(DocumentError) {
        let image: String = try object.required("image")
        guard !image.isEmpty else { throw DocumentError(path: "image", reason: "is empty") }
        // What is not known is most likely misspelt, and would be missed only when the worker runs.
        for member in object.members ?? []
        where !["image", "worker_path", "run_options"].contains(member.name) {
            throw DocumentError(path: member.name, reason: "is not image, worker_path or run_options")
        }
        let path: String? = try object.optional("worker_path")
        self.init(
            image: image, workerPath: path.flatMap { $0.isEmpty ? nil : $0 },
            runOptions: try object.list("run_options"))
    }
}

extension ContainerRuntimeEnv: Codable {
    private enum Key: String, CodingKey {
        case image
        case workerPath = "worker_path"
        case runOptions = "run_options"
        case container
        case swiftpod
        case imageURI = "image_uri"
    }

    /// Decodes the same forms as ``init(json:)``.
    public init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: Key.self)
        var found: [ContainerRuntimeEnv] = []
        for key in [Key.container, .swiftpod] {
            if let inner = try object.decodeIfPresent(ContainerRuntimeEnv.self, forKey: key) { found.append(inner) }
        }
        if let uri = try object.decodeIfPresent(String.self, forKey: .imageURI), !uri.isEmpty {
            found.append(ContainerRuntimeEnv(image: uri))
        }
        if found.isEmpty {
            let path = try object.decodeIfPresent(String.self, forKey: .workerPath)
            found.append(
                ContainerRuntimeEnv(
                    image: try object.decode(String.self, forKey: .image),
                    workerPath: path.flatMap { $0.isEmpty ? nil : $0 },
                    runOptions: try object.decodeIfPresent([String].self, forKey: .runOptions) ?? []))
        }
        guard found.count == 1, !found[0].image.isEmpty else {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: decoder.codingPath,
                    debugDescription: found.count == 1 ? "the image is empty" : "more than one container is asked for"))
        }
        self = found[0]
    }

    /// Encodes Ray's `container` object.
    public func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: Key.self)
        try object.encode(image, forKey: .image)
        try object.encodeIfPresent(workerPath, forKey: .workerPath)
        if !runOptions.isEmpty { try object.encode(runOptions, forKey: .runOptions) }
    }
}
