import OCISpec

extension RegistriesConfiguration {
    /// One file's settings; only what the file mentions.
    struct Document: Equatable {
        var searchRegistries: [String]?
        var registries: [Registry] = []
        /// An empty value removes an alias that an earlier file made.
        var aliases: [String: String] = [:]
        var shortNameMode: ShortNameMode?

        /// - Parameter allowsVersion1: whether the old `[registries.search]` form may be used; drop-ins may not.
        init(parsing text: [UInt8], path: String, allowsVersion1: Bool = false) throws(RegistryError) {
            let json: JSON
            do {
                json = try TOML.parse(text)
            } catch {
                throw RegistryError(.configuration, "read \(path): line \(error.line): \(error.reason)")
            }
            let reader = Reader(path: path)
            searchRegistries = try reader.strings(json, "unqualified-search-registries")
            for table in try reader.array(json, "registry") { registries.append(try reader.registry(table)) }
            if let table = try reader.table(json, "aliases") {
                for member in table { aliases[member.name] = try reader.alias(member) }
            }
            if let mode = try reader.string(json, "short-name-mode"), !mode.isEmpty {
                guard let known = ShortNameMode(rawValue: mode) else {
                    throw reader.failure("short-name-mode \(mode) is not one of enforcing, permissive, disabled")
                }
                shortNameMode = known
            }
            if let old = try reader.table(json, "registries") {
                try adoptVersion1(.object(old), reader, allowed: allowsVersion1)
            }
            searchRegistries = try searchRegistries?.map { name throws(RegistryError) in try reader.host(name) }
            try checkConflicts(reader)
        }

        /// The format of before 2018: three lists.
        private mutating func adoptVersion1(
            _ old: JSON, _ reader: Reader, allowed: Bool
        ) throws(RegistryError) {
            func list(_ name: String) throws(RegistryError) -> [String] {
                guard let table = try reader.table(old, name) else { return [] }
                return try reader.strings(.object(table), "registries") ?? []
            }
            let search = try list("search")
            let insecure = try list("insecure")
            let blocked = try list("block")
            guard !search.isEmpty || !insecure.isEmpty || !blocked.isEmpty else { return }
            guard allowed, registries.isEmpty, searchRegistries == nil else {
                throw reader.failure("settings of version 1 and version 2 are mixed")
            }
            searchRegistries = search
            for location in blocked + insecure.filter({ !blocked.contains($0) }) {
                let location = try reader.location(location)
                var registry = Registry(prefix: location, endpoint: Endpoint(location: location))
                registry.blocked = blocked.contains(location)
                registry.endpoint.insecure = insecure.contains(location)
                registries.append(registry)
            }
        }

        private func checkConflicts(_ reader: Reader) throws(RegistryError) {
            for (index, one) in registries.enumerated() where !one.endpoint.location.isEmpty {
                for other in registries[..<index] where other.endpoint.location == one.endpoint.location {
                    let setting: String
                    if other.endpoint.insecure != one.endpoint.insecure {
                        setting = "insecure"
                    } else if other.blocked != one.blocked {
                        setting = "blocked"
                    } else {
                        continue
                    }
                    throw reader.failure(
                        "registry \(one.endpoint.location) is defined twice with conflicting \(setting) settings")
                }
            }
        }
    }

    /// Puts a file's settings over what earlier files said: tables with the same prefix are replaced whole.
    mutating func merge(_ document: Document) {
        if let search = document.searchRegistries { searchRegistries = search }
        if let mode = document.shortNameMode { shortNameMode = mode }
        for registry in document.registries {
            if let index = registries.firstIndex(where: { $0.prefix == registry.prefix }) {
                registries[index] = registry
            } else {
                registries.append(registry)
            }
        }
        for (name, value) in document.aliases { aliases[name] = value.isEmpty ? nil : value }
    }
}

/// Typed members of a parsed file, with its name in every complaint. Unknown members are left alone, as podman does.
private struct Reader {
    var path: String

    func failure(_ reason: String) -> RegistryError { RegistryError(.configuration, "read \(path): \(reason)") }

    func string(_ json: JSON, _ name: String) throws(RegistryError) -> String? {
        switch json[name] {
        case nil: nil
        case .string(let text)?: text
        default: throw failure("\(name) is not a string")
        }
    }

    func flag(_ json: JSON, _ name: String) throws(RegistryError) -> Bool {
        switch json[name] {
        case nil: false
        case .bool(let flag)?: flag
        default: throw failure("\(name) is neither true nor false")
        }
    }

