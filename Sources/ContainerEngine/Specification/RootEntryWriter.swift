import Glibc
import LinuxKernel

extension Specification {
    /// Puts ``rootEntries`` into a container's layer before it is first mounted.
    ///
    /// - Parameters:
    ///   - layer: the overlay's upper directory, or the root itself for `--rootfs`.
    ///   - lower: the tree beneath, whose directories lend mode and owner to those made above them; nil for `--rootfs`.
    public func writeRootEntries(layer: String, lower: String?) throws(EngineError) {
        guard !rootEntries.isEmpty else { return }
        do throws(SyscallError) {
            let writer = RootEntryWriter(
                layer: try OwnedDescriptor.open(layer, O_RDONLY | O_DIRECTORY),
                lower: try OwnedDescriptor.open(lower ?? layer, O_RDONLY | O_DIRECTORY))
            for entry in rootEntries { try writer.write(entry) }
        } catch {
            throw EngineError(.failed, "prepare container's layer: \(error)", cause: error)
        }
    }
}

/// Writes below a directory as overlay would: a directory made in the upper layer stands for the one beneath and so
/// has to look like it.
private struct RootEntryWriter: ~Copyable {
    let layer: OwnedDescriptor
    let lower: OwnedDescriptor

    func write(_ entry: Specification.RootEntry) throws(SyscallError) {
        let parts = entry.path.split(separator: "/").map(String.init)
        guard let name = parts.last else { return }
        // A link in the way would have to be followed in the merged view, which there is none of yet: such images go
        // without the entry, and the launcher names what is missing.
        guard let parent = try directory(Array(parts.dropLast()), owner: entry) else { return }
        let beneath = try status(parts)
        switch entry.content {
        case .directory:
            if beneath != nil { return }
            try make(name, in: parent, mode: entry.mode, uid: entry.uid, gid: entry.gid)
        case .link(let target):
            if beneath?.kind == .directory { return }
            try link(name, to: target, in: parent, for: entry)
        case .file(let bytes):
            if let beneath, beneath.kind != .regular { return }
            try File.writeAtomically(bytes, to: name, in: parent.raw, mode: 0o600)
            try check("fchownat", entry.path) {
                fchownat(parent.raw, name, beneath?.uid ?? entry.uid, beneath?.gid ?? entry.gid, AT_SYMLINK_NOFOLLOW)
            }
            try check("fchmodat", entry.path) {
                fchmodat(parent.raw, name, mode_t(beneath?.permissions ?? entry.mode), 0)
            }
        }
    }

    /// Renamed into its place: what the layer has there is replaced.
    private func link(
        _ name: String, to target: String, in parent: borrowing OwnedDescriptor, for entry: Specification.RootEntry
    ) throws(SyscallError) {
        let directory = parent.raw
        let temporary = File.temporaryName(beside: name)
        try check("symlinkat", entry.path) { symlinkat(target, directory, temporary) }
        do {
            try check("fchownat", entry.path) {
                fchownat(directory, temporary, entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW)
            }
            try check("renameat", entry.path) { renameat(directory, temporary, directory, name) }
        } catch {
            unlinkat(directory, temporary, 0)
            throw error
        }
    }

    /// The directory in the layer, made as far as it is missing; nil where a part of the path is no directory.
    private func directory(
        _ parts: [String], owner: Specification.RootEntry
    ) throws(SyscallError) -> OwnedDescriptor? {
        var current = try layer.duplicate()
        for index in parts.indices {
            let path = Array(parts[...index])
            if try FileStatus.ifPresent(parts[index], in: current.raw) == nil {
                if let beneath = try status(path) {
                    guard beneath.kind == .directory else { return nil }
                    try make(
                        parts[index], in: current, mode: beneath.permissions, uid: beneath.uid, gid: beneath.gid)
                } else {
                    try make(parts[index], in: current, mode: 0o755, uid: owner.uid, gid: owner.gid)
                }
            }
            do {
                current = try current.open(parts[index], O_RDONLY | O_DIRECTORY, resolving: [.beneath, .noSymlinks])
            } catch  where error.errno == ELOOP || error.errno == ENOTDIR {
                return nil
            }
        }
        return current
    }

    /// What the tree has at a path, no link followed; nil where there is nothing or a link is in the way.
    private func status(_ parts: [String]) throws(SyscallError) -> FileStatus? {
        var current = try lower.duplicate()
        for part in parts.dropLast() {
            do {
                current = try current.open(part, O_RDONLY | O_DIRECTORY, resolving: [.beneath, .noSymlinks])
            } catch  where [ENOENT, ENOTDIR, ELOOP].contains(error.errno) {
                return nil
            }
        }
        return try FileStatus.ifPresent(parts.last ?? ".", in: current.raw)
    }

    private func make(
        _ name: String, in parent: borrowing OwnedDescriptor, mode: UInt32, uid: UInt32, gid: UInt32
    ) throws(SyscallError) {
        let directory = parent.raw
        try check("mkdirat", name) { mkdirat(directory, name, 0o700) }
        try check("fchownat", name) { fchownat(directory, name, uid, gid, AT_SYMLINK_NOFOLLOW) }
        try check("fchmodat", name) { fchmodat(directory, name, mode_t(mode), 0) }
    }
}
