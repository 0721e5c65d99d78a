import LinuxKernel
import OCISpec

/// What the store keeps of an image beside its blobs, so that a start reads one small file and parses no JSON.
struct ImageRecord: Equatable {
    /// `names` stays empty: who has which name is told by the names alone.
    var image: StoredImage
    /// Where the manifest is, for the image layout's index.
    var manifest: ContentDescriptor

    private static let magic = Array("swiftpod image 1\n".utf8)

    init(image: StoredImage, manifest: ContentDescriptor) {
        self.image = image
        self.manifest = manifest
    }

    func encoded() -> [UInt8] {
        var writer = BinaryWriter()
        writer.put(raw: ImageRecord.magic)
        for digest in [image.id, image.manifestDigest, image.chainID] { writer.put(ObjectID(digest)) }
        writer.put(manifest.mediaType)
        writer.put(signed: manifest.size)
        writer.put(signed: image.size)
        writer.put(image.layers) { $0.put(ObjectID($1)) }
        let config = image.config
        writer.put(config.platform.os)
        writer.put(config.platform.architecture)
        writer.put(optional: config.platform.variant)
        writer.put(optional: config.created)
        writer.put(optional: config.author)
        let run = config.config
        writer.put(run.user)
        writer.put(run.workingDir)
        writer.put(optional: run.stopSignal)
        for list in [run.env, run.entrypoint, run.cmd, run.volumes, run.exposedPorts] {
            writer.put(list) { $0.put($1) }
        }
        writer.put(run.labels.sorted { $0.key < $1.key }) { writer, label in
            writer.put(label.key)
            writer.put(label.value)
        }
        writer.seal()
        return writer.bytes
    }

    /// - Throws: `StoreError` where the bytes are not an image's record.
    init(decoding bytes: [UInt8]) throws {
        var reader = try BinaryReader(sealed: bytes)
        try reader.expect(ImageRecord.magic)
        let id = try reader.id().digest
        let manifestDigest = try reader.id().digest
        let chainID = try reader.id().digest
        let mediaType = try reader.text()
        manifest = ContentDescriptor(mediaType: mediaType, digest: manifestDigest, size: try reader.signed())
        let size = try reader.signed()
        let layers = try reader.list { try $0.id().digest }
        let os = try reader.text()
        let architecture = try reader.text()
        var config = ImageConfig(
            platform: Platform(os: os, architecture: architecture, variant: try reader.optionalText()), diffIDs: layers)
        config.created = try reader.optionalText()
        config.author = try reader.optionalText()
        config.config.user = try reader.text()
        config.config.workingDir = try reader.text()
        config.config.stopSignal = try reader.optionalText()
        config.config.env = try reader.list { try $0.text() }
        config.config.entrypoint = try reader.list { try $0.text() }
        config.config.cmd = try reader.list { try $0.text() }
        config.config.volumes = try reader.list { try $0.text() }
        config.config.exposedPorts = try reader.list { try $0.text() }
        for _ in 0..<(try reader.count()) {
            let key = try reader.text()
            config.config.labels[key] = try reader.text()
        }
        image = StoredImage(
            id: id, manifestDigest: manifestDigest, names: [], config: config, size: size, layers: layers,
            chainID: chainID)
    }
}

extension BinaryWriter {
    fileprivate mutating func put(optional text: String?) {
        put(text == nil ? 0 : 1)
        if let text { put(text) }
    }
}

extension BinaryReader {
    fileprivate mutating func optionalText() throws -> String? {
        try number() == 0 ? nil : try text()
    }
}
