import ContainerEngine
import Foundation
import Testing

@Suite struct MemoryEventsTests {
    @Test(arguments: [false, true]) func tellsAKillFromALimitThatIsReached(isScope: Bool) throws {
        let directory = NSTemporaryDirectory() + "/memory-events-\(UUID().uuidString)" + (isScope ? ".scope" : "")
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        #expect(MemoryEvents(cgroup: directory) == nil)
        let file = directory + "/memory.events"
        func counts(_ limit: Int, _ kills: Int) throws {
            let text = "low 0\nhigh 0\nmax \(limit)\noom 1\noom_kill \(kills)\noom_group_kill 0\n"
            let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: file))
            handle.write(Data(text.utf8))
        }
        #expect(FileManager.default.createFile(atPath: file, contents: nil))
        try counts(1, 0)
        let events = try #require(MemoryEvents(cgroup: directory))
        #expect(!events.hasKilled)
        // What stays can be asked at the end.
        #expect(events.isWatched == isScope)
        try counts(99, 1)
        events.look()
        #expect(events.hasKilled && !events.isWatched)
    }
}
