import Foundation
import ImageStore
import LinuxKernel
import OCISpec
import Testing

/// What goes when images go, what stays, and what a kill leaves.
@Suite struct GarbageTests {
    private static let shared = layer { tar in
        tar.file("shared", "in both images")
        tar.file("same", "same content")
    }
    private static let own = layer { tar in
        tar.file("own", "in one image")
        tar.file("same-again", "same content")
    }

    private func files(_ store: ImageStore, _ directory: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: store.root + "/" + directory).sorted()
    }

    private func objects(_ store: ImageStore) throws -> Int {
        // Full names alone: short ones are further names of the same.
        try files(store, "objects").filter { $0.count == 65 }.count
    }

    @Test(arguments: [TreeKind.dataOnly, .copy]) func removal(_ kind: TreeKind) throws {
        let fixture = try Fixture(kind)
        let store = fixture.store
        let both = try fixture.image([Self.shared, Self.own], name: "localhost/both:latest")
        let one = try fixture.image([Self.shared], name: "localhost/one:latest")
        for image in [both, one] { _ = try store.tree(of: image, map: Fixture.map) }
        #expect(try objects(store) == 3)
        #expect(try store.remove("both") == [.untagged("localhost/both:latest"), .deleted(both.id)])
        #expect(try store.collectGarbage())
        #expect(try store.verify().isEmpty)
        #expect(try objects(store) == 2, "what both have stays")
        let tree = try store.tree(of: one, map: Fixture.map)
        #expect(try tree.readFile("same") == Array("same content".utf8))
        #expect(try files(store, "blobs/sha256").count == 3 && files(store, "layers").count == 1)
        _ = try store.remove("one")
        #expect(try store.collectGarbage())
        for directory in ["blobs/sha256", "layers", "trees", "images", "tags", "tmp"] {
            #expect(try files(store, directory).isEmpty, "\(directory)")
        }
        #expect(try files(store, "objects").allSatisfy { $0.count == 2 })
        #expect(try files(store, "linked").allSatisfy { $0.count == 2 })
    }

    @Test func namesAndRemoval() throws {
        let fixture = try Fixture()
        let store = fixture.store
        let image = try fixture.image([Self.own], name: "localhost/a:latest")
        try store.tag(image, as: try Reference(parsing: "localhost/b:1"))
        #expect(try store.image("b:1")?.names == ["localhost/b:1", "localhost/a:latest"])
        let several = #expect(throws: StoreError.self) { try store.remove(image.id.hex) }
        #expect(several?.code == .ambiguous)
        #expect(try store.remove("b:1", users: [image.id: ["x"]]) == [.untagged("localhost/b:1")])
        let used = #expect(throws: StoreError.self) { try store.remove("a", users: [image.id: ["x"]]) }
        #expect(used?.code == .inUse)
        #expect(try store.remove(String(image.id.hex.prefix(10))).count == 2)
        #expect(try store.image("a") == nil)
        #expect(throws: StoreError.self) { try store.remove("a") }
    }

    /// Nothing is collected while somebody takes an image in, and that one finds all that it wrote.
    @Test func besideAnIngest() throws {
        let fixture = try Fixture()
        let store = fixture.store
        let made = MadeImage([Self.own])
        let writer = try store.beginLayer(made.layers[0].descriptor, diffID: made.diffIDs[0])
        try made.layers[0].bytes.withUnsafeBytes { bytes in try writer.write(bytes) }
        #expect(try store.collectGarbage() == false)
        try writer.finish()
        #expect(try store.collectGarbage() == false, "a finished layer without an image is in use as well")
        _ = consume writer
        #expect(try store.collectGarbage())
        #expect(!store.hasLayer(diffID: made.diffIDs[0]), "nobody wanted it")
    }

    /// Many who load while many collect: every image that was committed is whole.
    @Test func manyAtOnce() async throws {
        let fixture = try Fixture()
        let store = fixture.store
        try fixture.image([Self.shared], name: "localhost/first:latest")
        let archive = fixture.path("archive.tar")
        try store.save(["first"], as: .ociArchive, to: .path(archive))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    for _ in 0..<15 {
                        _ = try store.load(from: .path(archive))
                        let found = try store.verify()
                        #expect(found.isEmpty, "\(found)")
                    }
                }
                group.addTask {
                    for _ in 0..<15 {
                        _ = try? store.remove("first")
                        _ = try store.collectGarbage()
                    }
                }
            }
            try await group.waitForAll()
        }
        _ = try store.load(from: .path(archive))
        #expect(try store.verify().isEmpty)
    }

    /// A transfer that was cut may go on the next day, and not forever.
    @Test func unfinishedTransfers() throws {
        let fixture = try Fixture()
        let store = fixture.store
        try fixture.image([Self.shared], name: "localhost/one:latest")
        let made = MadeImage([Self.own, layer { $0.file("third", "third") }])
        for index in 0..<2 {
            let writer = try store.beginLayer(made.layers[index].descriptor, diffID: made.diffIDs[index])
            let bytes = made.layers[index].bytes
            try bytes[..<(index == 0 ? bytes.count : 700)].withUnsafeBytes { bytes in try writer.write(bytes) }
            if index == 0 { try writer.finish() } else { writer.abandon() }
        }
        func isThere() throws -> Bool {
            try store.hasLayer(diffID: made.diffIDs[0])
                && !files(store, "tmp").filter { $0.hasSuffix(".partial") }.isEmpty
        }
        #expect(try store.collectGarbage(keepingUnfinished: true))
        #expect(try isThere())
        for path in try files(store, "layers").map({ "layers/" + $0 }) + files(store, "tmp").map({ "tmp/" + $0 })
            + files(store, "blobs/sha256").map({ "blobs/sha256/" + $0 })
        {
            try #require(tool("touch", "-d", "2 days ago", store.root + "/" + path) != nil)
        }
        #expect(try store.collectGarbage(keepingUnfinished: true))
        #expect(try !isThere() && !store.hasLayer(diffID: made.diffIDs[0]))
        #expect(try store.verify().isEmpty && store.images().count == 1)
    }

    /// A load that fails leaves nothing, and no other's work is touched.
    @Test func failedLoads() throws {
        let fixture = try Fixture()
        let store = fixture.store
        try fixture.image([Self.shared], name: "localhost/one:latest")
        let before = try files(store, "")
        let made = MadeImage([Self.own])
        let archive = layer { tar in
            tar.member("oci-layout", flag: "0", Array("{}".utf8))
            for part in [made.manifest, made.layers[0]] {
                tar.member("blobs/sha256/" + part.descriptor.digest.hex, flag: "0", part.bytes)
            }
            var config = made.config.bytes
            config[5] ^= 1
            tar.member("blobs/sha256/" + made.config.descriptor.digest.hex, flag: "0", config)
            let index = ImageIndex(mediaType: MediaType.ociIndex, manifests: [made.manifest.descriptor])
            tar.member("index.json", flag: "0", index.encoded())
        }
        let error = #expect(throws: StoreError.self) { try store.load(from: .path(fixture.write("bad.tar", archive))) }
        #expect(error?.code == .corrupt, "\(error as Any)")
        #expect(try files(store, "") == before)
    }

    /// SIGKILL at every stage of a load: the store is whole, and the next load clears away what was left.
    @Test(arguments: 0..<8) func killed(_ step: Int) throws {
        let fixture = try Fixture()
        let store = fixture.store
        try fixture.image([Self.shared], name: "localhost/one:latest")
        let before = try files(store, "")
        let content = (0..<200).map { "file \($0) " + String(repeating: "x", count: 2000) }
        let made = MadeImage([
            layer { tar in
                for (index, text) in content.enumerated() { tar.file("f\(index)", text) }
            }
        ])
        let archive = layer { tar in
            tar.member("oci-layout", flag: "0", Array("{}".utf8))
            for part in [made.manifest, made.layers[0], made.config] {
                tar.member("blobs/sha256/" + part.descriptor.digest.hex, flag: "0", part.bytes)
            }
            let index = ImageIndex(mediaType: MediaType.ociIndex, manifests: [made.manifest.descriptor])
            tar.member("index.json", flag: "0", index.encoded())
        }
        let path = try fixture.write("archive.tar", archive)
        let worker = try Worker(store: store, archive: path)
        // From before its first step to after its last.
        usleep(UInt32(step * step * 1500))
        worker.kill()
        #expect(try store.verify().isEmpty)
        #expect(try store.image("one") != nil)
        _ = try store.load(from: .path(path))
        #expect(try store.verify().isEmpty)
        for image in try store.images() where image.names.isEmpty { _ = try store.remove(image.id.hex) }
        try store.collectGarbage()
        let after = try files(store, "").filter { $0.utf8.count > 16 || !$0.hasPrefix("objects") }
        #expect(after == before.filter { $0.utf8.count > 16 || !$0.hasPrefix("objects") })
    }

    /// What killed commands of long ago left, whatever it is.
    @Test func leavings() throws {
        let fixture = try Fixture()
        let store = fixture.store
        try fixture.image([Self.shared], name: "localhost/one:latest")
        let before = try files(store, "")
        for name in ["tmp/.objects.abc.tmp/1", "tmp/.probe.abc.tmp/lower", "tmp/name-77", "tmp/.garbage.abc.tmp"] {
            tool("mkdir", "-p", store.root + "/" + name)
        }
        for name in ["blobs/sha256/.x.tmp", "layers/.y.tmp", "images/.z.tmp"] {
            try File.writeAtomically([1], to: store.root + "/" + name)
        }
        try store.collectGarbage()
        #expect(try files(store, "") == before)
    }
}

/// A load in a process of its own, to be killed. A fork of a process with threads may hang, which costs the test its
/// point and nothing else: it is killed in any case.
private struct Worker {
    private let pid: Int32

    init(store: ImageStore, archive: String) throws {
        pid = try forkSingleThreaded()
        if pid == 0 {
            _ = try? store.load(from: .path(archive))
            _exit(0)
        }
    }

    func kill() {
        Glibc.kill(pid, SIGKILL)
        var status: Int32 = 0
        waitpid(pid, &status, 0)
    }
}
