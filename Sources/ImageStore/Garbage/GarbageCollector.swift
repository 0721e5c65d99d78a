import Glibc
import LinuxKernel
import OCISpec

/// One collection, with nobody else taking images in.
struct GarbageCollector {
    private let store: ImageStore
    private var layout: Layout { store.layout }
    private let keepingUnfinished: Bool
    /// What is older is not kept for anybody. Seconds since 1970.
    private let limit: Int64

    /// Seconds that a transfer may be continued in.
    private static let patience: Int64 = 24 * 3600

    init(_ store: ImageStore, keepingUnfinished: Bool) {
        self.store = store
        self.keepingUnfinished = keepingUnfinished
        limit = Int64(time(nil)) - GarbageCollector.patience
    }

    /// What a store that is whole needs, as file names.
    private struct Needed {
        var blobs: Set<String> = []
        var layers: Set<String> = []
        var chains: Set<String> = []
    }

    func run() throws {
        let needed = try needed()
        try collectTrees(needed.chains)
        try collect(layout.blobs, keeping: needed.blobs)
        try collect(layout.layers, keeping: needed.layers)
        try collectObjects()
        try collectLinked()
        // Last, because it says that there is something to do.
        try collectTemporary()
    }

    private func needed() throws -> Needed {
        var needed = Needed()
        for record in try store.records() {
            let manifest = try store.manifest(of: record.image)
            needed.blobs.insert(record.image.manifestDigest.hex)
            needed.blobs.insert(record.image.id.hex)
            needed.blobs.formUnion(manifest.layers.map(\.digest.hex))
            needed.layers.formUnion(record.image.layers.map(\.hex))
            needed.chains.insert(record.image.chainID.hex)
        }
        return needed
    }

    /// A tree must be gone at once: half of one would be taken for an image's files. So it is moved away first.
    private func collectTrees(_ chains: Set<String>) throws {
        for entry in try Directory.entries(at: layout.trees) {
            let path = layout.trees + "/" + entry.name
            if chains.contains(entry.name) {
                for tree in try Directory.entries(at: path) { try Directory.removeTree("\(path)/\(tree.name)/new") }
                continue
            }
            let doomed = File.temporaryName(beside: layout.temporary + "/tree")
            try check("rename", path) { rename(path, doomed) }
            try Directory.removeTree(doomed)
        }
    }

    private func collect(_ directory: String, keeping names: Set<String>) throws {
        for entry in try Directory.entries(at: directory) where !names.contains(entry.name) {
            let path = directory + "/" + entry.name
            // What is being written has a name that begins with a dot, and nobody writes now.
            if keepingUnfinished, !entry.name.hasPrefix("."), try isYoung(path) { continue }
            try remove(path)
        }
    }

    private func isYoung(_ path: String) throws -> Bool {
        guard let status = try FileStatus.ifPresent(path) else { return false }
        return status.modified.seconds > limit
    }

    private func remove(_ path: String) throws {
        if unlink(path) != 0, errno != ENOENT { throw SyscallError("unlink", path) }
    }

    /// Objects by both their names, a directory at a time. All layers that are left count.
    private func collectObjects() throws {
        var needed = [Set<ObjectID>](repeating: [], count: 256)
        for entry in try Directory.entries(at: layout.layers) {
            let index = try doing("read layer \(entry.name)") {
                try LayerIndex(decoding: try File.read(layout.layers + "/" + entry.name, limit: LayerIndex.sizeLimit))
            }
            for id in index.objects { needed[Int(id.firstByte)].insert(id) }
        }
        for entry in try Directory.entries(at: layout.objects) {
            guard entry.name.utf8.count == 2, let byte = UInt8(entry.name, radix: 16) else { continue }
            var names: Set<[CChar]> = []
            names.reserveCapacity(needed[Int(byte)].count * 2)
            for id in needed[Int(byte)] {
                names.insert(Array(id.path.dropFirst(3)))
                names.insert(Array(id.shortPath.dropFirst(3)))
            }
            let directory = try OwnedDescriptor.open(layout.objects + "/" + entry.name, O_RDONLY | O_DIRECTORY)
            for object in try Directory.entries(of: directory.raw) where !names.contains(object.bytes) {
                if unlinkat(directory.raw, object.bytes, 0) != 0, errno != ENOENT {
                    throw SyscallError("unlink", "object \(object.name)")
                }
            }
        }
    }

    /// Files that trees have links to. One with a single name is in no tree any more.
    private func collectLinked() throws {
        for entry in try Directory.entries(at: layout.linked) {
            let directory = try OwnedDescriptor.open(layout.linked + "/" + entry.name, O_RDONLY | O_DIRECTORY)
            for file in try Directory.entries(of: directory.raw)
            where try FileStatus(file.name, in: directory.raw).links == 1 {
                if unlinkat(directory.raw, file.bytes, 0) != 0 { throw SyscallError("unlink", "linked file") }
            }
        }
    }

    private func collectTemporary() throws {
        for entry in try Directory.entries(at: layout.temporary) {
            let path = layout.temporary + "/" + entry.name
            if keepingUnfinished, entry.name.hasSuffix(Layout.partialSuffix), try isYoung(path) { continue }
            try Directory.removeTree(path)
        }
    }
}
