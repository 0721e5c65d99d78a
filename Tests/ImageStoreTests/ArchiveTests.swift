import Foundation
import ImageStore
import LinuxKernel
import OCISpec
import Testing

/// `save` and `load`: what comes back is what went, and other programs read it.
@Suite struct ArchiveTests {
    static let layers: [[UInt8]] = [
        layer { tar in
            tar.directory("bin", mode: 0o755)
            tar.file("bin/tool", "tool", mode: 0o4755)
            tar.hardLink("bin/alias", to: "bin/tool")
            tar.symlink("link", to: "bin/tool")
            tar.file("removed", "x")
            tar.fifo("fifo")
        },
        layer { tar in
            tar.whiteout("removed")
            tar.file("added", "added", pax: [("mtime", "1234567890.5"), ("SCHILY.xattr.user.a", "b")])
        },
    ]

    /// What a store of its own loads. The fixture has a name, or it and its directory would be gone before the load, which
    /// makes the directory again.
    private func loaded(_ path: String) throws -> [StoredImage] {
        let other = try Fixture()
        return try other.store.load(from: .path(path))
    }

    /// Stored as gzip, as most are.
    private func store(_ fixture: borrowing Fixture) throws -> StoredImage {
        let compressed = try Self.layers.enumerated().map { index, layer in
            let path = try fixture.write("layer\(index)", layer)
            _ = tool("gzip", "-n", path)
            return try File.read(path + ".gz")
        }
        let made = MadeImage(Self.layers, stored: compressed)
        let session = try fixture.store.beginIngest()
        defer { _ = session }
        for (part, diffID) in zip(made.layers, made.diffIDs) {
            let writer = try fixture.store.beginLayer(part.descriptor, diffID: diffID)
            try part.bytes.withUnsafeBytes { bytes in try writer.write(bytes) }
            try writer.finish()
        }
        let writer = try fixture.store.beginBlob(made.config.descriptor)
        try made.config.bytes.withUnsafeBytes { bytes in try writer.write(bytes) }
        try writer.finish()
        return try fixture.store.commit(
            manifest: made.manifest.bytes, digest: made.manifest.descriptor.digest,
            names: [try Reference(parsing: "localhost/image:v1")])
    }

