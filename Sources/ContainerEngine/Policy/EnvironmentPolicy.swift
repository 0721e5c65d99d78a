/// The environment of a container's first process.
package enum EnvironmentPolicy {
    package struct Row {
        package let name: String
        package let value: String
        package let reason: String
    }

    /// Before the image's own.
    package static let defaults: [Row] = [
        Row(
            name: "PATH", value: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            reason: "images without one still find their programs"),
        Row(name: "TERM", value: "xterm", reason: "programs on a terminal ask for it"),
        // systemd, Ray, pip and others look for the variable and know podman's word; a word of our own would send
        // them down the path for unknown engines.
        Row(
            name: "container", value: "podman", reason: "tells programs that they are in a container, in podman's word"),
    ]

    /// Passed through from the caller unless `--http-proxy=false`.
    package static let proxyNames: [String] = [
        "http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY",
    ]

    /// podman's order: defaults, image, `--unsetenv`, the caller's, `--env-file` and `--env`. Later values win and keep
    /// the earlier place.
    package static func variables(
        _ options: EnvironmentOptions, image: [String], caller: CallerFacts
    ) throws(EngineError) -> [String] {
        var list = VariableList()
        for row in defaults { list.set(row.name, row.value) }
        for entry in image { list.set(entry: entry) }
        for name in options.unset { list.remove(name) }
        if options.unsetAll { list = VariableList() }
        if options.inheritHost {
            for entry in caller.environment { list.set(entry: entry) }
        } else if options.httpProxy {
            for name in proxyNames {
                guard let value = caller.variable(name) else { continue }
                list.set(name, value)
            }
        }
        for (name, value) in options.variables {
            guard !name.isEmpty, !name.utf8.contains(UInt8(ascii: "=")) else {
                throw EngineError(.invalid, "invalid environment variable \"\(name)=\(value)\"")
            }
            list.set(name, value)
        }
        return list.entries
    }
}

/// `NAME=VALUE` entries with one place a name.
package struct VariableList: Equatable, Sendable {
    package private(set) var entries: [String] = []
    private var places: [String: Int] = [:]

    package init() {}

    package init(_ entries: [String]) {
        for entry in entries { set(entry: entry) }
    }

    package func contains(_ name: String) -> Bool { places[name] != nil }

    package mutating func set(_ name: String, _ value: String) {
        let entry = "\(name)=\(value)"
        if let place = places[name] {
            entries[place] = entry
        } else {
            places[name] = entries.count
            entries.append(entry)
        }
    }

    /// An entry without `=` has an empty value; one without a name is skipped.
    package mutating func set(entry: String) {
        let cut = entry.utf8.firstIndex(of: UInt8(ascii: "=")) ?? entry.utf8.endIndex
        guard cut > entry.startIndex else { return }
        let value = cut == entry.utf8.endIndex ? "" : String(entry[entry.utf8.index(after: cut)...])
        set(String(entry[..<cut]), value)
    }

    package mutating func remove(_ name: String) {
        guard let place = places.removeValue(forKey: name) else { return }
        entries.remove(at: place)
        for (other, index) in places where index > place { places[other] = index - 1 }
    }
}
