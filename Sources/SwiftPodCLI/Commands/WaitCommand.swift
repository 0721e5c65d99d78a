import OptionGrammar
import ContainerEngine
import Glibc

extension Verb {
    private static let waitTable: OptionParser<ContainerOptions>.Table = [
        [
            .list("condition", nil, "STATUS", "Wait for this status (default stopped)") {
                (target, text) throws(CommandError) in
                guard let condition = WaitCondition(rawValue: text) else {
                    throw CommandError("not one of \(WaitCondition.allCases.map(\.rawValue).joined(separator: ", "))")
                }
                target.conditions.append(condition)
            },
            .ignore, .latest,
            .value("interval", nil, "DURATION", "") { (_, text) throws(CommandError) in
                // Nothing is polled here, but a wrong word is still wrong. A number alone is milliseconds.
                if Int64(text) == nil { _ = try parseDuration(text) }
            },
        ]
    ]

    static let wait = Verb(
        name: "wait", summary: "Wait for containers to stop and print their exit codes",
        usage: "[options] CONTAINER [CONTAINER...]", examples: ["wait web", "wait --condition=running web"],
        options: { described(waitTable) }
    ) { invocation in
        var options = ContainerOptions()
        let words = try invocation.parse(waitTable, into: &options)
        let session = try Session(invocation)
        var failures = FailureCollector()
        if options.conditions.count > 1 { throw CommandError("--condition: only one is supported yet") }
        let condition = options.conditions.first ?? .stopped
        for (_, container) in try options.select(words, session.engine, caller: invocation.caller, &failures) {
            do throws(EngineError) {
                let code = try session.engine.wait(container, for: condition)
                try? Output.line(String(code))
            } catch { failures.add(error) }
        }
        return failures.exitCode
    }
}
