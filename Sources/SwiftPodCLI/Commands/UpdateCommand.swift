import ContainerEngine
import OptionGrammar

extension Verb {

    private static let updateTable: OptionParser<ResourceOptions>.Table = [
        ResourceOptions.rows,
        [
            .refused("restart"), .refused("health-cmd"), .refused("cpu-rt-period"), .refused("cpu-rt-runtime"),
            .refused("latest", "l", .flag),
        ],
    ]

    static let update = Verb(
        name: "update", summary: "Change the limits of a container", usage: "[options] CONTAINER",
        examples: ["update --memory 512m --cpus 2 web"], options: { described(updateTable) }
    ) { invocation in
        var changes = ResourceOptions()
        let words = try invocation.parse(updateTable, into: &changes)
        guard words.count == 1 else { throw CommandError("accepts 1 arg(s), received \(words.count)") }
        let session = try Session(invocation)
        let container = try session.engine.container(words[0])
        try session.engine.update(container, changes)
        try Output.line(container.id)
        return 0
    }
}
