import Foundation
import ImageStore
import LinuxKernel
import OCISpec
import Testing

/// `verify` finds what is wrong; a test of the tests that lean on it.
@Suite struct VerificationTests {
    private func damaged(_ damage: (ImageStore, StoredImage) throws -> Void) throws -> [String] {
        let fixture = try Fixture()
        let image = try fixture.image([
            layer { tar in
                tar.file("a", "content of a")
                tar.directory("d")
                tar.file("d/b", "content of b")
            }
        ])
        _ = try fixture.store.tree(of: image, map: Fixture.map)
        #expect(try fixture.store.verify().isEmpty)
        try damage(fixture.store, image)
        return try fixture.store.verify()
    }

    private func expect(_ found: [String], _ word: String) {
        #expect(found.contains { $0.contains(word) }, "\(found)")
    }

    private func object(_ text: String, _ store: ImageStore) -> String {
        let hex = SHA256.digest(of: Array(text.utf8)).hex
        return store.root + "/objects/" + hex.prefix(2) + "/" + hex.dropFirst(2)
    }

    @Test func contents() throws {
        expect(try damaged { store, _ in _ = unlink(object("content of a", store)) }, "no such file")
        expect(
            try damaged { store, _ in
                let file = try OwnedDescriptor.open(object("content of a", store), O_WRONLY)
                pwrite(file.raw, "C", 1, 0)
            }, "has the wrong digest")
        expect(
            try damaged { store, _ in _ = truncate(object("content of a", store), 3) }, "has another size")
    }

    @Test func blobsAndRecords() throws {
        func path(_ store: ImageStore, _ directory: String, _ id: Digest) -> String {
            "\(store.root)/\(directory)/\(id.hex)"
        }
        expect(
            try damaged { store, image in _ = unlink(path(store, "blobs/sha256", image.layers[0])) }, "not in the store"
        )
        expect(try damaged { store, image in _ = truncate(path(store, "layers", image.layers[0]), 50) }, "damaged")
        let record = try damaged { store, image in _ = truncate(path(store, "images", image.id), 50) }
        #expect(record.contains { $0.contains("record is damaged") }, "\(record)")
        let name = try damaged { store, image in _ = unlink(path(store, "images", image.id)) }
        #expect(name.contains { $0.contains("there is no image") }, "\(name)")
    }

    @Test func trees() throws {
        func tree(_ store: ImageStore, _ image: StoredImage) throws -> String {
            try store.tree(of: image, map: Fixture.map).path
        }
        expect(try damaged { _ = unlink(try tree($0, $1) + "/d/b") }, "\"d/b\" is missing")
        expect(try damaged { try File.writeAtomically([1], to: try tree($0, $1) + "/d/c") }, "does not have")
        expect(try damaged { _ = truncate(try tree($0, $1) + "/a", 1) }, "is not what the image has")
        expect(
            try damaged { store, image in
                let file = try OwnedDescriptor.open(try tree(store, image) + "/a")
                let other = object("content of b", store).dropFirst(store.root.count + "/objects".count)
                try ExtendedAttributes.set("user.overlay.redirect", to: Array(other.utf8), on: file.raw)
            }, "is not what the image has")
    }
}
