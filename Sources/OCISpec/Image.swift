/// A content digest, `sha256:` and 64 lower-case hexadecimal digits. No other algorithm is accepted.
public struct Digest: Hashable, Sendable, CustomStringConvertible {
    /// The 64 hexadecimal digits.
    public let hex: String

    /// Wraps digits that are known to be right.
    public init(uncheckedHex hex: String) {
        self.hex = hex
    }

    public var description: String { "sha256:" + hex }
}

/// What an image is built for, as in the image specification's index: `linux/arm64/v8`.
public struct Platform: Hashable, Sendable {
    public var os: String
    public var architecture: String
    public var variant: String?

    public init(os: String, architecture: String, variant: String? = nil) {
        self.os = os
        self.architecture = architecture
        self.variant = variant
    }
}

/// The image specification's content descriptor.
public struct ContentDescriptor: Equatable, Sendable {
    public var mediaType: String
    public var digest: Digest
    /// Bytes.
    public var size: Int64
    public var platform: Platform?
    public var annotations: [String: String] = [:]
    public var urls: [String] = []

    public init(mediaType: String, digest: Digest, size: Int64) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
    }
}

/// An OCI image manifest or a Docker v2 schema 2 manifest: they have one shape.
public struct ImageManifest: Equatable, Sendable {
    public var mediaType: String
    public var config: ContentDescriptor
    public var layers: [ContentDescriptor]
    public var annotations: [String: String] = [:]

    public init(mediaType: String, config: ContentDescriptor, layers: [ContentDescriptor]) {
        self.mediaType = mediaType
        self.config = config
        self.layers = layers
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
}

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
        public var exposedPorts: [String] = []
        public var env: [String] = []
        public var entrypoint: [String] = []
        public var cmd: [String] = []
        public var volumes: [String] = []
        public var workingDir: String = ""
        public var labels: [String: String] = [:]
        public var stopSignal: String?

        public init() {}
    }

    public struct History: Equatable, Sendable {
        public var created: String?
        public var createdBy: String?
        public var author: String?
        public var comment: String?
        public var emptyLayer: Bool = false

        public init() {}
    }
}

/// An image's name in full: `docker.io/library/debian:12`, or with `@sha256:…`.
public struct Reference: Hashable, Sendable, CustomStringConvertible {
    /// Host and optional port.
    public var registry: String
    public var repository: String
    public var tag: String?
    public var digest: Digest?

    public init(registry: String, repository: String, tag: String?, digest: Digest?) {
        self.registry = registry
        self.repository = repository
        self.tag = tag
        self.digest = digest
    }

    public var description: String {
        "\(registry)/\(repository)" + (tag.map { ":" + $0 } ?? "") + (digest.map { "@\($0)" } ?? "")
    }
}
