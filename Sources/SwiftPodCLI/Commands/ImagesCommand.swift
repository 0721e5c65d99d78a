import OptionGrammar
import ContainerEngine
import Glibc
import ImageStore
import OCISpec

extension ListOptions {
    static let images: OptionParser<ListOptions>.Table = [
        [
            .flag("all", "a", "Show all images") { $0.all = $1 },
            .flag("digests", nil, "Show digests") { $0.digests = $1 },
            .list("filter", "f", "KEY=VALUE", "Only images for which this holds") {
                (target, text) throws(CommandError) in
                target.filters.append(text)
            },
            .value("format", nil, "FORMAT", "json, table, or a Go template") { (target, text) throws(CommandError) in
                target.format = text
            },
            .flag("no-trunc", nil, "Show everything in full") { $0.noTruncation = $1 },
            .flag("noheading", "n", "Leave out the headings") { $0.noHeading = $1 },
            .flag("quiet", "q", "Show ids only") { $0.quiet = $1 },
            .value("sort", nil, "KEY", "By created, id, repository, size, tag") { (target, text) throws(CommandError) in
                guard ["created", "id", "repository", "size", "tag"].contains(text) else {
                    throw CommandError("not one of created, id, repository, size, tag")
                }
                target.sort = text
            },
            .accepted("history", nil, .flag),
        ]
    ]
}

extension Verb {
    static let images = Verb(
        name: "images", summary: "List images in local storage", usage: "[options] [IMAGE]",
        examples: ["images", "images --format json", "images --filter dangling=true"],
        options: { described(ListOptions.images) }, run: listImages)

    static let imageList = Verb(
        name: "list", aliases: ["ls"], summary: "List images in local storage", usage: "[options] [IMAGE]",
        options: { described(ListOptions.images) }, run: listImages)

    @Sendable private static func listImages(_ invocation: inout Invocation) throws -> Int32 {
        var options = ListOptions()
        let words = try invocation.parse(ListOptions.images, into: &options)
        guard words.count <= 1 else { throw CommandError("accepts at most 1 arg(s), received \(words.count)") }
        if let word = words.first {
            if !options.filters.isEmpty { throw CommandError("cannot specify an image and a filter(s)") }
            options.filters = ["reference=\(word)"]
        }
        let session = try Session(invocation)
        let all = try session.store.images()
        let filter = try ImageFilter(options.filters, store: session.store)
        var users: [Digest: Int] = [:]
        for container in try session.engine.containers() {
            if let id = container.imageID { users[id, default: 0] += 1 }
        }
        let now = Timestamp.now()
        var rows = all.filter(filter.matches).flatMap { image in
            (image.names.isEmpty ? [nil] : image.names.map(Optional.some)).map {
                ImageRow(
                    image: image, name: $0, now: now, truncates: !options.noTruncation, users: users[image.id] ?? 0)
            }
        }
        if let pattern = filter.namePattern { rows = rows.filter { row in row.name.map(pattern) ?? false } }
        sort(&rows, by: options.sort)
        if options.quiet, options.format == nil {
            var seen: Set<Digest> = []
            let ids = rows.filter { seen.insert($0.image.id).inserted }.map { row in
                options.noTruncation ? row.image.id.description : String(row.image.id.hex.prefix(12))
            }
            try Output.write(ids.map { $0 + "\n" }.joined())
            return 0
        }
        let digest = options.digests ? "{{.Digest}}\t" : ""
        let report = Report(
            tableRow: "{{.Repository}}\t{{.Tag}}\t\(digest){{.ID}}\t{{.CreatedSince}}\t{{.Size}}",
            headings: ["ID": "IMAGE ID", "CreatedSince": "CREATED"], format: options.format,
            hasHeading: !options.noHeading, name: "images")
        var seen: Set<Digest> = []
        let documents = rows.filter { seen.insert($0.image.id).inserted }.map(\.document)
        try Output.write(try report.render(rows: rows.map(\.fields), documents: documents))
        return 0
    }

    private static func sort(_ rows: inout [ImageRow], by key: String) {
        switch key {
        case "id": rows.sort { $0.image.id.hex < $1.image.id.hex }
        case "repository": rows.sort { $0.repository < $1.repository }
        case "size": rows.sort { $0.image.size < $1.image.size }
        case "tag": rows.sort { $0.tag < $1.tag }
        default: rows.sort { $1.created < $0.created }
        }
    }

    static let imageExists = Verb(
        name: "exists", summary: "Whether an image is in local storage: exit status 0 or 1", usage: "IMAGE"
    ) { invocation in
        let words = try invocation.positionals()
        guard words.count == 1 else { throw CommandError("accepts 1 arg(s), received \(words.count)") }
        let session = try Session(invocation)
        return try session.store.image(words[0]) == nil ? 1 : 0
    }
}

/// `--filter KEY=VALUE` over images; all must hold.
struct ImageFilter {
    private var tests: [(StoredImage) -> Bool] = []
    /// `reference=`: chooses among the names of an image as well.
    private(set) var namePattern: ((String) -> Bool)?

    init(_ words: [String], store: ImageStore) throws {
        for word in words {
            let (key, value) = splitPair(word)
            guard let value else { throw CommandError("invalid filter \(quoted(word)): must be in the form KEY=VALUE") }
            switch key {
            case "reference":
                let matches = { (name: String) in Self.matches(name, value) }
                namePattern = matches
                tests.append { $0.names.contains(where: matches) }
            case "dangling":
                let wanted = try parseBool(value)
                tests.append { $0.names.isEmpty == wanted }
            case "id": tests.append { $0.id.hex.hasPrefix(value.dropping(prefix: "sha256:")) }
            case "label":
                let (name, wanted) = splitPair(value)
                tests.append { image in
                    guard let found = image.config.config.labels[name] else { return false }
                    return wanted == nil || wanted == found
                }
            case "before", "since":
                guard let other = try store.image(value) else { throw CommandError("\(value): image not known") }
                let moment = other.createdAt
                tests.append { key == "before" ? $0.createdAt < moment : moment < $0.createdAt }
            case "until":
                let moment = try parseMoment(value)
                tests.append { $0.createdAt < moment }
            default: throw CommandError("unsupported image filter \(quoted(key))")
            }
        }
    }

    func matches(_ image: StoredImage) -> Bool { tests.allSatisfy { $0(image) } }

    /// The name whole, its tail, with or without its tag, as a pattern of the shell's.
    private static func matches(_ name: String, _ pattern: String) -> Bool {
        let bare = ImageRow.repository(of: name)
        var candidates = [name, bare]
        for text in [name, bare] {
            var rest = text[...]
            while let slash = rest.firstIndex(of: "/") {
                rest = rest[rest.index(after: slash)...]
                candidates.append(String(rest))
            }
        }
        return candidates.contains { fnmatch(pattern, $0, 0) == 0 }
    }
}

extension ImageRow {
    /// A name without its tag or digest.
    static func repository(of name: String) -> String {
        let bare = name.prefix { $0 != "@" }
        guard let colon = bare.lastIndex(of: ":"), !bare[colon...].contains("/") else { return String(bare) }
        return String(bare[..<colon])
    }
}
