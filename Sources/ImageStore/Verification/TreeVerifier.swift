import CShims
import Glibc
import LinuxKernel

/// Compares a tree on disk with what it should be: which files there are, of which kind, and with which content.
struct TreeVerifier {
    let tree: FileTree
    let layout: Layout
    let root: String

    /// - Throws: `.corrupt` for the first thing that is wrong.
    func run() throws {
        let top = try OwnedDescriptor.open(root, O_RDONLY | O_DIRECTORY)
        var pending: [(node: Int, path: [UInt8])] = [(FileTree.root, [])]
        while let (node, path) = pending.popLast() {
            let directory = try path.isEmpty ? top.duplicate() : TreeVerifier.open(path, in: top.raw, O_DIRECTORY)
            let children = tree.sortedChildren(of: node)
            var missing = Set(children.map { tree.nodes[$0].name.cString })
            for entry in try Directory.entries(of: directory.raw) where missing.remove(entry.bytes) == nil {
                throw wrong(path, "holds \"\(entry.name)\", which the image does not have")
            }
            for child in children {
                let name = tree.nodes[child].name
                let childPath = path.isEmpty ? name : path + [UInt8(ascii: "/")] + name
                guard !missing.contains(name.cString) else {
                    if isDevice(child) { continue }
                    throw wrong(childPath, "is missing")
                }
                guard try isRight(child, in: directory.raw) else {
                    throw wrong(childPath, "is not what the image has")
                }
                if tree.isDirectory(child) { pending.append((child, childPath)) }
            }
        }
    }

    private func wrong(_ path: [UInt8], _ reason: String) -> StoreError {
        StoreError(.corrupt, "tree \(root): \(CleanPath.shown(path)) \(reason)")
    }

    private static func open(_ path: [UInt8], in directory: Int32, _ flags: Int32) throws -> OwnedDescriptor {
        let all = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | flags
        return OwnedDescriptor(
            adopting: try check("open", "tree") { swiftpod_openat(directory, path.cString, all, 0) })
    }

    /// Devices are left out without the host's root.
    private func isDevice(_ node: Int) -> Bool {
        switch tree.inode(of: node).content {
        case .known(.characterDevice), .known(.blockDevice): true
        default: false
        }
    }

    private func isRight(_ node: Int, in directory: Int32) throws -> Bool {
        let name = tree.nodes[node].name
        var status = swiftpod_status()
        // AT_SYMLINK_NOFOLLOW
        try check("statx", "tree") { swiftpod_statx(directory, name.cString, 0x100, &status) }
        let kind = FileKind(mode: status.mode)
        guard case .known(let content) = tree.inode(of: node).content else { throw BinaryReader.damaged }
        switch content {
        case .directory: return kind == .directory
        case .regular(let id, let size):
            guard kind == .regular, Int64(status.size) == size else { return false }
            return try id.map { try holds($0, name, in: directory) } ?? true
        case .symlink(let target): return kind == .symlink && link(name, in: directory) == target
        case .characterDevice: return kind == .characterDevice
        case .blockDevice: return kind == .blockDevice
        case .fifo: return kind == .fifo
        }
    }

    private func link(_ name: [UInt8], in directory: Int32) -> [UInt8]? {
        var buffer = [CChar](repeating: 0, count: CleanPath.limit)
        let count = readlinkat(directory, name.cString, &buffer, buffer.count)
        return count < 0 ? nil : buffer.prefix(count).map { UInt8(bitPattern: $0) }
    }

    /// An empty file redirects to the object. A whole one's content was linked or copied: to read them all would be to
    /// read the store again.
    private func holds(_ id: ObjectID, _ name: [UInt8], in directory: Int32) throws -> Bool {
        let file = try TreeVerifier.open(name, in: directory, O_NONBLOCK)
        guard let redirect = try ExtendedAttributes.get(Redirect.attribute, of: file.raw) else { return true }
        let object = try FileStatus(layout.objects + String(decoding: redirect, as: UTF8.self))
        return object.inode == (try FileStatus(layout.object(id.digest)).inode)
    }
}
