import ContainerEngine
import Glibc
import LinuxKernel
import OCISpec
import Testing

/// Volumes and layers on disk, under whatever user runs the tests.
@Suite struct VolumeStoreTests {
    private func specification(_ uses: [Specification.VolumeUse]) -> Specification {
        var runtime = RuntimeSpec()
        runtime.process = RuntimeSpec.Process()
        runtime.process?.user = RuntimeSpec.User(uid: geteuid(), gid: getegid())
        var made = Specification(runtime: runtime)
        made.volumes = uses
        return made
    }

    private func write(_ text: String, to path: String, mode: mode_t = 0o644) throws {
        try File.writeAtomically(text.utf8, to: path, mode: mode)
        chmod(path, mode)
    }

    private func read(_ path: String) throws -> String {
        String(decoding: try File.read(path), as: UTF8.self)
    }

    @Test func freshVolumesAreFilledOnce() throws {
        let scratch = try TemporaryDirectory()
        let tree = scratch.path + "/tree"
        try Directory.create(tree + "/data/deep")
        chmod(tree + "/data", 0o2750)
        try write("one", to: tree + "/data/file", mode: 0o640)
        try write("two", to: tree + "/data/deep/file", mode: 0o4755)
        symlink("../file", tree + "/data/deep/link")
        mkfifo(tree + "/data/fifo", 0o600)
        let store = VolumeStore(root: scratch.path + "/volumes")
        let root = RootView(directory: tree)
        let made = specification([.init(name: "vol", isAnonymous: false, destination: "/data", copyUp: true)])
        try store.prepare(made, tree: tree, root: root, created: "2026-01-02T03:04:05Z")

        let data = store.dataPath("vol")
        #expect(try read(data + "/file") == "one" && read(data + "/deep/file") == "two")
        #expect(try FileStatus(data).permissions == 0o2750)
        #expect(try FileStatus(data + "/file").permissions == 0o640)
        #expect(try FileStatus(data + "/deep/file").permissions == 0o4755)
        #expect(try FileStatus(data + "/deep/link").kind == .symlink)
        #expect(try FileStatus(data + "/file").modified == FileStatus(tree + "/data/file").modified)
        #expect(try FileStatus.ifPresent(data + "/fifo") == nil)
        #expect(try store.volume("vol")?.created == "2026-01-02T03:04:05Z")

        // What the container did to it stays.
        unlink(data + "/file")
        try store.prepare(made, tree: tree, root: root, created: "x")
        #expect(try FileStatus.ifPresent(data + "/file") == nil)
        #expect(try store.volumes().map(\.name) == ["vol"])
    }

    @Test func noCopyAndNoDirectory() throws {
        let scratch = try TemporaryDirectory()
        let tree = scratch.path + "/tree"
        try Directory.create(tree + "/data")
        try write("one", to: tree + "/data/file")
        let store = VolumeStore(root: scratch.path + "/volumes")
        try store.prepare(
            specification([
                .init(name: "bare", isAnonymous: false, destination: "/data", copyUp: false),
                .init(name: "new", isAnonymous: true, destination: "/nowhere", copyUp: true),
            ]), tree: tree, root: RootView(directory: tree), created: "")
        #expect(try Directory.entries(at: store.dataPath("bare")).isEmpty)
        #expect(try Directory.entries(at: store.dataPath("new")).isEmpty)
        #expect(try store.volume("new")?.isAnonymous == true)
        try store.remove("new")
        try store.remove("new")
        #expect(try store.volume("new") == nil)
        #expect(try Directory.entries(at: store.root).map(\.name).filter { !$0.hasPrefix(".") } == ["bare"])
    }

    @Test func leftoversAreSwept() throws {
        let scratch = try TemporaryDirectory()
        let store = VolumeStore(root: scratch.path)
        // No pid is that high.
        try Directory.create("\(scratch.path)/.new-2147483000-x/_data")
        try Directory.create("\(scratch.path)/.old-2147483000-y/_data")
        try Directory.create("\(scratch.path)/.new-\(getpid())-z/_data")
        store.sweep()
        #expect(try Directory.entries(at: scratch.path).map(\.name) == [".new-\(getpid())-z"])
    }

    /// A link of the image's must not lead out of it.
    @Test func linksStayInside() throws {
        let scratch = try TemporaryDirectory()
        let tree = scratch.path + "/tree"
        try Directory.create(tree)
        try Directory.create(scratch.path + "/outside")
        try write("secret", to: scratch.path + "/outside/file")
        symlink("../outside", tree + "/data")
        symlink("/../outside/file", tree + "/file")
        let store = VolumeStore(root: scratch.path + "/volumes")
        let root = RootView(directory: tree)
        try store.prepare(
            specification([.init(name: "v", isAnonymous: false, destination: "/data", copyUp: true)]), tree: tree,
            root: root, created: "")
        #expect(try Directory.entries(at: store.dataPath("v")).isEmpty)
        #expect(root.readFile("/file", 100) == nil)
    }

    @Test func entriesOfTheLayer() throws {
        let scratch = try TemporaryDirectory()
        let (tree, layer) = (scratch.path + "/tree", scratch.path + "/layer")
        try Directory.create(tree + "/etc")
        chmod(tree + "/etc", 0o751)
        try write("old", to: tree + "/etc/passwd", mode: 0o604)
        symlink("/elsewhere", tree + "/opt")
        try Directory.create(layer)
        var made = specification([])
        let (uid, gid) = (geteuid(), getegid())
        made.rootEntries = [
            .init(path: "/etc/passwd", content: .file(Array("new".utf8)), mode: 0o644, uid: uid, gid: gid),
            .init(path: "/etc/group", content: .file(Array("g".utf8)), mode: 0o644, uid: uid, gid: gid),
            .init(path: "/srv/a/b", content: .directory, mode: 0o755, uid: uid, gid: gid),
            .init(path: "/opt/app", content: .directory, mode: 0o755, uid: uid, gid: gid),
        ]
        try made.writeRootEntries(layer: layer, lower: tree)
        #expect(try read(layer + "/etc/passwd") == "new" && read(layer + "/etc/group") == "g")
        // As they were beneath.
        #expect(try FileStatus(layer + "/etc").permissions == 0o751)
        #expect(try FileStatus(layer + "/etc/passwd").permissions == 0o604)
        #expect(try FileStatus(layer + "/etc/group").permissions == 0o644)
        #expect(try FileStatus(layer + "/srv/a/b").kind == .directory)
        // Through a link nothing is made.
        #expect(try FileStatus.ifPresent(layer + "/opt") == nil)
    }
}
