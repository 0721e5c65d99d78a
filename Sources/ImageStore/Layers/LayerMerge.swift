/// Stacks layers into one tree, lowest first.
struct LayerMerge {
    private(set) var tree = FileTree()
    /// Of all layers so far; see ``LayerIndex``.
    private(set) var haveShortNames = true
    /// Where the last entry was put: the next ones mostly go to the same directory.
    private var lastParent: (path: ArraySlice<UInt8>, node: Int)?

    /// Puts a layer on top.
    ///
    /// What hides something hides layers below only, wherever in the archive it stood (the image specification's rule):
    /// indexes list it first, before anything of their own layer is there.
    /// - Throws: `StoreError` where a hard link leads nowhere.
    mutating func add(_ index: LayerIndex) throws {
        haveShortNames = haveShortNames && index.haveShortNames
        lastParent = nil
        for entry in index.entries {
            switch entry.kind {
            case .whiteout: hide(entry.path)
            case .opaque:
                if let node = find(entry.path) { tree.removeAll(in: node) }
            case .implicitDirectory:
                let inode = FileTree.Inode(
                    metadata: .implicitDirectory, content: .known(.directory), isImplicit: true)
                try put(entry.path, inode)
            case .file(let metadata, let content):
                if entry.path.isEmpty {
                    tree.describeRoot(metadata)
                } else {
                    try put(entry.path, FileTree.Inode(metadata: metadata, content: .known(content)))
                }
            case .hardLink(let target):
                try link(entry.path, to: target)
            }
        }
    }

    private mutating func hide(_ path: [UInt8]) {
        let names = CleanPath.components(path)
        guard let name = names.last, let parent = find(names.dropLast()) else { return }
        tree.remove(name, from: parent)
    }

    private mutating func put(_ path: [UInt8], _ inode: FileTree.Inode) throws {
        let (parent, name) = try place(path)
        do throws(PathError) {
            try tree.put(name, in: parent, inode)
        } catch {
            throw StoreError(.corrupt, "layer entry \(CleanPath.shown(path)): \(error.reason)")
        }
    }

    private mutating func link(_ path: [UInt8], to target: [UInt8]) throws {
        let (parent, name) = try place(path)
        let targetNames = CleanPath.components(target)
        do throws(PathError) {
            // Of lower layers' symbolic links the archive could not know; they count here.
            guard let last = targetNames.last,
                let directory = try tree.directory(targetNames.dropLast(), making: false),
                let node = tree.child(last, of: directory)
            else { throw PathError("is a hard link to \(CleanPath.shown(target)), which is missing") }
            guard !tree.isDirectory(node) else { throw PathError("is a hard link to a directory") }
            try tree.link(name, in: parent, to: tree.nodes[node].inode)
        } catch {
            throw StoreError(.corrupt, "layer entry \(CleanPath.shown(path)) \(error.reason)")
        }
    }

    /// The directory that an entry stands in, and its name there.
    private mutating func place(_ path: [UInt8]) throws -> (parent: Int, name: [UInt8]) {
        let slash = path.lastIndex(of: UInt8(ascii: "/"))
        let name = slash.map { path[($0 + 1)...] } ?? path[...]
        let above = path[..<(slash ?? 0)]
        guard !name.isEmpty else { throw BinaryReader.damaged }
        if let lastParent, lastParent.path == above { return (lastParent.node, Array(name)) }
        guard let parent = find(above) else { throw BinaryReader.damaged }
        lastParent = (above, parent)
        return (parent, Array(name))
    }

    private func find(_ path: some Collection<UInt8>) -> Int? { find(CleanPath.components(path)[...]) }

    /// Without following anything: an index's paths lead through directories.
    private func find(_ names: ArraySlice<[UInt8]>) -> Int? {
        var at = FileTree.root
        for name in names {
            guard let next = tree.child(name, of: at) else { return nil }
            at = next
        }
        return tree.isDirectory(at) ? at : nil
    }
}
