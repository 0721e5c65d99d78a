/// The image specification's content descriptor.
public struct ContentDescriptor: Equatable, Sendable {
    public var mediaType: String
    public var digest: Digest
    /// Bytes.
    public var size: Int64
    public var platform: Platform?
    public var annotations: [String: String] = [:]
    public var urls: [String] = []
    /// The kind of artefact that the manifest pointed at describes.
    public var artifactType: String?

    public init(mediaType: String, digest: Digest, size: Int64) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
    }
}

extension ContentDescriptor: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        self.init(
            mediaType: try json.required("mediaType"), digest: try json.required("digest"),
            size: try json.required("size"))
        guard size >= 0 else { throw DocumentError(path: "size", reason: "is negative") }
        platform = try json.optional("platform")
        annotations = try json.table("annotations")
        urls = try json.list("urls")
        artifactType = try json.optional("artifactType")
    }

    public var json: JSON {
        JSON(members: [
            "mediaType": mediaType.json, "digest": digest.json, "size": size.json, "platform": platform?.json,
            "urls": urls.jsonUnlessEmpty, "annotations": annotations.jsonUnlessEmpty,
            "artifactType": artifactType?.json,
        ])
    }
}
