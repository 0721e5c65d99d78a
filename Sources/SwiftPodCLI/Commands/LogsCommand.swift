import OptionGrammar
import ContainerEngine

extension Verb {
    private static let logsTable: OptionParser<ContainerOptions>.Table = [
        [
            .flag("follow", "f", "Go on until the container ends") { $0.follow = $1 },
            .latest,
            .flag("names", "n", "Begin each line with the container's name") { $0.names = $1 },
            .value("since", nil, "TIME", "From this time on: RFC 3339, seconds, or a duration ago") {
                (target, text) throws(CommandError) in
                _ = try parseMoment(text)
                target.since = text
            },
            .value("tail", nil, "N", "The last N lines only") { (target, text) throws(CommandError) in
                let count: Int = text == "all" ? -1 : try parseInteger(text)
                target.tail = count < 0 ? nil : count
            },
            .flag("timestamps", "t", "Begin each line with its time") { $0.timestamps = $1 },
            .value("until", nil, "TIME", "Up to this time") { (target, text) throws(CommandError) in
                _ = try parseMoment(text)
                target.until = text
            },
            .refused("color", nil, .flag),
        ]
    ]

    static let logs = Verb(
        name: "logs", summary: "Fetch the logs of one or more containers",
        usage: "[options] CONTAINER [CONTAINER...]", examples: ["logs web", "logs -f --tail 10 web"],
        options: { described(logsTable) }
    ) { invocation in
        var options = ContainerOptions()
        let words = try invocation.parse(logsTable, into: &options)
        let session = try Session(invocation)
        var failures = FailureCollector()
        let chosen = try options.select(words, session.engine, caller: invocation.caller, &failures)
        if options.follow, chosen.count > 1 { throw CommandError("--follow: only one container is supported yet") }
        for (_, container) in chosen {
            var query = LogQuery()
            query.follow = options.follow
            query.tail = options.tail
            query.since = try options.since.map { try parseMoment($0) }
            query.until = try options.until.map { try parseMoment($0) }
            query.timestamps = options.timestamps
            query.prefix = options.names ? container.name : chosen.count > 1 ? String(container.id.prefix(12)) : nil
            do throws(EngineError) {
                try session.engine.logs(container, query, out: 1, err: 2)
            } catch { failures.add(error) }
        }
        return failures.exitCode
    }
}
