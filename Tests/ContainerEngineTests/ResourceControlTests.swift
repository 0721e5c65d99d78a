import ContainerEngine
import Foundation
import LinuxKernel
import OCISpec
import Testing

/// With a directory in resctrl's place: what the kernel would read stands in its files.
struct ResourceControlTests: ~Copyable {
    private let root: TemporaryDirectory

    init() throws { root = try TemporaryDirectory() }

    private var control: ResourceControl { ResourceControl(root: root.path) }

    private func request(_ text: String) throws -> ResourceControl.Request {
        try #require(try ResourceControl.Request(try JSON(parsing: text)))
    }

    private func content(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }

    private func makeGroup(_ name: String, _ schemata: String) throws {
        let path = root.path + "/" + name
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try Data(schemata.utf8).write(to: URL(fileURLWithPath: path + "/schemata"))
        try Data().write(to: URL(fileURLWithPath: path + "/tasks"))
    }

    @Test func groupsThatAreThere() throws {
        try makeGroup("gold", "    MB:0=100;1=100\n    L3:0=00ff;1=0fff\n")
        let same = try request(#"{"closID": "gold", "schemata": ["L3:0=ff;1=FFF"]}"#)
        let group = try control.group(for: same, id: "c1")
        #expect(group.path == root.path + "/gold" && group.made.isEmpty, "it stays when the container goes")
        try control.add(4711, to: group, id: "c1")
        #expect(content(root.path + "/gold/tasks") == "4711")
        let other = try request(#"{"closID": "gold", "memBwSchema": "MB:0=50"}"#)
        #expect(throws: EngineError.self) { try control.group(for: other, id: "c1") }
        let named = try request(#"{"closID": "gold"}"#)
        #expect(try control.group(for: named, id: "c1").path == group.path)
        let missing = try request(#"{"closID": "silver"}"#)
        #expect(throws: EngineError.self) { try control.group(for: missing, id: "c1") }
    }

    /// What may be removed when nobody has noted what was made.
    @Test(arguments: [
        (#"{"schemata": ["L3:0=f"]}"#, ["c1/mon_groups/c1", "c1"]), (#"{"closID": "gold"}"#, ["gold/mon_groups/c1"]),
        (#"{"closID": "/"}"#, ["mon_groups/c1"]),
    ]) func groupsOfTheContainersOwn(_ text: String, _ paths: [String]) throws {
        #expect(control.own(try request(text), id: "c1") == paths.map { root.path + "/" + $0 })
    }

    @Test func stateNamesGroups() throws {
        var state = RunState(
            process: ProcessIdentity(pid: 1, startTime: 2), supervisor: ProcessIdentity(pid: 3, startTime: 4),
            bootID: "b", startedAt: Timestamp(seconds: 5, nanoseconds: 0))
        state.resourceGroups = ["/sys/fs/resctrl/c1"]
        #expect(try RunState(json: state.json) == state)
    }

    @Test func monitoringAndTheDefaultGroup() throws {
        try makeGroup("mon_groups", "")
        let request = try request(#"{"closID": "/", "enableMonitoring": true}"#)
        let group = try control.group(for: request, id: "c1")
        #expect(group.path == root.path && group.made == [root.path + "/mon_groups/c1"])
    }

    @Test(arguments: ["a/b", "..", "", "info", "mon_groups", "a\\nb"]) func namesThatAreNone(_ name: String) {
        #expect(throws: EngineError.self) { try request(#"{"closID": "\#(name)"}"#) }
    }

    @Test func bandwidthIsNoCacheSchema() throws {
        let request = try request(
            #"{"l3CacheSchema": "L3:0=f\nMB:0=10", "memBwSchema": "MB:0=20", "schemata": ["L2:0=3"]}"#)
        #expect(request.schemata == ["L3:0=f", "MB:0=20", "L2:0=3"])
        #expect(try ResourceControl.Request(.object([])) == nil)
    }
}
