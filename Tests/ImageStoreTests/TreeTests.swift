import Foundation
import ImageStore
import LinuxKernel
import OCISpec
import Testing

/// Trees on disk: of both kinds, for several mappings, and against what GNU tar says about the same files.
@Suite struct TreeTests {
    /// A directory of everything that a caller may make, archived by GNU tar in each of its formats.
    @Test(arguments: ["ustar", "oldgnu", "gnu", "pax"], [TreeKind.dataOnly, .copy])
    func asTarWroteIt(_ format: String, _ kind: TreeKind) throws {
        let fixture = try Fixture(kind)
        let source = fixture.path("source")
        try Directory.create(source + "/deep/er/est")
        let texts = ["plain": "text", "empty": "", "deep/er/est/file": "below", "with space": "s", "Grüße": "utf8"]
        for (name, text) in texts { try File.writeAtomically(Array(text.utf8), to: source + "/" + name) }
        try File.writeAtomically([1], to: source + "/deep/" + String(repeating: "l", count: 95))
        if format.hasSuffix("gnu") || format == "pax" {
            try File.writeAtomically([2], to: source + "/" + String(repeating: "n", count: 200))
            symlink(String(repeating: "t", count: 200), source + "/long-link")
        }
        chmod(source + "/plain", 0o4711)
        chmod(source + "/empty", 0o600)
        chmod(source + "/deep", 0o1777)
        symlink("plain", source + "/link")
        link(source + "/plain", source + "/deep/hard")
        mkfifo(source + "/fifo", 0o640)
        for (index, name) in ["deep/er/est/file", "plain", "link", "deep/er"].enumerated() {
            tool("touch", "-h", "-d", "@\(1_500_000_000 + index).\(format == "pax" ? 123 : 0)", source + "/" + name)
        }
        let archive = fixture.path("archive.tar")
        let made = tool("tar", "--format=\(format)", "--owner=0", "--group=0", "-C", source, "-cf", archive, ".")
        try #require(made != nil)
        let image = try fixture.store.importRootfs(from: .path(archive), name: nil)
        let tree = try fixture.store.tree(of: image, map: Fixture.map)
        let paths = try FileManager.default.subpathsOfDirectory(atPath: source).sorted()
        #expect(try FileManager.default.subpathsOfDirectory(atPath: tree.path).sorted() == paths)
        for path in paths {
            let (theirs, ours) = (try FileStatus(source + "/" + path), try FileStatus(tree.path + "/" + path))
            #expect(ours.mode == theirs.mode, "\(path)")
            #expect(ours.links == theirs.links || theirs.kind == .directory || kind == .copy, "\(path)")
            let nanoseconds = format == "pax" ? theirs.modified.nanoseconds : 0
            #expect(
                ours.modified.seconds == theirs.modified.seconds && ours.modified.nanoseconds == nanoseconds, "\(path)")
            if theirs.kind == .regular { #expect(try tree.readFile(path) == File.read(source + "/" + path), "\(path)") }
            if theirs.kind == .symlink {
                #expect(try readLink(tree.path + "/" + path) == readLink(source + "/" + path))
            }
        }
        #expect(try fixture.store.verify().isEmpty)
    }

    @Test(arguments: ["gnu", "pax"], [TreeKind.dataOnly, .copy])
    func sparseFilesTakeNoRoom(_ format: String, _ kind: TreeKind) throws {
        let fixture = try Fixture(kind)
        let source = fixture.path("source")
        try Directory.create(source)
        let file = try OwnedDescriptor.open(source + "/sparse", O_RDWR | O_CREAT, mode: 0o600)
        let size: Int64 = 64 << 20
        for index in 0..<40 { pwrite(file.raw, "data", 4, off_t(index) * (1 << 20) + 77) }
        ftruncate(file.raw, off_t(size))
        tool("tar", "--format=\(format)", "--sparse", "-C", source, "-cf", fixture.path("archive.tar"), ".")
        let image = try fixture.store.importRootfs(from: .path(fixture.path("archive.tar")), name: nil)
        let tree = try fixture.store.tree(of: image, map: Fixture.map)
        #expect(try tree.readFile("sparse", limit: 1 << 27) == File.read(source + "/sparse", limit: 1 << 27))
        let used = tool("du", "-s", "-B1", fixture.store.root).flatMap { Int($0.prefix { $0 != "\t" }) }
        #expect(try #require(used) < 16 << 20, "of 64 MiB that are holes")
    }

