import OptionGrammar
import ContainerEngine
import OCISpec

/// What `ps` has been told.
struct ListOptions {
    var all = false
    var quiet = false
    var noTruncation = false
    var noHeading = false
    var latest = false
    var last: Int?
    var format: String?
    var filters: [String] = []
    var sort = "created"
    var digests = false

    static let containers: OptionParser<ListOptions>.Table = [
        [
            .flag("all", "a", "Show all containers (default: those that run)") { $0.all = $1 },
            .value("filter", "f", "KEY=VALUE", "Only containers for which this holds") {
                (target, text) throws(CommandError) in
                target.filters.append(text)
            },
            .value("format", nil, "FORMAT", "json, table, or a Go template") { (target, text) throws(CommandError) in
                target.format = text
            },
            .value("last", "n", "N", "The N containers created last") { (target, text) throws(CommandError) in
                let count: Int = try parseInteger(text)
                target.last = count < 0 ? nil : count
            },
            .flag("latest", "l", "The container created last") { $0.latest = $1 },
            .flag("no-trunc", nil, "Show everything in full") { $0.noTruncation = $1 },
            .flag("noheading", nil, "Leave out the headings") { $0.noHeading = $1 },
            .flag("quiet", "q", "Show ids only") { $0.quiet = $1 },
            .value("sort", nil, "KEY", "By command, created, id, image, names, runningfor, status") {
                (target, text) throws(CommandError) in
                guard ContainerOrder.keys.contains(text) else {
                    throw CommandError("not one of \(ContainerOrder.keys.joined(separator: ", "))")
                }
                target.sort = text
            },
            .accepted("external", nil, .flag),
            .accepted("sync", nil, .flag),
            .refused("ns", nil, .flag),
            .refused("pod", "p", .flag),
            .refused("size", "s", .flag),
            .refused("watch", "w"),
        ]
    ]
}

/// `--sort` of `ps`.
enum ContainerOrder {
    static let keys = ["command", "created", "id", "image", "names", "runningfor", "status"]

    static func sorted(_ containers: [Container], by key: String) -> [Container] {
        switch key {
        case "command": containers.sorted { $0.command.joined(separator: " ") < $1.command.joined(separator: " ") }
        case "id": containers.sorted { $0.id < $1.id }
        case "image": containers.sorted { $0.imageName < $1.imageName }
        case "names": containers.sorted { $0.name < $1.name }
        case "status": containers.sorted { $0.status.name < $1.status.name }
        default: containers.sorted { $0.createdAt < $1.createdAt }
        }
    }
}

extension Verb {
    static let ps = Verb(
        name: "ps", summary: "List containers", usage: "[options]",
        examples: ["ps -a", "ps --format '{{.ID}} {{.Names}}'", "ps --filter status=exited -q"],
        options: { described(ListOptions.containers) }, run: listContainers)

    static let containerList = Verb(
        name: "list", aliases: ["ls"], summary: "List containers", usage: "[options]",
        options: { described(ListOptions.containers) }, run: listContainers)

    @Sendable private static func listContainers(_ invocation: inout Invocation) throws -> Int32 {
        var options = ListOptions()
        let words = try invocation.parse(ListOptions.containers, into: &options)
        if let word = words.first { throw CommandError("unexpected argument \(quoted(word)): ps takes none") }
        let session = try Session(invocation)
        let filter = try ContainerFilter(options.filters, engine: session.engine)
        if options.latest { options.last = 1 }
        let isAll = options.all || options.last != nil || filter.namesStatus
        var containers = try session.engine.list().filter {
            (isAll || $0.status.isRunning) && filter.matches($0)
        }
        if let last = options.last {
            containers = Array(ContainerOrder.sorted(containers, by: "created").suffix(last))
        }
        containers = ContainerOrder.sorted(containers, by: options.sort)
        if options.quiet, options.format == nil {
            try Output.write(
                containers.map { (options.noTruncation ? $0.id : String($0.id.prefix(12))) + "\n" }.joined())
            return 0
        }
        let now = Timestamp.now()
        let rows = containers.map { ContainerRow(container: $0, now: now, truncates: !options.noTruncation) }
        let report = Report(
            tableRow: "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.Created}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}",
            headings: ["ID": "CONTAINER ID", "CreatedHuman": "CREATED"], format: options.format,
            hasHeading: !options.noHeading, name: "ps")
        try Output.write(
            try report.render(
                rows: rows.map { options.format == nil ? $0.columns : $0.fields }, documents: rows.map { $0.document }))
        return 0
    }

    static let containerExists = Verb(
        name: "exists", summary: "Whether a container is there: exit status 0 or 1", usage: "CONTAINER"
    ) { invocation in
        var options = ListOptions()
        let words = try invocation.parse([[.accepted("external", nil, .flag)]], into: &options)
        guard words.count == 1 else { throw CommandError("accepts 1 arg(s), received \(words.count)") }
        let session = try Session(invocation)
        return try session.find(words[0]) == nil ? 1 : 0
    }
}
