import Glibc
import LinuxKernel
import OCISpec

/// Looks at all of a store and gathers what is wrong.
final class StoreVerifier {
    let store: ImageStore
    private var layout: Layout { store.layout }
    private(set) var findings: [String] = []
    private var seenBlobs: Set<Digest> = []
    private var seenObjects: Set<ObjectID> = []

    init(store: ImageStore) {
        self.store = store
    }

    func run() throws {
        for record in try recordsAndNames() { image(record) }
    }

    /// Looks at all that changes together, while nobody changes it.
    private func recordsAndNames() throws -> [ImageRecord] {
        let lock = try FileLock(layout.namesLock)
        defer { _ = lock }
        var images: [ImageRecord] = []
        for entry in try Directory.entries(at: layout.images) where !entry.name.hasPrefix(".") {
            finding("image \(entry.name)") {
                guard let record = try store.record(at: layout.images + "/" + entry.name) else { return }
                guard record.image.id.hex == entry.name else {
                    throw StoreError(.corrupt, "record is that of \(record.image.id.hex)")
                }
                images.append(record)
            }
        }
        let ids = Set(images.map(\.image.id))
        for (name, id) in try store.names() where !ids.contains(id) {
            findings.append("name \(name): there is no image \(id)")
        }
        index(images)
        return images
    }

    private func finding(_ what: String, _ body: () throws -> Void) {
        do {
            try body()
        } catch let error as StoreError {
            findings.append("\(what): \(error.message)")
        } catch { findings.append("\(what): \(error)") }
    }

    private func image(_ record: ImageRecord) {
        let image = record.image
        let label = "image \(image.id)"
        for digest in [image.id, image.manifestDigest] { blob(digest) }
        finding(label) {
            let manifest = try store.manifest(of: image)
            guard manifest.config.digest == image.id else {
                throw StoreError(.corrupt, "manifest is that of \(manifest.config.digest)")
            }
            for layer in manifest.layers { blob(layer.digest) }
            var config = try store.configuration(of: image)
            guard config.diffIDs == image.layers, manifest.layers.count == image.layers.count,
                ImageStore.chainID(image.layers) == image.chainID
            else { throw StoreError(.corrupt, "record has other layers than the configuration") }
            config.history = []
            guard config == image.config else { throw StoreError(.corrupt, "record differs from the configuration") }
        }
        for layer in image.layers { self.layer(layer) }
        finding(label) {
            let tree = try store.merge(image.layers).tree
            let directory = layout.trees + "/" + image.chainID.hex
            for entry in try Directory.entries(at: directory) {
                let root = "\(directory)/\(entry.name)/root"
                guard access(root, F_OK) == 0 else { continue }
                try TreeVerifier(tree: tree, layout: layout, root: root).run()
            }
        }
    }

    private func blob(_ digest: Digest) {
        guard seenBlobs.insert(digest).inserted else { return }
        finding("blob \(digest)") {
            guard store.hasBlob(digest) else { throw StoreError(.notFound, "not in the store") }
            try store.readBlob(digest) { _ in }
        }
    }

    private func layer(_ diffID: Digest) {
        finding("layer \(diffID)") {
            let index = try LayerIndex(decoding: try File.read(layout.layer(diffID), limit: LayerIndex.sizeLimit))
            let objects = try OwnedDescriptor.open(layout.objects, O_RDONLY | O_DIRECTORY)
            let names = ObjectNames(directory: objects.raw)
            for entry in index.entries {
                guard case .file(_, .regular(let id?, let size)) = entry.kind else { continue }
                guard seenObjects.insert(id).inserted else { continue }
                object(id, size: size, named: index.haveShortNames ? names : nil)
            }
        }
    }

    /// - Parameter names: where the object must have both of them.
    private func object(_ id: ObjectID, size: Int64, named names: ObjectNames?) {
        finding("object \(id.digest)") {
            let file = try OwnedDescriptor.open(layout.object(id.digest))
            guard Int64(try FileStatus(descriptor: file.raw).size) == size else {
                throw StoreError(.corrupt, "has another size than \(size)")
            }
            if let names, try names.shortFits(id) != true { throw StoreError(.corrupt, "lacks its short name") }
            let hash = SHA256()
            try readDescriptor(file.raw, from: 0, upTo: .max) { hash.update($0) }
            guard hash.finish() == id else { throw StoreError(.corrupt, "has the wrong digest") }
        }
    }

    /// What other programs read: every name and every image without one, once.
    private func index(_ images: [ImageRecord]) {
        finding("index.json") {
            guard let bytes = try File.readIfPresent(layout.ociIndex) else {
                guard images.isEmpty else { throw StoreError(.corrupt, "is missing") }
                return
            }
            let index = try ImageIndex(parsing: bytes)
            guard Set(index.manifests.map(\.digest)) == Set(images.map(\.manifest.digest)) else {
                throw StoreError(.corrupt, "lists other images than there are")
            }
        }
    }
}
