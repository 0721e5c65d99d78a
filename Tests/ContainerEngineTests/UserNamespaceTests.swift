import ContainerEngine
import OCISpec
import Testing

@Suite struct UserNamespaceTests {
    private func text(_ maps: [RuntimeSpec.IDMapping]) -> String {
        maps.map { "\($0.containerID):\($0.hostID):\($0.size)" }.joined(separator: " ")
    }

    private func plan(
        _ choice: NamespaceOptions.User?, _ caller: CallerFacts = Fixture.rootless, inUse: [Range<UInt32>] = [],
        highest: UInt32 = 0
    ) throws -> UserNamespacePlan {
        try UserNamespacePolicy(caller: caller, idsInUse: inUse, highestImageID: highest)
            .plan(choice) { name throws(EngineError) in throw EngineError(.notFound, name) }
    }

    @Test(arguments: [
        (UInt32(1001), UInt32(65_537), "0:1:1001 1001:0:1 1002:1002:64535"), (0, 65_537, "0:0:1 1:1:65536"),
        (1, 65_537, "0:1:1 1:0:1 2:2:65535"), (1001, 1, "1001:0:1"), (0, 1, "0:0:1"),
        (65_536, 65_537, "0:1:65536 65536:0:1"), (100_000, 65_537, "0:1:65536 100000:0:1"),
        (65_535, 65_537, "0:1:65535 65535:0:1 65536:65536:1"),
    ])
    func keepID(_ id: UInt32, _ count: UInt32, _ expected: String) {
        #expect(text(UserNamespacePolicy.keeping(id, of: count)) == expected)
    }

    /// A line of a map that crosses two of the parent's lines is refused by the kernel.
    @Test func mapsAreCutWhereTheParentsAre() throws {
        var caller = Fixture.rootless
        caller.uidMap = [
            .init(containerID: 0, hostID: 1001, size: 1), .init(containerID: 1, hostID: 300_000, size: 1000),
            .init(containerID: 1001, hostID: 900_000, size: 500),
        ]
        caller.gidMap = caller.uidMap
        #expect(text(try plan(nil, caller).uid) == "0:0:1 1:1:1000 1001:1001:500")
        #expect(
            text(try plan(.keepID(uid: nil, gid: nil), caller).uid) == "0:1:1000 1000:1001:1 1001:0:1 1002:1002:499")
        #expect(
            text(try plan(.explicit(uid: [.init(containerID: 0, hostID: 0, size: 1200)], gid: []), caller).gid)
                == "0:0:1 1:1:1000 1001:1001:199")
    }

    @Test func singleID() throws {
        #expect(text(try plan(nil, Fixture.singleID).uid) == "0:0:1")
        let kept = try plan(.keepID(uid: nil, gid: nil), Fixture.singleID)
        #expect(text(kept.uid) == "1001:0:1" && text(kept.gid) == "1001:0:1")
        #expect(kept.warnings.count == 1)
    }

    @Test func root() throws {
        #expect(try plan(nil, Fixture.realRoot).kind == .host)
        #expect(try plan(.host, Fixture.realRoot).uid.isEmpty)
        let mapped = try plan(
            .explicit(uid: [.init(containerID: 0, hostID: 100_000, size: 10)], gid: []), Fixture.realRoot)
        #expect(text(mapped.uid) == "0:100000:10" && text(mapped.gid) == "0:100000:10")
        let kept = try plan(.keepID(uid: nil, gid: 7), Fixture.realRoot)
        #expect(text(kept.uid) == "0:0:4294967295" && text(kept.gid) == "0:0:4294967295" && kept.kind == .new)
        #expect(kept.defaultUser?.uid == 0 && kept.defaultUser?.gid == 7)
        #expect(kept.warnings == ["keep-id as root: every id of the container is the host's own"])
    }

    @Test(arguments: [
        (UInt32?.none, UInt32(0), [Range<UInt32>](), "0:1:1024"), (nil, 3000, [], "0:1:3000"),
        (nil, 900_000, [], "0:1:65536"), (5000, 9, [], "0:1:5000"), (10, 0, [1..<1025], "0:1025:10"),
        (10, 0, [5..<1025], "0:1025:10"), (10, 0, [20..<30, 5..<8], "0:8:10"), (4, 0, [5..<1025], "0:1:4"),
    ])
    func automatic(_ size: UInt32?, _ highest: UInt32, _ inUse: [Range<UInt32>], _ expected: String) throws {
        let drawn = try plan(
            .auto(size: size, uidMappings: [], gidMappings: []), inUse: inUse, highest: highest)
        #expect(text(drawn.uid) == expected && drawn.isAutomatic)
    }

    @Test func automaticAroundFixedMaps() throws {
        let fixed = RuntimeSpec.IDMapping(containerID: 5, hostID: 3, size: 1)
        let drawn = try plan(.auto(size: 10, uidMappings: [fixed], gidMappings: []))
        #expect(text(drawn.uid) == "0:4:5 5:3:1 6:9:5")
    }

    @Test func records() throws {
        for choice: NamespaceOptions.User? in [nil, .keepID(uid: 5, gid: 6), .path("/proc/1/ns/user")] {
            var made = try plan(choice)
            made.warnings = []
            #expect(try UserNamespacePlan(json: made.json) == made)
        }
    }

    /// Sharing a namespace of a container takes sharing the user namespace that owns it.
    @Test func neighboursShareTheirs() throws {
        var other = Surroundings.Neighbour(id: "other", isRunning: true, userNamespace: try plan(nil))
        other.hostname = "theirs"
        other.hostsFile = "/store/containers/other/files/hosts"
        other.resolvConfFile = "/store/containers/other/files/resolv.conf"
        let made = try Fixture.build(neighbours: [other]) {
            $0.network.mode = .container("other")
            $0.namespaces.pid = .container("other")
        }
        #expect(
            made.joins.map { "\($0.kind.rawValue) \($0.container)" } == ["pid other", "network other", "user other"])
        #expect(made.runtime.linux?.namespaces.map(\.type) == [.ipc, .uts, .mount, .cgroup])
        #expect(made.runtime.linux?.uidMappings.isEmpty ?? false)
        #expect(made.runtime.hostname == "theirs")
        let sources = made.runtime.mounts.compactMap(\.source)
        #expect(sources.contains(other.hostsFile!) && sources.contains(other.resolvConfFile!))
        #expect(made.runtime.linux?.sysctl.isEmpty ?? false)

        #expect(throws: EngineError.self) {
            try Fixture.build(neighbours: [other]) {
                $0.namespaces.user = .nomap
                $0.namespaces.pid = .container("other")
            }
        }
    }
}
