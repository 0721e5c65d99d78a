import Foundation
import ImageStore
import LinuxKernel
import OCISpec
import Testing

/// Blobs and layers on their way in: wrong, cut, oversized, resumed, and by two at a time.
@Suite struct IngestTests {
    static let archive = layer { tar in
        tar.file("a", String(repeating: "content of a ", count: 5000))
        tar.file("b", "b")
    }

    private func write(_ writer: BlobWriter, _ bytes: some Collection<UInt8>) throws {
        try Array(bytes).withUnsafeBytes { (buffer) throws in try writer.write(buffer) }
    }

    @Test func wrongDigest() throws {
        let fixture = try Fixture()
        var part = MadeImage.Part(Self.archive, MediaType.ociLayer)
        let diffID = part.descriptor.digest
        part.bytes[600] ^= 1
        let writer = try fixture.store.beginLayer(part.descriptor, diffID: diffID)
        let error = #expect(throws: StoreError.self) {
            try write(writer, part.bytes)
            try writer.finish()
        }
        #expect(error?.code == .corrupt && error?.message.contains("wrong digest") == true, "\(error as Any)")
        #expect(!fixture.store.hasBlob(part.descriptor.digest) && !fixture.store.hasLayer(diffID: diffID))
        // Nothing of it is taken for a beginning.
        let again = try fixture.store.beginLayer(part.descriptor, diffID: diffID)
        #expect(again.offset == 0)
        try write(again, Self.archive)
        try again.finish()
        #expect(fixture.store.hasLayer(diffID: diffID))
    }

    @Test func wrongDiffID() throws {
        let fixture = try Fixture()
        let part = MadeImage.Part(Self.archive, MediaType.ociLayer)
        let other = SHA256.digest(of: [1])
        let writer = try fixture.store.beginLayer(part.descriptor, diffID: other)
        let error = #expect(throws: StoreError.self) {
            try write(writer, part.bytes)
            try writer.finish()
        }
        #expect(error?.code == .corrupt && error?.message.contains("does not unpack to") == true, "\(error as Any)")
        #expect(!fixture.store.hasBlob(part.descriptor.digest) && !fixture.store.hasLayer(diffID: other))
    }

    /// A blob that claims to be a layer that is there already is inflated all the same.
    @Test func garbageForAKnownLayer() throws {
        let fixture = try Fixture()
        try fixture.image([Self.archive])
        let garbage = MadeImage.Part(Array("no layer at all".utf8), MediaType.ociLayer)
        let writer = try fixture.store.beginLayer(garbage.descriptor, diffID: SHA256.digest(of: Self.archive))
        #expect(throws: StoreError.self) {
            try write(writer, garbage.bytes)
            try writer.finish()
        }
        #expect(!fixture.store.hasBlob(garbage.descriptor.digest))
    }

    @Test func oversized() throws {
        let fixture = try Fixture()
        let part = MadeImage.Part(Self.archive, MediaType.ociLayer)
        let writer = try fixture.store.beginLayer(part.descriptor, diffID: part.descriptor.digest)
        let error = #expect(throws: StoreError.self) { try write(writer, part.bytes + [0]) }
        #expect(error?.code == .corrupt && error?.message.contains("longer than") == true, "\(error as Any)")
    }

    @Test func truncatedAndContinued() throws {
        let fixture = try Fixture()
        let part = MadeImage.Part(Self.archive, MediaType.ociLayer)
        let half = Self.archive.count / 2
        let writer = try fixture.store.beginLayer(part.descriptor, diffID: part.descriptor.digest)
        try write(writer, part.bytes[..<half])
        let error = #expect(throws: StoreError.self) { try writer.finish() }
        #expect(error?.code == .corrupt && error?.message.contains("cut short") == true, "\(error as Any)")
        let next = try fixture.store.beginLayer(part.descriptor, diffID: part.descriptor.digest)
        #expect(next.offset == Int64(half), "what came is kept")
        try write(next, part.bytes[half...])
        try next.finish()
        #expect(fixture.store.hasLayer(diffID: part.descriptor.digest))
    }

    /// The beginning that is there may be wrong: then only the end can tell.
    @Test func continuedOnWrongBeginning() throws {
        let fixture = try Fixture()
        let part = MadeImage.Part(Self.archive, MediaType.ociLayer)
        let first = try fixture.store.beginBlob(part.descriptor)
        try write(first, [UInt8](repeating: 7, count: 100))
        first.abandon()
        let next = try fixture.store.beginBlob(part.descriptor)
        #expect(next.offset == 100)
        #expect(throws: StoreError.self) {
            try write(next, part.bytes[100...])
            try next.finish()
        }
        let last = try fixture.store.beginBlob(part.descriptor)
        #expect(last.offset == 0)
        try write(last, part.bytes)
        try last.finish()
        #expect(fixture.store.hasBlob(part.descriptor.digest))
    }

    @Test func restarted() throws {
        let fixture = try Fixture()
        let part = MadeImage.Part(Self.archive, MediaType.ociLayer)
        let writer = try fixture.store.beginLayer(part.descriptor, diffID: part.descriptor.digest)
        try write(writer, part.bytes[..<1000])
        try writer.restart()
        #expect(writer.offset == 0)
        try write(writer, part.bytes)
        try writer.finish()
        #expect(fixture.store.hasLayer(diffID: part.descriptor.digest))
    }

    @Test(arguments: ["gzip", "zstd"], [false, true]) func compressed(_ program: String, _ threaded: Bool) throws {
        let fixture = try Fixture()
        let plain = try fixture.write("layer.tar", Self.archive)
        try #require(tool(program, "-k", plain) != nil)
        let bytes = try File.read(plain + (program == "gzip" ? ".gz" : ".zst"))
        // Several members one after another are one content.
        let image = MadeImage([Self.archive], stored: [bytes])
        let layer = image.layers[0]
        let writer = try fixture.store.beginLayer(layer.descriptor, diffID: image.diffIDs[0], threaded: threaded)
        for start in stride(from: 0, to: bytes.count, by: 97) {
            try write(writer, bytes[start..<min(start + 97, bytes.count)])
        }
        try writer.finish()
        #expect(fixture.store.hasLayer(diffID: image.diffIDs[0]) && fixture.store.hasBlob(layer.descriptor.digest))
        // Cut, with a digest that fits.
        let cut = MadeImage([Self.archive], stored: [Array(bytes.dropLast(10))]).layers[0]
        let other = try Fixture()
        let cutWriter = try other.store.beginLayer(cut.descriptor, diffID: image.diffIDs[0], threaded: threaded)
        let error = #expect(throws: StoreError.self) {
            try write(cutWriter, cut.bytes)
            try cutWriter.finish()
        }
        #expect(error?.code == .corrupt && error?.message.contains("cut short") == true, "\(error as Any)")
    }

    @Test(arguments: [("xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 0] as [UInt8]), ("bzip2", Array("BZh91AY&SY".utf8))])
    func otherCompressions(_ name: String, _ bytes: [UInt8]) throws {
        let fixture = try Fixture()
        let path = try fixture.write("x", bytes + [UInt8](repeating: 1, count: 1000))
        let error = #expect(throws: StoreError.self) { try fixture.store.importRootfs(from: .path(path), name: nil) }
        #expect(error?.message.contains("\(name) compression is not supported") == true, "\(error as Any)")
    }

    /// Two at a time: the second waits, and finds the work done.
    @Test func doneOnce() throws {
        let fixture = try Fixture()
        let part = MadeImage.Part(Self.archive, MediaType.ociLayer)
        let store = fixture.store
        let writer = try store.beginLayer(part.descriptor, diffID: part.descriptor.digest)
        try write(writer, part.bytes[..<1000])
        let busy = #expect(throws: StoreError.self) {
            try store.beginLayer(part.descriptor, diffID: part.descriptor.digest, wait: false)
        }
        #expect(busy?.code == .inUse)
        let second = Background { try store.beginLayer(part.descriptor, diffID: part.descriptor.digest).isComplete }
        usleep(100_000)
        try write(writer, part.bytes[1000...])
        try writer.finish()
        #expect(try second.value(), "it had nothing left to do")
    }

    /// The first gives up half-way: the second goes on from there.
    @Test func takenOver() throws {
        let fixture = try Fixture()
        let part = MadeImage.Part(Self.archive, MediaType.ociLayer)
        let store = fixture.store
        let writer = try store.beginBlob(part.descriptor)
        try write(writer, part.bytes[..<1000])
        let second = Background { try store.beginBlob(part.descriptor).offset }
        usleep(100_000)
        writer.abandon()
        #expect(try second.value() == 1000)
    }

    @Test func manifestsThatDoNotFit() throws {
        let fixture = try Fixture()
        let image = MadeImage([Self.archive])
        func commit(_ image: MadeImage) -> StoreError? {
            do throws(StoreError) {
                _ = try fixture.store.commit(
                    manifest: image.manifest.bytes, digest: image.manifest.descriptor.digest, names: [])
                return nil
            } catch { return error }
        }
        #expect(commit(image)?.code == .notFound, "the configuration is missing")
        let config = try fixture.store.beginBlob(image.config.descriptor)
        try write(config, image.config.bytes)
        try config.finish()
        #expect(commit(image)?.code == .notFound, "the layer is missing")
        try fixture.image([Self.archive, Self.archive])
        #expect(commit(image) == nil)
        var wrong = image
        wrong.manifest.bytes.append(0x20)
        #expect(commit(wrong)?.code == .corrupt, "the digest is another's")
        var short = image
        let manifest = ImageManifest(mediaType: MediaType.ociManifest, config: image.config.descriptor, layers: [])
        short.manifest = MadeImage.Part(manifest.encoded(), MediaType.ociManifest)
        #expect(commit(short)?.code == .corrupt, "fewer layers than the configuration has")
    }

    @Test func fullDisk() throws {
        guard isRoot else { return }
        let fixture = try Fixture()
        let mount = fixture.path("store")
        try Directory.create(mount)
        try #require(tool("mount", "-t", "tmpfs", "-o", "size=2m", "none", mount) != nil)
        defer { tool("umount", mount) }
        let large = layer { $0.file("large", String(repeating: "x", count: 3 << 20)) }
        let error = #expect(throws: StoreError.self) { try fixture.image([large]) }
        #expect(error?.code == .full && error?.message.contains("no space left") == true, "\(error as Any)")
        try fixture.store.collectGarbage()
        #expect(try fixture.store.images().isEmpty && fixture.store.verify().isEmpty)
        // What another test's thread forks in that moment holds removed files open, and their space with them.
        var tries = 0
        while (try? fixture.image([layer { $0.file("small", "x") }])) == nil, tries < 100 {
            usleep(20_000)
            tries += 1
        }
        #expect(try fixture.store.images().count == 1)
    }
}
