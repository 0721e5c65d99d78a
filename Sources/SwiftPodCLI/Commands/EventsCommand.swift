import ContainerEngine
import OCISpec
import OptionGrammar

private struct EventOptions {
    var filters: [String] = []
    var format: String?
    var since: String?
    var until: String?
    var streams = true
    var truncates = true

    static let table: OptionParser<EventOptions>.Table = [
        [
            .value("filter", "f", "KEY=VALUE", "Only these: container, event, image, label, type") {
                (target, text) throws(CommandError) in
                target.filters.append(text)
            },
            .value("format", nil, "FORMAT", "json, or a Go template") { (target, text) throws(CommandError) in
                target.format = text
            },
            .flag("no-trunc", nil, "Show everything in full (default true)") { $0.truncates = !$1 },
            .value("since", nil, "TIME", "Those after this moment") { (target, text) throws(CommandError) in
                target.since = text
            },
            .flag("stream", nil, "Go on with those that come (default true)") { $0.streams = $1 },
            .value("until", nil, "TIME", "Those before this moment") { (target, text) throws(CommandError) in
                target.until = text
            },
        ]
    ]
}

extension Verb {
    static let events = Verb(
        name: "events", summary: "Show what happens to containers", usage: "[options]",
        examples: ["events", "events --since 1h --stream=false --format json"],
        options: { described(EventOptions.table) }
    ) { invocation in
        var options = EventOptions()
        options.truncates = false
        let words = try invocation.parse(EventOptions.table, into: &options)
        if !words.isEmpty { throw CommandError("unexpected argument \(quoted(words[0])): events takes none") }
        let session = try Session(invocation)
        let filter = try EventFilter(options.filters)
        // Without a beginning those that are past are wanted only where nothing is waited for.
        var since = try options.since.map { text throws(CommandError) in try parseMoment(text) }
        if since == nil, options.streams, options.until == nil { since = .now() }
        let until = try options.until.map { text throws(CommandError) in try parseMoment(text) }
        let format = try options.format.flatMap { text throws(CommandError) -> Template? in
            text == "json" ? nil : try Template(expandEscapes(text))
        }
        try session.engine.events(follows: options.streams, until: until) { event in
            if let until, until < event.time { return false }
            if let since, event.time < since { return true }
            guard filter.matches(event) else { return true }
            if let format {
                try Output.write(try format.render(event.fields(truncated: options.truncates)).endingLine())
            } else if options.format != nil {
                try Output.write(String(decoding: event.encoded(), as: UTF8.self) + "\n")
            } else {
                try Output.line(event.line(truncated: options.truncates))
            }
            return true
        }
        return 0
    }
}

extension ContainerEvent {
    fileprivate func line(truncated: Bool) -> String {
        var text = "\(goTime(time)) container \(status.rawValue) \(truncated ? String(id.prefix(12)) : id) "
        text += "(image=\(image), name=\(name)"
        for (key, value) in labels.sorted(by: { $0.key < $1.key }) { text += ", \(key)=\(value)" }
        return text + ")"
    }

    fileprivate func fields(truncated: Bool) -> JSON {
        JSON(members: [
            "ID": .string(truncated ? String(id.prefix(12)) : id), "Image": .string(image), "Name": .string(name),
            "Status": .string(status.rawValue), "Time": .string(goTime(time)), "Type": .string("container"),
            "ContainerExitCode": exitCode.map { .integer(Int64($0)) } ?? .integer(0),
            "Attributes": .object(labels.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .string($0.value)) }),
        ])
    }
}

/// Filters of one key are alternatives, different keys must all hold.
private struct EventFilter {
    private var groups: [(key: String, tests: [@Sendable (ContainerEvent) -> Bool])] = []

    init(_ words: [String]) throws(CommandError) {
        for word in words {
            let (key, value) = splitPair(word)
            guard let value else { throw CommandError("invalid argument \(quoted(word)) for --filter") }
            let test: @Sendable (ContainerEvent) -> Bool
            switch key.lowercased() {
            case "container": test = { $0.name == value || (!value.isEmpty && $0.id.hasPrefix(value)) }
            case "event", "status": test = { $0.status.rawValue == value }
            case "image": test = { $0.image == value || $0.image.hasPrefix(value + ":") }
            case "label":
                let (name, wanted) = splitPair(value)
                test = { event in event.labels[name].map { wanted == nil || wanted == $0 } ?? false }
            case "type": test = { _ in value == "container" }
            default: throw CommandError("invalid filter \(quoted(key))")
            }
            if let index = groups.firstIndex(where: { $0.key == key }) {
                groups[index].tests.append(test)
            } else {
                groups.append((key, [test]))
            }
        }
    }

    func matches(_ event: ContainerEvent) -> Bool {
        groups.allSatisfy { group in group.tests.contains { $0(event) } }
    }
}
