import OptionGrammar
import ContainerEngine
import Glibc
import ImageStore

/// `--filter KEY=VALUE` over containers. Filters of one key are alternatives, different keys must all hold; labels must
/// hold each.
struct ContainerFilter {
    private var groups: [(key: String, tests: [(Container) -> Bool])] = []

    static let keys = [
        "ancestor", "before", "exited", "id", "label", "label!", "name", "network", "since", "status", "until",
        "volume",
    ]

    init(_ words: [String], engine: Engine) throws {
        for word in words {
            let (key, value) = splitPair(word)
            guard let value, !key.isEmpty else { throw CommandError("invalid argument \(quoted(word)) for --filter") }
            let test = try Self.test(key, value, engine)
            if let index = groups.firstIndex(where: { $0.key == key }), key != "label" {
                groups[index].tests.append(test)
            } else {
                groups.append((key, [test]))
            }
        }
    }

    func matches(_ container: Container) -> Bool {
        groups.allSatisfy { group in group.tests.contains { $0(container) } }
    }

    /// Whether containers that do not run are asked for, without `--all`.
    var namesStatus: Bool { groups.contains { $0.key == "status" || $0.key == "exited" } }

    private static func test(_ key: String, _ value: String, _ engine: Engine) throws -> (Container) -> Bool {
        switch key {
        case "id": return { $0.id.hasPrefix(value) }
        case "name":
            let pattern = try Pattern(value)
            return { pattern.matches($0.name) }
        case "label": return labelTest(value)
        case "label!":
            let has = labelTest(value)
            return { !has($0) }
        case "status": return try statusTest(value)
        case "exited":
            let code: Int32 = try parseInteger(value)
            return { if case .exited(code, _) = $0.status { true } else { false } }
        case "ancestor": return { isAncestor(value, of: $0) }
        case "before":
            let moment = try engine.container(value).createdAt
            return { $0.createdAt < moment }
        case "since":
            let moment = try engine.container(value).createdAt
            return { moment < $0.createdAt }
        case "until":
            let moment = try parseMoment(value)
            return { $0.createdAt < moment }
        case "volume": return { $0.mounts.contains(value) }
        case "network": return { $0.network == value }
        default:
            let nearest = nearestName(to: key, among: keys).map { " (did you mean \($0)?)" } ?? ""
            throw CommandError("\(quoted(key)) is an invalid filter\(nearest)")
        }
    }

    private static func labelTest(_ text: String) -> (Container) -> Bool {
        let (name, value) = splitPair(text)
        return { container in
            guard let found = container.labels[name] else { return false }
            return value == nil || value == found
        }
    }

    private static func statusTest(_ word: String) throws(CommandError) -> (Container) -> Bool {
        let known = ["created", "running", "stopping", "exited", "removing", "paused", "initialized", "unknown"]
        let wanted = word == "stopped" ? "exited" : word
        guard known.contains(wanted) else { throw CommandError("\(quoted(word)) is not a valid status") }
        return { $0.status.name == wanted }
    }

    /// By id, by name with or without tag, as it was said.
    private static func isAncestor(_ word: String, of container: Container) -> Bool {
        if let id = container.imageID?.hex, word.utf8.count >= 3, id.hasPrefix(word.dropping(prefix: "sha256:")) {
            return true
        }
        let name = container.imageName
        return name == word || name == word + ":latest" || name.hasSuffix("/" + word)
            || name.hasSuffix("/" + word + ":latest")
            || name.split(separator: ":").first.map { $0 == word || $0.hasSuffix("/" + word) } == true
    }
}

/// A regular expression of regcomp(3), as podman's name filter is one.
struct Pattern {
    private let expression: Compiled

    private final class Compiled {
        var value = regex_t()
        deinit { regfree(&value) }
    }

    init(_ text: String) throws(CommandError) {
        expression = Compiled()
        guard regcomp(&expression.value, text, REG_EXTENDED | REG_NOSUB) == 0 else {
            throw CommandError("invalid regular expression \(quoted(text))")
        }
    }

    func matches(_ text: String) -> Bool { regexec(&expression.value, text, 0, nil, 0) == 0 }
}

/// A moment: RFC 3339, seconds since 1970, a day, or a duration ago.
func parseMoment(_ text: String, now: Timestamp = .now()) throws(CommandError) -> Timestamp {
    if let moment = Timestamp(rfc3339: text) { return moment }
    // Without a zone it is read as UTC.
    if let moment = Timestamp(rfc3339: text + "Z") { return moment }
    if let moment = Timestamp(rfc3339: text + "T00:00:00Z") { return moment }
    let (whole, fraction) = splitPair(text, at: UInt8(ascii: "."))
    if let seconds = Int64(whole) {
        let digits = (fraction ?? "").prefix(9)
        let padded = digits + String(repeating: "0", count: 9 - digits.count)
        guard let nanoseconds = Int64(padded), nanoseconds >= 0 else {
            throw CommandError("invalid time \(quoted(text))")
        }
        return Timestamp(seconds: seconds, nanoseconds: nanoseconds)
    }
    guard let duration = try? parseDuration(text) else { throw CommandError("invalid time \(quoted(text))") }
    var moment = now
    moment.seconds -= duration / 1_000_000_000
    moment.nanoseconds -= duration % 1_000_000_000
    if moment.nanoseconds < 0 {
        moment.nanoseconds += 1_000_000_000
        moment.seconds -= 1
    }
    return moment
}

extension String {
    func dropping(prefix: String) -> String { hasPrefix(prefix) ? String(dropFirst(prefix.count)) : self }
}
