/// An OCI image manifest or a Docker v2 schema 2 manifest: they have one shape.
public struct ImageManifest: Equatable, Sendable {
    public var mediaType: String
    public var config: ContentDescriptor
    /// Lowest first.
    public var layers: [ContentDescriptor]
    public var annotations: [String: String] = [:]
    /// Set where the manifest holds something else than an image.
    public var artifactType: String?

    public init(mediaType: String, config: ContentDescriptor, layers: [ContentDescriptor]) {
        self.mediaType = mediaType
        self.config = config
        self.layers = layers
    }
}

extension ImageManifest: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        try json.checkSchema(allowing: MediaType.manifests, excluding: "manifests")
        self.init(
            mediaType: try json.optional("mediaType") ?? MediaType.ociManifest, config: try json.required("config"),
            layers: try json.list("layers"))
        annotations = try json.table("annotations")
        artifactType = try json.optional("artifactType")
    }

    public var json: JSON {
        JSON(members: [
            "schemaVersion": 2, "mediaType": mediaType.json, "artifactType": artifactType?.json,
            "config": config.json, "layers": layers.json, "annotations": annotations.jsonUnlessEmpty,
        ])
    }
}

/// An OCI image index or a Docker manifest list.
public struct ImageIndex: Equatable, Sendable {
    public var mediaType: String
    public var manifests: [ContentDescriptor]
    public var annotations: [String: String] = [:]

    public init(mediaType: String, manifests: [ContentDescriptor]) {
        self.mediaType = mediaType
        self.manifests = manifests
    }

    /// The manifest that runs best on a platform, the first of equals; nil where none runs there.
    ///
    /// Entries without a platform come last and only where nothing names one that fits.
    public func manifest(for platform: Platform) -> ContentDescriptor? {
        for candidate in platform.candidates {
            if let found = manifests.first(where: { $0.platform?.normalized == candidate }) { return found }
        }
        return manifests.first { $0.platform == nil }
    }
}

extension ImageIndex: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        try json.checkSchema(allowing: MediaType.indexes, excluding: "layers", "config")
        // An empty list is written as null by some of Go's programs; one that is not there at all means that this is
        // another kind of document.
        guard json["manifests"] != nil else { throw DocumentError(path: "manifests", reason: "is missing") }
        self.init(
            mediaType: try json.optional("mediaType") ?? MediaType.ociIndex, manifests: try json.list("manifests"))
        annotations = try json.table("annotations")
    }

    public var json: JSON {
        JSON(members: [
            "schemaVersion": 2, "mediaType": mediaType.json, "manifests": manifests.json,
            "annotations": annotations.jsonUnlessEmpty,
        ])
    }
}

extension JSON {
    /// The checks that manifests and indexes share. A document that can be read as either is refused: two readers
    /// could take one digest for two different images (CVE-2021-41190).
    fileprivate func checkSchema(allowing mediaTypes: [String], excluding others: String...) throws(DocumentError) {
        let version: Int = try required("schemaVersion")
        guard version == 2 else {
            let hint = version == 1 ? " (Docker's schema 1 is not supported)" : ""
            throw DocumentError(path: "schemaVersion", reason: "is \(version), not 2\(hint)")
        }
        if let mediaType: String = try optional("mediaType"), !mediaTypes.contains(mediaType) {
            throw DocumentError(
                path: "mediaType", reason: "is \"\(mediaType.escapingControls)\", not \"\(mediaTypes[0])\"")
        }
        for name in others where self[name] != nil {
            throw DocumentError(path: name, reason: "does not belong into this kind of document")
        }
    }
}