    func array(_ json: JSON, _ name: String) throws(RegistryError) -> [JSON] {
        switch json[name] {
        case nil: []
        case .array(let items)?: items
        default: throw failure("\(name) is not an array")
        }
    }

    func table(_ json: JSON, _ name: String) throws(RegistryError) -> [JSON.Member]? {
        switch json[name] {
        case nil: nil
        case .object(let members)?: members
        default: throw failure("\(name) is not a table")
        }
    }

    func strings(_ json: JSON, _ name: String) throws(RegistryError) -> [String]? {
        guard json[name] != nil else { return nil }
        return try array(json, name).map { item throws(RegistryError) in
            guard case .string(let text) = item else { throw failure("\(name) holds something that is not a string") }
            return text
        }
    }

    func alias(_ member: JSON.Member) throws(RegistryError) -> String {
        guard case .string(let target) = member.value else { throw failure("alias \(member.name) is not a string") }
        guard let name = try? ImageName(parsing: member.name), name.isShort, name.tag == nil, name.digest == nil else {
            throw failure("alias \(member.name) is not a short name without tag and digest")
        }
        guard !target.isEmpty else { return "" }
        guard let full = try? ImageName(parsing: target), !full.isShort, full.tag == nil, full.digest == nil else {
            throw failure("alias \(member.name) = \(target) is not a full name without tag and digest")
        }
        return target
    }

    /// A location without the slashes at its end.
    func location(_ text: String) throws(RegistryError) -> String {
        guard !text.contains("://") else { throw failure("location \(text) must not have a scheme") }
        var trimmed = text[...]
        while trimmed.hasSuffix("/") { trimmed.removeLast() }
        guard !trimmed.isEmpty else { throw failure("a location is empty") }
        return String(trimmed)
    }

    /// `host[:port]`.
    func host(_ text: String) throws(RegistryError) -> String {
        let host = try location(text)
        guard !host.contains("/"), RegistryURL.split(authority: host) != nil else {
            throw failure("unqualified-search-registries: \(text) is not a host")
        }
        return host
    }

    func endpoint(_ json: JSON, location: String) throws(RegistryError) -> RegistriesConfiguration.Endpoint {
        RegistriesConfiguration.Endpoint(location: location, insecure: try flag(json, "insecure"))
    }

    func registry(_ json: JSON) throws(RegistryError) -> RegistriesConfiguration.Registry {
        guard case .object = json else { throw failure("registry is not an array of tables") }
        let location = try string(json, "location") ?? ""
        let prefix = try string(json, "prefix") ?? ""
        guard !location.isEmpty || prefix.hasPrefix("*.") else {
            throw failure(
                prefix.isEmpty
                    ? "a registry has neither prefix nor location"
                    : "registry \(prefix) has no location, which only a prefix like *.example.com may leave out")
        }
        guard !prefix.dropFirst(prefix.hasPrefix("*.") ? 2 : 0).contains("*"),
            !prefix.hasPrefix("*.") || !prefix.contains("/") && !prefix.contains(":")
        else { throw failure("prefix \(prefix): a wildcard stands only at the start of a host, as in *.example.com") }
        var registry = RegistriesConfiguration.Registry(
            prefix: try self.location(prefix.isEmpty ? location : prefix),
            endpoint: try endpoint(json, location: location.isEmpty ? "" : self.location(location)))
        registry.blocked = try flag(json, "blocked")
        registry.mirrorByDigestOnly = try flag(json, "mirror-by-digest-only")
        guard json["pull-from-mirror"] == nil else {
            throw failure("registry \(registry.prefix): pull-from-mirror belongs to a mirror")
        }
        for table in try array(json, "mirror") {
            registry.mirrors.append(try mirror(table, of: registry))
        }
        return registry
    }

    private func mirror(
        _ json: JSON, of registry: RegistriesConfiguration.Registry
    ) throws(RegistryError) -> RegistriesConfiguration.Endpoint {
        guard let location = try string(json, "location"), !location.isEmpty else {
            throw failure("a mirror of \(registry.prefix) has no location")
        }
        var mirror = try endpoint(json, location: self.location(location))
        guard let use = try string(json, "pull-from-mirror"), !use.isEmpty else { return mirror }
        guard let known = RegistriesConfiguration.MirrorUse(rawValue: use) else {
            throw failure("mirror \(location): pull-from-mirror \(use) is not one of all, digest-only, tag-only")
        }
        guard !registry.mirrorByDigestOnly else {
            throw failure("mirror \(location): pull-from-mirror and mirror-by-digest-only exclude each other")
        }
        mirror.pullFromMirror = known
        return mirror
    }
}
