import Glibc
import LinuxKernel
import OCISpec

extension Engine {
    package var eventLog: EventLog { EventLog(runtime: session.layout.runtime) }

    /// Writes down what has just happened to a container.
    func note(_ status: ContainerEvent.Status, _ record: ContainerRecord, exitCode: Int32? = nil) {
        var event = ContainerEvent(status, id: record.id, name: record.name, image: record.imageName)
        event.exitCode = exitCode
        event.labels = record.labels
        eventLog.append(event)
    }

    /// The end of a run, from the record that its supervisor has left.
    func noteEnd(_ record: ContainerRecord) {
        let path = session.layout.container(record.id) + "/exit"
        let exit = ((try? File.readIfPresent(path, limit: 4096)) ?? nil).flatMap(ExitRecord.init(parsing:))
        if exit?.oomKilled == true { note(.oom, record) }
        note(.died, record, exitCode: exit?.code ?? RunFacts.lostCode)
    }

    /// Calls `body` with every event that is kept, and then with those that come, until it says stop.
    /// - Parameters:
    ///   - follows: goes on after those that are kept.
    ///   - until: a moment after which nothing is waited for.
    ///   - body: false to end.
    public func events(
        follows: Bool, until: Timestamp? = nil, _ body: (ContainerEvent) throws -> Bool
    ) throws {
        // Workers have nobody who would write their ends down.
        try? cleanUpAfterTheDead()
        let log = eventLog
        let follower = EventFollower(log)
        for event in log.events() { if try !body(event) { return } }
        var turn = 0
        while follows {
            for event in follower.next() { if try !body(event) { return } }
            if let until, until < Timestamp.now() { return }
            usleep(50_000)
            turn += 1
            if turn % 20 == 0 { try? cleanUpAfterTheDead() }
        }
    }
}
