import Glibc
import LinuxKernel
import OCISpec

extension ImageStore {
    /// The image's files for one mapping of ids, built where they are missing. Needs the keeper's privileges to build;
    /// two processes that want the same tree build it once.
    public func tree(of image: StoredImage, map: IDMap) throws(StoreError) -> Tree {
        try storing("make the files of image \(image.id.hex.prefix(12))") {
            let kind = try treeKind()
            let directory = layout.tree(image.chainID, map, kind)
            let root = directory + "/root"
            let tree = Tree(path: root, objects: kind == .dataOnly ? layout.objects : nil)
            if access(root, F_OK) == 0 { return tree }
            try build(image, map, kind, in: directory)
            return tree
        }
    }

    /// The kind that was asked for, else the one that this kernel mounts.
    public func treeKind() throws(StoreError) -> TreeKind {
        if let wantedTreeKind { return wantedTreeKind }
        return try storing("try out overlay mounts") {
            try prepare()
            return try TreeProbe(layout: layout).kind()
        }
    }

    private func build(_ image: StoredImage, _ map: IDMap, _ kind: TreeKind, in directory: String) throws {
        try prepare()
        let session = try IngestSession(layout)
        defer { _ = session }
        try Directory.create(directory)
        let lock = try FileLock(directory + "/lock")
        defer { _ = lock }
        let root = directory + "/root"
        if access(root, F_OK) == 0 { return }
        let new = directory + "/new"
        try Directory.removeTree(new)
        // Begun among what is temporary, where file systems find room for it.
        let empty = File.temporaryName(beside: layout.temporary + "/tree")
        try check("mkdir", empty) { mkdir(empty, 0o700) }
        // A store below a setgid directory: what is made in it must not inherit that group.
        try check("chmod", empty) { chmod(empty, 0o700) }
        try check("rename", new) { rename(empty, new) }
        do {
            let objects = try OwnedDescriptor.open(layout.objects, O_RDONLY | O_DIRECTORY)
            let linked = try OwnedDescriptor.open(layout.linked, O_RDONLY | O_DIRECTORY)
            let merge = try merge(image.layers)
            let contents: any ContentSource =
                switch kind {
                case .dataOnly:
                    RedirectedContents(ObjectNames(directory: objects.raw), haveShortNames: merge.haveShortNames)
                case .copy: WholeContents(objects: objects.raw, linked: linked.raw)
                }
            try TreeBuilder(merge.tree, map: map, contents: contents, into: new).build()
            // Redirecting files are metadata, which file systems keep in order by themselves; whole ones are not.
            if kind == .copy { try sync() }
            try check("rename", root) { rename(new, root) }
        } catch {
            try? Directory.removeTree(new)
            throw error
        }
    }
}
