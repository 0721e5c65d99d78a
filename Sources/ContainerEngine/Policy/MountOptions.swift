/// The option words of `--volume`, `--mount` and `--tmpfs`, checked and completed as podman does.
package struct MountOptions: Equatable, Sendable {
    /// What the specification says, in order; `U`, `z` and the like are not among them.
    package var words: [String] = []
    /// `U`: the source is given to the container's user.
    package var changesOwner: Bool = false
    /// A volume is filled with the image's content on first use: not `nocopy`.
    package var copiesUp: Bool = true

    private init() {}

    /// podman's options for the VOLUMEs of an image.
    package static var imageVolume: MountOptions {
        var options = MountOptions()
        options.words = ["rprivate", "rw", "nodev", "exec", "nosuid", "rbind"]
        return options
    }

    package enum Kind: Equatable, Sendable {
        case bind, volume, tmpfs
    }

    /// Words that exclude each other.
    private struct Group {
        let words: [String]
        let kinds: [Kind]
        /// Between "can only specify 1" and "option".
        let choice: String
    }

    private static let anywhere: [Kind] = [.bind, .volume, .tmpfs]
    private static let groups: [Group] = [
        Group(words: ["rw", "ro"], kinds: anywhere, choice: "'rw' or 'ro'"),
        Group(words: ["exec", "noexec"], kinds: anywhere, choice: "'noexec' or 'exec'"),
        Group(words: ["suid", "nosuid"], kinds: anywhere, choice: "'nosuid' or 'suid'"),
        Group(words: ["dev", "nodev"], kinds: anywhere, choice: "'nodev' or 'dev'"),
        Group(
            words: ["private", "rprivate", "slave", "rslave", "shared", "rshared", "unbindable", "runbindable"],
            kinds: anywhere, choice: "'[r]shared', '[r]private', '[r]slave' or '[r]unbindable'"),
        Group(words: ["bind", "rbind"], kinds: [.bind, .volume], choice: "'[r]bind'"),
        Group(words: ["z", "Z"], kinds: [.bind, .volume], choice: "'z', 'Z', or 'O'"),
        Group(words: ["copy", "nocopy"], kinds: [.bind, .volume], choice: "'copy' or 'nocopy'"),
        Group(words: ["tmpcopyup", "notmpcopyup"], kinds: [.tmpfs], choice: "'tmpcopyup' or 'notmpcopyup'"),
        Group(words: ["U"], kinds: anywhere, choice: "'U'"),
        Group(words: ["size"], kinds: [.tmpfs], choice: "'size'"),
        Group(words: ["mode"], kinds: [.tmpfs], choice: "'mode'"),
    ]

    /// The words of `--mount` that mean the same as another.
    private static let synonyms: [String: String] = [
        "readonly": "ro", "ro=true": "ro", "ro=false": "rw", "readonly=true": "ro", "readonly=false": "rw",
        "rw=true": "rw", "rw=false": "ro", "chown": "U", "U=true": "U", "chown=true": "U",
        "bind-nonrecursive": "bind", "bind-nonrecursive=true": "bind", "relabel=shared": "z", "relabel=private": "Z",
    ]

    /// Accepted without effect: they mean something to other systems.
    private static let ignored: Set<String> = [
        "cached", "delegated", "consistent", "consistency", "U=false", "chown=false", "bind-nonrecursive=false",
        "nosymfollow",
    ]

    /// - Parameter source: the flags of the mount that a bind's source lies on; kept, for a container may not loosen
    ///   what the host has tightened. nil for volumes and tmpfs, which get podman's `nosuid` and `nodev`.
    package init(
        _ written: [String], kind: Kind, destination: String, source: HostMount? = nil
    ) throws(EngineError) {
        var chosen: [Int: String] = [:]
        for option in written where !option.isEmpty {
            let word = Self.plain(option)
            let name = word.firstIndex(of: "=").map { String(word[..<$0]) } ?? word
            if Self.ignored.contains(word) || Self.ignored.contains(name) { continue }
            guard let index = Self.groups.firstIndex(where: { $0.words.contains(name) }) else {
                throw Self.unknown(word, kind: kind)
            }
            let group = Self.groups[index]
            guard group.kinds.contains(kind) else {
                throw EngineError(
                    .invalid,
                    "the '\(name)' option is \(kind == .tmpfs ? "not" : "only") allowed with tmpfs mounts: "
                        + "invalid mount option")
            }
            // podman takes a repeated word for a conflict too.
            guard chosen[index] == nil else {
                throw EngineError(
                    .invalid,
                    "invalid options \"\(written.joined(separator: ", "))\", can only specify 1 \(group.choice) option")
            }
            chosen[index] = name
            switch name {
            case "z", "Z", "copy", "notmpcopyup": break
            case "nocopy": copiesUp = false
            case "U": changesOwner = true
            case "size", "mode": words.append(try Self.checkedValue(word, destination: destination))
            default: words.append(word)
            }
        }
        complete(kind: kind, source: source) { name in
            Self.groups.indices.contains { Self.groups[$0].words.contains(name) && chosen[$0] != nil }
        }
    }

    private mutating func complete(kind: Kind, source: HostMount?, isSaid: (String) -> Bool) {
        if !isSaid("rw") { words.append("rw") }
        if !isSaid("rprivate") { words.append("rprivate") }
        if !isSaid("exec"), source?.noexec ?? false { words.append("noexec") }
        if !isSaid("suid"), source?.nosuid ?? true { words.append("nosuid") }
        if !isSaid("dev"), source?.nodev ?? true { words.append("nodev") }
        if kind == .tmpfs {
            if !isSaid("tmpcopyup") { words.append("tmpcopyup") }
        } else if !isSaid("rbind") {
            words.append("rbind")
        }
    }

    private static func plain(_ option: String) -> String {
        if let other = synonyms[option] { return other }
        for (long, short) in [("bind-propagation=", ""), ("tmpfs-size=", "size="), ("tmpfs-mode=", "mode=")]
        where option.hasPrefix(long) {
            return short + option.dropFirst(long.count)
        }
        return option
    }

    private static func unknown(_ word: String, kind: Kind) -> EngineError {
        let name = word.firstIndex(of: "=").map { String(word[..<$0]) } ?? word
        switch name {
        case "O", "upperdir", "workdir":
            return EngineError(.unsupported, "mount option \"\(name)\": overlay volumes are not supported")
        case "idmap":
            return EngineError(.unsupported, "mount option \"idmap\": id-mapped mounts are not supported")
        case "volume-opt", "volume-label":
            return EngineError(.unsupported, "mount option \"\(name)\": volume drivers are not supported")
        default:
            return EngineError(.invalid, "invalid option type \"\(word)\"")
        }
    }

    /// `size=64m`, `size=50%`, `mode=1777`: the kernel's own complaint would name neither option nor mount.
    private static func checkedValue(_ word: String, destination: String) throws(EngineError) -> String {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let value = parts.count == 2 ? Array(parts[1].utf8) : []
        let isRight: Bool
        if parts[0] == "mode" {
            isRight = (1...5).contains(value.count) && value.allSatisfy { (0x30...0x37).contains($0) }
        } else {
            let digits = value.prefix { (0x30...0x39).contains($0) }
            let suffix = value.dropFirst(digits.count)
            isRight =
                (1...19).contains(digits.count)
                && (suffix.isEmpty || (suffix.count == 1 && "kKmMgGtT%".utf8.contains(suffix.first!)))
        }
        guard isRight else { throw EngineError(.invalid, "tmpfs \(destination): invalid option \"\(word)\"") }
        return word
    }
}