    @Test(arguments: ArchiveFormat.allCases) func roundTrip(_ format: ArchiveFormat) throws {
        let fixture = try Fixture()
        let image = try store(fixture)
        let before = try listing(try fixture.store.tree(of: image, map: Fixture.map))
        let path = fixture.path("saved")
        try fixture.store.save(["image:v1"], as: format, to: .path(path))
        let other = try Fixture()
        let loaded = try other.store.load(from: .path(path))
        #expect(loaded.map(\.names) == [["localhost/image:v1"]])
        #expect(loaded[0].id == image.id && loaded[0].layers == image.layers && loaded[0].config == image.config)
        if format != .dockerArchive { #expect(loaded[0].manifestDigest == image.manifestDigest) }
        let tree = try other.store.tree(of: loaded[0], map: Fixture.map)
        let after = try listing(tree)
        for name in Set(before.keys).union(after.keys).sorted() { #expect(after[name] == before[name], "\(name)") }
        #expect(try ExtendedAttributes.get("user.a", at: tree.path + "/added") == Array("b".utf8))
        #expect(
            try FileStatus(tree.path + "/added").modified == FileTime(seconds: 1_234_567_890, nanoseconds: 500_000_000))
        #expect(try other.store.verify().isEmpty)
    }

    /// Every entry that umoci unpacks from what we saved, against what we made of it ourselves.
    @Test(.enabled(if: isRoot && tool("which", "umoci") != nil, "umoci or root is missing"))
    func asUmociReadsIt() throws {
        let fixture = try Fixture()
        let image = try store(fixture)
        let directory = fixture.path("layout")
        try fixture.store.save(["image:v1"], as: .ociDirectory, to: .path(directory))
        let bundle = fixture.path("bundle")
        try #require(tool("umoci", "raw", "unpack", "--image", directory + ":localhost/image:v1", bundle) != nil)
        let tree = try fixture.store.tree(of: image, map: .identity)
        let ours = try listing(tree)
        let theirs = try FileManager.default.subpathsOfDirectory(atPath: bundle).sorted()
        #expect(ours.keys.sorted() == theirs)
        for path in theirs {
            let (a, b) = (try FileStatus(tree.path + "/" + path), try FileStatus(bundle + "/" + path))
            #expect(a.mode == b.mode && a.uid == b.uid && a.modified == b.modified, "\(path)")
            if a.kind == .regular { #expect(try tree.readFile(path) == File.read(bundle + "/" + path), "\(path)") }
        }
    }

    @Test(.enabled(if: tool("which", "skopeo") != nil, "skopeo is missing"), arguments: ArchiveFormat.allCases)
    func asSkopeoReadsIt(_ format: ArchiveFormat) throws {
        let fixture = try Fixture()
        let image = try store(fixture)
        let path = fixture.path("saved")
        try fixture.store.save(["image:v1"], as: format, to: .path(path))
        let kind = format == .ociDirectory ? "oci" : format.rawValue
        let copy = fixture.path("copy.tar")
        try #require(
            tool("skopeo", "--insecure-policy", "copy", "\(kind):\(path)", "docker-archive:\(copy):x/y:z") != nil)
        let other = try Fixture()
        let loaded = try other.store.load(from: .path(copy))
        #expect(loaded[0].layers == image.layers && loaded[0].names == ["docker.io/x/y:z"])
    }

    /// An image from a docker archive has Docker's manifest; a layout gets the specification's.
    @Test func dockerManifestInALayout() throws {
        let fixture = try Fixture()
        _ = try store(fixture)
        let first = fixture.path("docker.tar")
        try fixture.store.save(["image:v1"], as: .dockerArchive, to: .path(first))
        let other = try Fixture()
        _ = try other.store.load(from: .path(first))
        let second = fixture.path("layout")
        try other.store.save(["image:v1"], as: .ociDirectory, to: .path(second))
        let index = try ImageIndex(parsing: try File.read(second + "/index.json"))
        let bytes = try File.read(second + "/blobs/sha256/" + index.manifests[0].digest.hex)
        let manifest = try ImageManifest(parsing: bytes)
        #expect(manifest.mediaType == MediaType.ociManifest && manifest.config.mediaType == MediaType.ociConfig)
        #expect(manifest.layers.allSatisfy { $0.mediaType == MediaType.ociLayer })
        #expect(index.manifests[0].size == Int64(bytes.count))
        #expect(index.manifests[0].annotations["org.opencontainers.image.ref.name"] == "localhost/image:v1")
    }

    @Test func severalImages() throws {
        let fixture = try Fixture()
        try fixture.image([Self.layers[0]], name: "localhost/a:latest")
        try fixture.image(Self.layers, name: "localhost/b:latest")
        let path = fixture.path("saved.tar")
        try fixture.store.save(["a", "b"], as: .dockerArchive, to: .path(path))
        let other = try Fixture()
        #expect(
            try other.store.load(from: .path(path)).flatMap(\.names) == ["localhost/a:latest", "localhost/b:latest"])
        let error = #expect(throws: StoreError.self) {
            try fixture.store.save(["a", "b"], as: .ociArchive, to: .path(fixture.path("no")))
        }
        #expect(error?.code == .invalid)
        #expect(!FileManager.default.fileExists(atPath: fixture.path("no")))
    }

    @Test func namesOfWhatIsSaved() throws {
        let fixture = try Fixture()
        let image = try fixture.image(Self.layers, name: "localhost/a:latest")
        func names(_ name: String, tags: [String] = [], _ format: ArchiveFormat = .dockerArchive) throws -> [String] {
            let path = fixture.path("names-\(name.prefix(9))-\(format.rawValue).tar")
            try fixture.store.save(
                [name], tags: try tags.map { try Reference(parsing: $0) }, as: format, to: .path(path))
            return try loaded(path).flatMap(\.names).sorted()
        }
        #expect(try names("a") == ["localhost/a:latest"])
        #expect(try names(image.id.hex).isEmpty, "by id: without a name")
        #expect(try names("a", tags: ["localhost/more:1"]) == ["localhost/a:latest", "localhost/more:1"])
    }

    @Test func toAPipe() throws {
        let fixture = try Fixture()
        try fixture.image(Self.layers)
        let store = fixture.store
        let (reader, writer) = try OwnedDescriptor.pipe().release()
        let thread = Thread {
            try? store.save(["image"], as: .dockerArchive, to: .descriptor(writer))
            close(writer)
        }
        thread.start()
        let other = try Fixture()
        let loaded = try other.store.load(from: .descriptor(reader))
        close(reader)
        #expect(loaded.flatMap(\.names) == ["localhost/image:latest"])
        while !thread.isFinished { usleep(1000) }
    }

    @Test func nothingHalfMade() throws {
        let fixture = try Fixture()
        let image = try fixture.image(Self.layers)
        let path = fixture.path("saved.tar")
        try File.writeAtomically(Array("old".utf8), to: path)
        let blob = fixture.store.root + "/blobs/sha256/" + image.layers[1].hex
        let bytes = try File.read(blob)
        try File.writeAtomically([UInt8](bytes.dropLast()) + [9], to: blob)
        for format in ArchiveFormat.allCases {
            let target = format == .ociDirectory ? fixture.path("layout") : path
            let error = #expect(throws: StoreError.self) {
                try fixture.store.save(["image"], as: format, to: .path(target))
            }
            #expect(error?.code == .corrupt && error?.message.contains("damaged") == true, "\(error as Any)")
        }
        #expect(try File.read(path) == Array("old".utf8))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: fixture.directory).sorted() == ["saved.tar", "store"])
        #expect(try fixture.store.verify().count == 1, "the damaged blob is found")
    }

    @Test func replacesWhatIsThere() throws {
        let fixture = try Fixture()
        try fixture.image(Self.layers)
        let path = fixture.path("saved.tar")
        try File.writeAtomically(Array("old".utf8), to: path)
        symlink("saved.tar", fixture.path("link"))
        try fixture.store.save(["image"], as: .dockerArchive, to: .path(fixture.path("link")))
        #expect(try FileStatus(fixture.path("link")).kind == .symlink)
        #expect(try loaded(path).count == 1)
        #expect(throws: StoreError.self) {
            try fixture.store.save(["image"], as: .dockerArchive, to: .path(fixture.directory))
        }
        #expect(throws: StoreError.self) {
            try fixture.store.save(["image"], as: .dockerArchive, to: .path(fixture.path("no/such/directory")))
        }
    }

    @Test func addingToALayout() throws {
        let fixture = try Fixture()
        try fixture.image([Self.layers[0]], name: "localhost/a:latest")
        try fixture.image(Self.layers, name: "localhost/b:latest")
        let path = fixture.path("layout")
        for name in ["a", "b", "a"] { try fixture.store.save([name], as: .ociDirectory, to: .path(path)) }
        #expect(
            try loaded(path).flatMap(\.names).sorted() == [
                "localhost/a:latest", "localhost/b:latest",
            ])
        let other = fixture.path("other")
        try Directory.create(other + "/something")
        let error = #expect(throws: StoreError.self) {
            try fixture.store.save(["a"], as: .ociDirectory, to: .path(other))
        }
        #expect(error?.code == .invalid)
    }

    /// The store itself is a layout that others read.
    @Test(.enabled(if: tool("which", "skopeo") != nil, "skopeo is missing")) func theStoreIsALayout() throws {
        let fixture = try Fixture()
        _ = try store(fixture)
        #expect(tool("skopeo", "inspect", "--config", "oci:\(fixture.store.root):localhost/image:v1") != nil)
    }

    @Test func largeMembers() throws {
        // A size beyond ustar's field is read back by our own reader, and by Python's.
        let size: Int64 = (1 << 33) + 5
        let header = TarWriter.header("large", size: size)
        let fixture = try Fixture()
        let path = try fixture.write("large.tar", header)
        truncate(path, off_t(header.count) + off_t(size) + 1531)
        let listed = tool(
            "python3", "-c", "import sys,tarfile\nfor m in tarfile.open(sys.argv[1]): print(m.name, m.size)", path)
        #expect(listed == "large \(size)\n")
    }
}
