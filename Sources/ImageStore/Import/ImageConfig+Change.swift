import OCISpec

// The instructions of a Dockerfile that say how a container runs and need no build.

extension ImageConfig.Execution {
    /// Applies one, `CMD ["/bin/sh"]`; as podman has it, `CMD=/bin/sh` will do as well.
    ///
    /// - Throws: `.invalid`.
    package mutating func apply(_ change: String) throws(StoreError) {
        let text = change.trimmed
        guard let cut = text.firstIndex(where: { $0 == " " || $0 == "\t" || $0 == "=" }) else {
            throw StoreError(.invalid, "change \(shown(change)) is not INSTRUCTION VALUE")
        }
        let value = String(text[text.index(after: cut)...]).trimmed
        do {
            try apply(text[..<cut].uppercased(), value)
        } catch {
            throw StoreError(.invalid, "change \(shown(change)): \(error.message)")
        }
    }

    private mutating func apply(_ instruction: String, _ value: String) throws(StoreError) {
        switch instruction {
        case "CMD": cmd = try command(value)
        case "ENTRYPOINT": entrypoint = try command(value)
        case "ENV":
            for (name, value) in try pairs(value) {
                env.removeAll { $0.hasPrefix(name + "=") }
                env.append("\(name)=\(value)")
            }
        case "LABEL":
            for (name, value) in try pairs(value) { labels[name] = value }
        case "EXPOSE":
            for word in try words(value) { exposedPorts = Set(exposedPorts + [try port(word)]).sorted() }
        case "USER": user = try one(value)
        case "VOLUME":
            let paths = try value.hasPrefix("[") ? list(value) : words(value)
            guard !paths.isEmpty, !paths.contains("") else { throw StoreError(.invalid, "no path is named") }
            volumes = Set(volumes + paths).sorted()
        case "WORKDIR":
            let path = try one(value)
            // As in a Dockerfile: from where the one before led to.
            let base = workingDir.isEmpty ? "/" : workingDir + (workingDir.hasSuffix("/") ? "" : "/")
            workingDir = path.hasPrefix("/") ? path : base + path
        case "STOPSIGNAL":
            let name = try one(value)
            guard
                name.utf8.allSatisfy({
                    (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || $0 == 0x2B || $0 == 0x2D
                })
            else { throw StoreError(.invalid, "invalid signal") }
            stopSignal = name
        default: throw StoreError(.invalid, "instruction \(shown(instruction)) is not supported")
        }
    }

    /// The words themselves as a JSON array, anything else for a shell.
    private func command(_ value: String) throws(StoreError) -> [String] {
        if value.hasPrefix("[") { return try list(value) }
        guard !value.isEmpty else { throw StoreError(.invalid, "no command is named") }
        return ["/bin/sh", "-c", value]
    }

    private func list(_ value: String) throws(StoreError) -> [String] {
        do {
            return try JSON(parsing: value.utf8).elements()
        } catch { throw StoreError(.invalid, "not a JSON array of words: \(error)") }
    }

    private func one(_ value: String) throws(StoreError) -> String {
        let words = try words(value)
        guard words.count == 1, !words[0].isEmpty else { throw StoreError(.invalid, "one word is wanted") }
        return words[0]
    }

    /// `NAME=VALUE…`, or `NAME VALUE` with a value up to the end.
    private func pairs(_ value: String) throws(StoreError) -> [(String, String)] {
        let words = try words(value)
        if let first = words.first, !first.contains("=") {
            let rest = value.drop { $0 != " " && $0 != "\t" }
            guard !rest.isEmpty else { throw StoreError(.invalid, "NAME=VALUE is wanted") }
            return [(first, String(rest).trimmed)]
        }
        var result: [(String, String)] = []
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else { throw StoreError(.invalid, "NAME=VALUE is wanted") }
            result.append((String(parts[0]), String(parts[1])))
        }
        guard !result.isEmpty else { throw StoreError(.invalid, "NAME=VALUE is wanted") }
        return result
    }

    /// `80`, `80/udp`: as the configuration has it, with the protocol.
    private func port(_ word: String) throws(StoreError) -> String {
        let parts = word.split(separator: "/", omittingEmptySubsequences: false)
        let transport = parts.count == 2 ? String(parts[1]).lowercased() : "tcp"
        let ends = parts[0].split(separator: "-", omittingEmptySubsequences: false)
        let numbers = ends.compactMap { UInt16($0) }.filter { $0 > 0 }
        guard parts.count <= 2, ["tcp", "udp", "sctp"].contains(transport), (1...2).contains(ends.count),
            numbers.count == ends.count, numbers[0] <= numbers[numbers.count - 1]
        else { throw StoreError(.invalid, "\(shown(word)) is not PORT[/PROTOCOL]") }
        return "\(parts[0])/\(transport)"
    }

    /// Words as a Dockerfile has them: quotes hold spaces, a backslash takes the next character as it is (within
    /// single quotes it is a backslash).
    private func words(_ value: String) throws(StoreError) -> [String] {
        var result: [String] = []
        var word: String?
        var quote: Character?
        var rest = value[...]
        while let character = rest.popFirst() {
            if character == "\\", quote != "'", let next = rest.first {
                rest.removeFirst()
                word = (word ?? "") + String(next)
            } else if character == quote {
                quote = nil
            } else if quote == nil, character == "\"" || character == "'" {
                quote = character
                word = word ?? ""
            } else if quote == nil, character == " " || character == "\t" {
                if let word { result.append(word) }
                word = nil
            } else {
                word = (word ?? "") + String(character)
            }
        }
        guard quote == nil else { throw StoreError(.invalid, "a quote is not closed") }
        if let word { result.append(word) }
        return result
    }

    private func shown(_ text: String) -> String { CleanPath.shown(text.utf8) }
}

extension String {
    fileprivate var trimmed: String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\n" }
        guard let first = firstIndex(where: { !isSpace($0) }), let last = lastIndex(where: { !isSpace($0) }) else {
            return ""
        }
        return String(self[first...last])
    }
}
