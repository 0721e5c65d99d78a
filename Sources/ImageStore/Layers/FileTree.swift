/// A tree of files in memory: what an archive unpacks to, or what layers merge to. Names point at inodes, so that hard
/// links stay together whatever happens to one of their names.
struct FileTree {
    struct Node {
        var name: [UInt8]
        var parent: Int
        var inode: Int
        /// nil for everything but directories.
        var children: [[UInt8]: Int]?
        /// Bytes of the whole path.
        var pathLength: Int
    }

    struct Inode {
        var metadata: FileMetadata
        var content: Content
        /// No layer has described this directory yet.
        var isImplicit = false
    }

    enum Content: Equatable {
        case known(FileContent)
        /// The file of that path, which this layer does not have.
        case lower([UInt8])
    }

    private(set) var nodes: [Node]
    private(set) var inodes: [Inode]

    /// The root directory.
    static let root = 0

    init() {
        inodes = [Inode(metadata: .implicitDirectory, content: .known(.directory), isImplicit: true)]
        nodes = [Node(name: [], parent: 0, inode: 0, children: [:], pathLength: 0)]
    }

    func inode(of node: Int) -> Inode { inodes[nodes[node].inode] }
    func isDirectory(_ node: Int) -> Bool { nodes[node].children != nil }
    func child(_ name: [UInt8], of directory: Int) -> Int? { nodes[directory].children?[name] }

    /// Children in the order of their names' bytes.
    func sortedChildren(of directory: Int) -> [Int] {
        guard let children = nodes[directory].children else { return [] }
        return children.values.sorted { nodes[$0].name.lexicographicallyPrecedes(nodes[$1].name) }
    }

    func path(of node: Int) -> [UInt8] {
        var names: [[UInt8]] = []
        var at = node
        while at != FileTree.root {
            names.append(nodes[at].name)
            at = nodes[at].parent
        }
        return Array(names.reversed().joined(separator: [UInt8(ascii: "/")]))
    }

    // MARK: Changes

    /// Takes a name away, and everything below it.
    mutating func remove(_ name: [UInt8], from directory: Int) {
        nodes[directory].children?[name] = nil
    }

    /// Takes away everything in a directory.
    mutating func removeAll(in directory: Int) {
        nodes[directory].children = [:]
    }

    /// Puts a new inode under a name. A directory over a directory keeps what is in it; anything else replaces.
    mutating func put(_ name: [UInt8], in directory: Int, _ inode: Inode) throws(PathError) {
        let isDirectory = inode.content == .known(.directory)
        if isDirectory, let old = child(name, of: directory), self.isDirectory(old) {
            if !inode.isImplicit { inodes[nodes[old].inode] = inode }
            return
        }
        inodes.append(inode)
        try link(name, in: directory, to: inodes.count - 1)
    }

    /// Puts a name of an inode that is there, in place of whatever had the name.
    mutating func link(_ name: [UInt8], in directory: Int, to inode: Int) throws(PathError) {
        let length = nodes[directory].pathLength + name.count + 1
        guard length <= CleanPath.limit else {
            throw PathError("path is longer than \(CleanPath.limit) bytes", isLimit: true)
        }
        let isDirectory = inodes[inode].content == .known(.directory)
        nodes.append(
            Node(
                name: name, parent: directory, inode: inode, children: isDirectory ? [:] : nil,
                pathLength: length))
        let node = nodes.count - 1
        nodes[directory].children?[name] = node
    }

    mutating func describeRoot(_ metadata: FileMetadata) {
        inodes[0].metadata = metadata
        inodes[0].isImplicit = false
    }

    // MARK: Walks

    /// Follows a path from the root through directories and symbolic links, `..` never leaving the root, as the kernel
    /// would in a chroot.
    ///
    /// - Parameter making: Makes missing directories.
    /// - Returns: nil where a directory is missing.
    mutating func directory(
        _ path: some Sequence<[UInt8]>, making: Bool
    ) throws(PathError) -> Int? {
        var pending: [[UInt8]] = path.reversed()
        var at = FileTree.root
        var links = 0
        while let name = pending.popLast() {
            if name == CleanPath.dotDot {
                at = nodes[at].parent
                continue
            }
            guard let next = child(name, of: at) else {
                guard making else { return nil }
                let inode = Inode(metadata: .implicitDirectory, content: .known(.directory), isImplicit: true)
                try put(name, in: at, inode)
                at = nodes.count - 1
                continue
            }
            switch inode(of: next).content {
            case .known(.directory): at = next
            case .known(.symlink(let target)):
                links += 1
                // The kernel's own limit.
                guard links <= 40, pending.count < 4096 else { throw PathError("too many symbolic links") }
                if target.first == UInt8(ascii: "/") { at = FileTree.root }
                pending += CleanPath.components(target).reversed()
            default: throw PathError("a part of the path is not a directory")
            }
        }
        return at
    }
}

/// What is wrong with a path in an image.
struct PathError: Error, Equatable {
    var reason: String
    var isLimit = false

    init(_ reason: String, isLimit: Bool = false) {
        self.reason = reason
        self.isLimit = isLimit
    }
}
