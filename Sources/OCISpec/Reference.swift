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

    /// Registry and repository: what all the versions of an image share.
    public var name: String { "\(registry)/\(repository)" }

    /// The description as Docker shows it: without the default registry and its `library/`.
    public var familiar: String {
        var text = description
        for prefix in ["docker.io/library/", "docker.io/"] where text.hasPrefix(prefix) {
            let rest = text.dropFirst(prefix.count)
            // `docker.io/localhost/x` would turn into another registry's image.
            if (try? Reference(parsing: String(rest)))?.description == text { text = String(rest) }
            break
        }
        return text
    }
}

/// A name of an image as a person writes it, its registry still open where none was named.
public struct ImageName: Hashable, Sendable, CustomStringConvertible {
    /// nil in a short name.
    public var registry: String?
    /// As written: `debian`, not `library/debian`.
    public var repository: String
    public var tag: String?
    public var digest: Digest?

    /// No registry is named: which one is meant is for registries.conf to say.
    public var isShort: Bool { registry == nil }

    public var description: String {
        (registry.map { $0 + "/" } ?? "") + repository + (tag.map { ":" + $0 } ?? "") + (digest.map { "@\($0)" } ?? "")
    }

    /// The full name at a registry, which is used only where the name has none of its own. A name with neither tag
    /// nor digest means `latest`, and a single word is in `library/` at Docker's registry.
    public func qualified(with registry: String = "docker.io") -> Reference {
        let host = self.registry ?? registry
        let official = host == "docker.io" && !repository.contains("/")
        return Reference(
            registry: host, repository: official ? "library/" + repository : repository,
            tag: tag ?? (digest == nil ? "latest" : nil), digest: digest)
    }
}

/// A text that is no image name.
public struct ReferenceError: Error, Equatable, Sendable, CustomStringConvertible {
    public let text: String
    /// Lower case, no full stop: `repository names are lower case`.
    public let reason: String

    public init(text: String, reason: String) {
        self.text = text
        self.reason = reason
    }

    /// `invalid image name "…": reason`, on one line and not longer than a line.
    public var description: String {
        let shown = text.count > 80 ? String(text.prefix(77)) + "..." : text
        return "invalid image name \"\(shown.escapingControls)\": \(reason)"
    }
}
