import OCISpec

/// What containers-registries.conf(5) says: where images come from, and which must not.
public struct RegistriesConfiguration: Equatable, Sendable {
    /// Registries to try for a name without one, in order; nil where no file says anything about it.
    public var searchRegistries: [String]?
    /// The `[[registry]]` tables.
    public var registries: [Registry] = []
    /// Short names and what they stand for, without tags.
    public var aliases: [String: String] = [:]
    public var shortNameMode: ShortNameMode = .permissive
    /// The file to name when a setting is missing.
    public var path = "/etc/containers/registries.conf"

    public init() {}

    /// What happens to a short name when several search registries could have it.
    public enum ShortNameMode: String, Sendable {
        /// Refuse what is ambiguous.
        case enforcing
        case permissive
        case disabled
    }

    /// A place that a namespace is served from.
    public struct Endpoint: Equatable, Sendable {
        /// `host[:port][/path]`; empty only for a wildcard prefix: the name as it is.
        public var location: String
        /// Allows plain http and certificates that do not verify.
        public var insecure = false
        public var pullFromMirror = MirrorUse.all

        public init(location: String, insecure: Bool = false) {
            self.location = location
            self.insecure = insecure
        }
    }

    /// Which pulls a mirror serves.
    public enum MirrorUse: String, Sendable {
        case all
        case digestOnly = "digest-only"
        case tagOnly = "tag-only"
    }

    /// One `[[registry]]` table.
    public struct Registry: Equatable, Sendable {
        public var prefix: String
        public var endpoint: Endpoint
        public var mirrors: [Endpoint] = []
        public var blocked = false
        public var mirrorByDigestOnly = false

        public init(prefix: String, endpoint: Endpoint) {
            self.prefix = prefix
            self.endpoint = endpoint
        }
    }

    /// A place to pull a reference from: the reference as that place knows it.
    public struct Source: Equatable, Sendable {
        public var reference: Reference
        public var insecure: Bool
        public var isMirror: Bool
    }

    // MARK: Where a reference is pulled from

    /// The `[[registry]]` table with the longest prefix that matches.
    public func registry(for reference: Reference) -> Registry? {
        let text = reference.description
        var best: (registry: Registry, length: Int)?
        for registry in registries {
            guard let length = RegistriesConfiguration.match(text, prefix: registry.prefix) else { continue }
            if best.map({ length > $0.length }) ?? true { best = (registry, length) }
        }
        return best?.registry
    }

    /// Where to try, in order: mirrors first, the location itself last.
    public func sources(for reference: Reference) throws(RegistryError) -> [Source] {
        guard let registry = registry(for: reference) else {
            return [Source(reference: reference, insecure: false, isMirror: false)]
        }
        guard !registry.blocked else {
            throw RegistryError(
                .blocked, "pull \(reference): registry \(registry.prefix) is blocked in \(path)")
        }
        let mirrors = registry.mirrors.filter { mirror in
            if registry.mirrorByDigestOnly { return reference.digest != nil }
            switch mirror.pullFromMirror {
            case .all: return true
            case .digestOnly: return reference.digest != nil
            case .tagOnly: return reference.digest == nil
            }
        }
        var sources: [Source] = []
        for (endpoint, isMirror) in mirrors.map({ ($0, true) }) + [(registry.endpoint, false)] {
            let rewritten = try rewrite(reference, prefix: registry.prefix, location: endpoint.location)
            sources.append(Source(reference: rewritten, insecure: endpoint.insecure, isMirror: isMirror))
        }
        return sources
    }

    private func rewrite(
        _ reference: Reference, prefix: String, location: String
    ) throws(RegistryError) -> Reference {
        guard !location.isEmpty, location != prefix else { return reference }
        let text = reference.description
        guard let length = RegistriesConfiguration.match(text, prefix: prefix) else { return reference }
        let rewritten = location + String(decoding: text.utf8.dropFirst(length), as: UTF8.self)
        guard let name = try? ImageName(parsing: rewritten), !name.isShort else {
            throw RegistryError(.configuration, "read \(path): location \(location) makes \(rewritten), no image name")
        }
        var result = name.qualified()
        // A prefix with a tag may have swallowed it.
        if name.digest == nil, name.tag == nil { result.tag = reference.tag }
        return result
    }

    /// How many bytes of a reference a prefix covers; nil where it does not match.
    ///
    /// As in podman, `example.com` also covers `example.com:5000/…`.
    static func match(_ reference: String, prefix: String) -> Int? {
        let reference = Array(reference.utf8)
        var pattern = Array(prefix.utf8)
        var start = 0
        if prefix.hasPrefix("*.") {
            pattern.removeFirst()
            let host = reference.prefix { $0 != UInt8(ascii: "/") }
            guard host.count > pattern.count,
                let found = (1...(host.count - pattern.count)).first(where: { reference[$0...].starts(with: pattern) })
            else { return nil }
            start = found
        } else {
            guard reference.starts(with: pattern) else { return nil }
        }
        let end = start + pattern.count
        guard end < reference.count else { return end == reference.count ? end : nil }
        switch reference[end] {
        case UInt8(ascii: "/"), UInt8(ascii: ":"), UInt8(ascii: "@"): return end
        default: return nil
        }
    }

    // MARK: Short names

    /// What a name given by the user may stand for, in the order to try.
    ///
    /// - Parameter text: an image's name; with `docker://` before it, short names are Docker's, as in podman.
    /// - Throws: `.invalid` for what is no name, `.notFound` for a short name that leads nowhere or is ambiguous in
    ///   enforcing mode.
    public func candidates(for text: String) throws(RegistryError) -> [Reference] {
        let transport = "docker://"
        let name = try RegistriesConfiguration.parse(
            text.hasPrefix(transport) ? String(text.dropFirst(transport.count)) : text)
        if !name.isShort || text.hasPrefix(transport) { return [name.qualified()] }
        if let alias = aliases[name.repository] {
            var target = try RegistriesConfiguration.parse(alias)
            target.tag = name.tag
            target.digest = name.digest
            return [target.qualified()]
        }
        // podman refuses short names when no file names a search registry. Where there is no file at all, as on a
        // fresh machine, `load` does as docker does; a file that is silent is taken to be so on purpose.
        guard let search = searchRegistries, !search.isEmpty else {
            throw RegistryError(
                .notFound,
                "pull \(name): the short name is no alias, and \(path) defines no unqualified-search-registries")
        }
        if shortNameMode == .enforcing, search.count > 1 {
            throw RegistryError(
                .notFound,
                "pull \(name): the short name is ambiguous (\(search.joined(separator: ", "))) and \(path) enforces "
                    + "unique ones; give the full name")
        }
        return search.map { name.qualified(with: $0) }
    }

    private static func parse(_ text: String) throws(RegistryError) -> ImageName {
        do {
            return try ImageName(parsing: text)
        } catch {
            throw RegistryError(.invalid, error.description)
        }
    }
}
