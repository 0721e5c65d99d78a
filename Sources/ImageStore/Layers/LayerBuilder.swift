/// Makes a layer's index of an archive's members, in the order in which they come. Here stand the rules for everything
/// a hostile archive may try; no file is touched.
struct LayerBuilder {
    private static let whiteoutPrefix = Array(".wh.".utf8)
    private static let markerPrefix = Array(".wh..wh.".utf8)
    private static let opaqueMarker = Array(".wh..wh..opq".utf8)

    private var tree = FileTree()
    private var whiteouts: Set<[UInt8]> = []
    private var opaques: Set<[UInt8]> = []

    /// Takes a member whose content, for a regular file, is already known.
    ///
    /// - Throws: `PathError` for what is refused.
    mutating func add(_ entry: TarEntry, content: ObjectID?) throws(PathError) {
        let path = try CleanPath.below(entry.path)
        guard let name = path.last else {
            guard entry.kind == .directory else { throw PathError("is not a directory") }
            tree.describeRoot(LayerBuilder.metadata(entry))
            return
        }
        // aufs kept its own notes in files of this prefix; images of its time hold some.
        if path[0].starts(with: LayerBuilder.markerPrefix), name != LayerBuilder.opaqueMarker { return }
        if name.starts(with: LayerBuilder.whiteoutPrefix) { return try addWhiteout(path.dropLast(), name) }
        // A layer's own symbolic links count, as they do when podman unpacks it; lower layers' do not.
        let directory = try tree.directory(path.dropLast(), making: true)!
        if entry.kind == .hardLink {
            try addHardLink(name, in: directory, to: entry.target)
        } else {
            let inode = FileTree.Inode(
                metadata: LayerBuilder.metadata(entry), content: .known(LayerBuilder.content(entry, content)))
            try tree.put(name, in: directory, inode)
        }
    }

    private mutating func addWhiteout(_ directory: ArraySlice<[UInt8]>, _ name: [UInt8]) throws(PathError) {
        // A marker in a directory that the layer does not have is for the layers below, and makes nothing.
        let parent = try tree.directory(directory, making: false)
        let path = parent.map { tree.path(of: $0) } ?? CleanPath.joined(Array(directory))
        if name == LayerBuilder.opaqueMarker {
            opaques.insert(path)
            return
        }
        if name.starts(with: LayerBuilder.markerPrefix) { return }
        let hidden = name.dropFirst(LayerBuilder.whiteoutPrefix.count)
        guard !hidden.isEmpty, !hidden.elementsEqual([0x2e]), !hidden.elementsEqual(CleanPath.dotDot) else {
            throw PathError("is a whiteout of no name")
        }
        whiteouts.insert(path.isEmpty ? Array(hidden) : path + [UInt8(ascii: "/")] + hidden)
    }

    private mutating func addHardLink(_ name: [UInt8], in directory: Int, to target: [UInt8]) throws(PathError) {
        let path: [[UInt8]]
        do throws(PathError) {
            path = try CleanPath.below(target)
        } catch {
            throw PathError("links to \(CleanPath.shown(target)), which \(error.reason)", isLimit: error.isLimit)
        }
        guard let last = path.last else { throw PathError("is a hard link to a directory") }
        guard let parent = try tree.directory(path.dropLast(), making: false), let node = tree.child(last, of: parent)
        else {
            let resolved = try tree.directory(path.dropLast(), making: false).map { tree.path(of: $0) }
            let lower = resolved.map { CleanPath.joined(($0.isEmpty ? [] : [$0]) + [last]) } ?? CleanPath.joined(path)
            let inode = FileTree.Inode(metadata: .implicitDirectory, content: .lower(lower))
            return try tree.put(name, in: directory, inode)
        }
        guard !tree.isDirectory(node) else { throw PathError("is a hard link to a directory") }
        guard parent != directory || last != name else { throw PathError("is a hard link to itself") }
        try tree.link(name, in: directory, to: tree.nodes[node].inode)
    }

    /// The index of all that was added.
    func index() -> LayerIndex {
        var index = LayerIndex()
        index.entries += opaques.sorted { $0.lexicographicallyPrecedes($1) }.map { LayerEntry($0, .opaque) }
        index.entries += whiteouts.sorted { $0.lexicographicallyPrecedes($1) }.map { LayerEntry($0, .whiteout) }
        var links: [LayerEntry] = []
        var named: [Int: [UInt8]] = [:]
        // What is to be visited, last first, with its path.
        var pending: [(node: Int, path: [UInt8])] = [(FileTree.root, [])]
        while let (node, path) = pending.popLast() {
            let inode = tree.inode(of: node)
            let number = tree.nodes[node].inode
            switch inode.content {
            case .lower(let target):
                links.append(LayerEntry(path, .hardLink(to: target)))
                index.needsLower = true
            case .known(.directory):
                // A root that is not described says nothing.
                if !inode.isImplicit {
                    index.entries.append(LayerEntry(path, .file(inode.metadata, .directory)))
                } else if node != FileTree.root {
                    index.entries.append(LayerEntry(path, .implicitDirectory))
                }
                let prefix = path.isEmpty ? [] : path + [UInt8(ascii: "/")]
                for child in tree.sortedChildren(of: node).reversed() {
                    pending.append((child, prefix + tree.nodes[child].name))
                }
            case .known(let content):
                if let first = named[number] {
                    links.append(LayerEntry(path, .hardLink(to: first)))
                    continue
                }
                named[number] = path
                index.entries.append(LayerEntry(path, .file(inode.metadata, content)))
                if case .regular(_, let size) = content { index.contentSize += size }
            }
        }
        index.entries += links
        return index
    }

    private static func metadata(_ entry: TarEntry) -> FileMetadata {
        FileMetadata(
            mode: entry.mode, uid: entry.uid, gid: entry.gid, modified: entry.modified,
            attributes: entry.attributes.filter { isKept($0) }.sorted { $0.name < $1.name })
    }

    /// An image may bring what a user may set on a file, and file capabilities. Overlay's own attributes would let it
    /// point at any object in the store; the others are the host's business (`security.selinux`, `trusted.…`).
    private static func isKept(_ attribute: ExtendedAttribute) -> Bool {
        if attribute.name.utf8.contains(0) || attribute.name.utf8.count > 255 || attribute.value.count > 1 << 16 {
            return false
        }
        if attribute.name == "security.capability" { return [12, 20, 24].contains(attribute.value.count) }
        return attribute.name.hasPrefix("user.") && attribute.name.utf8.count > 5
            && !attribute.name.hasPrefix("user.overlay.") && attribute.name != "user.overlay"
    }

    private static func content(_ entry: TarEntry, _ object: ObjectID?) -> FileContent {
        switch entry.kind {
        case .regular, .hardLink: .regular(object, size: entry.size)
        case .directory: .directory
        case .symlink: .symlink(entry.target)
        case .characterDevice: .characterDevice(entry.device)
        case .blockDevice: .blockDevice(entry.device)
        case .fifo: .fifo
        }
    }
}