    @Test(.enabled(if: isRoot), arguments: [TreeKind.dataOnly, .copy]) func mappings(_ kind: TreeKind) throws {
        let fixture = try Fixture(kind)
        let image = try fixture.image([
            layer { tar in
                tar.file("root", "r")
                tar.file("user", "u", mode: 0o4755, uid: 1000, gid: 1000)
                tar.file("far", "f", mode: 0o4755, uid: 70000, gid: 70000)
                tar.directory("d", uid: 1000, gid: 33)
                tar.symlink("l", to: "x")
            }
        ])
        let ids = [
            RuntimeSpec.IDMapping(containerID: 0, hostID: 100_000, size: 1000),
            RuntimeSpec.IDMapping(containerID: 1000, hostID: 5, size: 1),
        ]
        let tree = try fixture.store.tree(of: image, map: IDMap(uid: ids, gid: ids))
        func owner(_ path: String) throws -> String {
            let status = try FileStatus(tree.path + "/" + path)
            return "\(status.uid):\(status.gid) \(String(status.permissions, radix: 8))"
        }
        #expect(try owner("root") == "100000:100000 644")
        #expect(try owner("user") == "5:5 4755")
        #expect(try owner("d") == "5:100033 755")
        #expect(try owner("far") == "100000:100000 755", "an id that the mapping lacks: its root's, without setuid")
        #expect(try owner("l") == "100000:100000 777")
        #expect(try fixture.store.verify().isEmpty)
    }

    /// The number of an id map's spelling does not matter, and each mapping has a tree of its own.
    @Test func treesByMapping() throws {
        let fixture = try Fixture()
        let image = try fixture.image([layer { $0.file("a", "a") }])
        let me = geteuid()
        let one = IDMap(
            uid: [.init(containerID: 0, hostID: me, size: 1)], gid: [.init(containerID: 0, hostID: getegid(), size: 1)])
        let two = IDMap(
            uid: [.init(containerID: 5, hostID: me, size: 0), .init(containerID: 0, hostID: me, size: 1)],
            gid: [.init(containerID: 0, hostID: getegid(), size: 1)])
        let other = IDMap(
            uid: [.init(containerID: 7, hostID: me, size: 1)], gid: [.init(containerID: 7, hostID: getegid(), size: 1)])
        #expect(try fixture.store.tree(of: image, map: one) == fixture.store.tree(of: image, map: two))
        #expect(try fixture.store.tree(of: image, map: one) != fixture.store.tree(of: image, map: other))
    }

    /// Contents are on the disk once, whatever the mapping, where files redirect to them.
    @Test func anotherMappingCostsNoData() throws {
        let fixture = try Fixture(.dataOnly)
        let text = String(repeating: "0123456789abcdef", count: 1 << 18)
        let image = try fixture.image([layer { $0.file("large", text) }])
        let tree = try fixture.store.tree(of: image, map: Fixture.map)
        #expect(try FileStatus(tree.path + "/large").blocks < 16)
        #expect(try FileStatus(tree.path + "/large").size == 4 << 20)
        #expect(tree.objects != nil)
    }

    /// The fallback links where owner, mode and time agree, across images.
    @Test func wholeFilesAreLinked() throws {
        let fixture = try Fixture(.copy)
        let base = layer { tar in
            tar.file("tool", "tool", mode: 0o755)
            tar.file("plain", "plain")
        }
        let first = try fixture.image([base], name: "localhost/one:latest")
        let second = try fixture.image([base, layer { $0.file("more", "m") }], name: "localhost/two:latest")
        let (one, two) = (
            try fixture.store.tree(of: first, map: Fixture.map), try fixture.store.tree(of: second, map: Fixture.map)
        )
        #expect(one.objects == nil)
        for name in ["tool", "plain"] {
            #expect(try FileStatus(one.path + "/" + name).inode == FileStatus(two.path + "/" + name).inode, "\(name)")
        }
        #expect(try two.readFile("more") == Array("m".utf8))
    }

    @Test func readingInATree() throws {
        let fixture = try Fixture()
        let image = try fixture.image([
            layer { tar in
                tar.directory("etc")
                tar.file("etc/passwd", "root:x:0:0")
                tar.symlink("absolute", to: "/etc/passwd")
                tar.symlink("out", to: "../../../../../../etc/passwd")
                tar.symlink("loop", to: "loop")
                tar.fifo("fifo")
            }
        ])
        let tree = try fixture.store.tree(of: image, map: Fixture.map)
        for path in ["etc/passwd", "/etc/passwd", "absolute", "out", "../etc/passwd"] {
            #expect(try tree.readFile(path) == Array("root:x:0:0".utf8), "\(path)")
        }
        for path in ["nothing", "loop", "fifo", "etc", "etc/passwd/x"] {
            #expect(try tree.readFile(path) == nil, "\(path)")
        }
        let error = #expect(throws: StoreError.self) { try tree.readFile("etc/passwd", limit: 3) }
        #expect(error?.code == .limit)
    }

    /// Many who want one tree get one, whole.
    @Test func builtOnce() async throws {
        let fixture = try Fixture()
        let image = try fixture.image([
            layer { tar in
                for index in 0..<300 { tar.file("f\(index)", "\(index)") }
            }
        ])
        let store = fixture.store
        let inodes = try await withThrowingTaskGroup(of: UInt64.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let tree = try store.tree(of: image, map: Fixture.map)
                    guard try tree.readFile("f299") == Array("299".utf8) else { return 0 }
                    return try FileStatus(tree.path).inode
                }
            }
            var all: Set<UInt64> = []
            for try await inode in group { all.insert(inode) }
            return all
        }
        #expect(inodes.count == 1 && !inodes.contains(0))
    }
}
