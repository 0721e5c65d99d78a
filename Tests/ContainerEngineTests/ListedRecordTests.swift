import ContainerEngine
import OCISpec
import Testing

/// What a list reads of a container's record: its beginning.
@Suite struct ListedRecordTests {
    private static func record() -> ContainerRecord {
        var process = RuntimeSpec.Process()
        process.args = ["/bin/sh", "-c", "echo \"specification\": {"]
        process.env = ["A=1"]
        var runtime = RuntimeSpec()
        runtime.process = process
        runtime.hostname = "somewhere"
        var record = ContainerRecord(
            id: String(repeating: "a", count: 64), name: "able_abel", created: Timestamp(seconds: 5),
            imageName: "localhost/image:1", imageID: nil, root: .directory("/root"), network: "none",
            specification: Specification(runtime: runtime))
        record.labels = ["one": "1", "specification": "2"]
        record.mounts = ["/data"]
        record.removeOnExit = true
        record.createCommand = ["run", "-d"]
        return record
    }

    @Test func theBeginningIsEnough() throws {
        let whole = Self.record()
        let bytes = whole.encoded()
        let name = Array(#""specification":{"#.utf8)
        let start = try #require((0..<bytes.count).last { bytes[$0...].starts(with: name) })
        let listed = try ContainerRecord(listing: Array(bytes[..<(start + name.count)]))
        #expect(listed.command == whole.command)
        #expect(listed.specification.runtime.hostname == nil)
        var expected = whole
        expected.specification = listed.specification
        expected.createCommand = []
        #expect(listed == expected)
        // The same of more, and of everything.
        #expect(try ContainerRecord(listing: bytes) == listed)
    }

    /// Then the whole is to be read.
    @Test func aBeginningWithoutTheCommandIsNotEnough() throws {
        let bytes = Self.record().encoded()
        #expect(throws: DocumentError.self) { try ContainerRecord(listing: Array(bytes.prefix(100))) }
        var json = try JSON(parsing: bytes)
        json.set("command", nil)
        #expect(throws: DocumentError.self) { try ContainerRecord(listing: json.encoded()) }
    }

    /// Whoever takes a container away reads as little, unless volumes or hooks go with it.
    @Test func theEndNeedsTheBeginningAlone() throws {
        var record = Self.record()
        let beginning = Array(record.encoded().prefix(1000))
        let ending = try ContainerRecord(ending: beginning)
        #expect(ending.id == record.id && ending.name == record.name && ending.labels == record.labels)
        #expect(ending.removeOnExit)
        record.specification.volumes = [.init(name: "v", isAnonymous: false, destination: "/v", copyUp: false)]
        _ = try ContainerRecord(ending: record.encoded())
        record.specification.volumes[0].isAnonymous = true
        #expect(throws: DocumentError.self) { try ContainerRecord(ending: record.encoded()) }
        record.specification.volumes = []
        record.specification.runtime.hooks = RuntimeSpec.Hooks()
        #expect(throws: DocumentError.self) { try ContainerRecord(ending: record.encoded()) }
        // Groups of resctrl that nobody noted are found by what was asked for.
        record.specification.runtime.hooks = nil
        record.specification.runtime.linux = RuntimeSpec.Linux()
        record.specification.runtime.linux?.intelRdt = .object([])
        #expect(throws: DocumentError.self) { try ContainerRecord(ending: record.encoded()) }
    }
}
