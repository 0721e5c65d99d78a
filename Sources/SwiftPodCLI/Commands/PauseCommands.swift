import ContainerEngine
import OptionGrammar

extension Verb {
    private static let pauseTable: OptionParser<ContainerOptions>.Table = [[.all, .cidFile, .filter, .latest]]

    static let pause = Verb(
        name: "pause", summary: "Pause all the processes in one or more containers",
        usage: "[options] CONTAINER [CONTAINER...]", examples: ["pause web", "pause --all"],
        options: { described(pauseTable) }
    ) { invocation in
        var options = ContainerOptions()
        let words = try invocation.parse(pauseTable, into: &options)
        let session = try Session(invocation)
        let skipsOthers = options.all || !options.filters.isEmpty
        return try options.forEach(words, session, invocation) { (container) throws(EngineError) in
            if skipsOthers, !container.status.isRunning || container.status.isPaused { return }
            try session.engine.pause(container)
        }
    }

    static let unpause = Verb(
        name: "unpause", summary: "Unpause the processes in one or more containers",
        usage: "[options] CONTAINER [CONTAINER...]", examples: ["unpause web"], options: { described(pauseTable) }
    ) { invocation in
        var options = ContainerOptions()
        let words = try invocation.parse(pauseTable, into: &options)
        let session = try Session(invocation)
        let skipsOthers = options.all || !options.filters.isEmpty
        return try options.forEach(words, session, invocation) { (container) throws(EngineError) in
            if skipsOthers, !container.status.isPaused { return }
            try session.engine.unpause(container)
        }
    }
}
