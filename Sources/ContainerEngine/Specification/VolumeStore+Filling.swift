import Glibc
import LinuxKernel
import OCISpec

extension VolumeStore {
    /// Makes what a specification mounts and fills what is fresh with what the image has at that place, as podman and
    /// Docker do: a database's image brings its empty data directory, owned by the right user.
    ///
    /// - Parameters:
    ///   - tree: the image's directories and links, as seen in the container's mapping; `--rootfs`' directory.
    ///   - root: where the contents of its files are read.
    ///   - created: RFC 3339.
    public func prepare(
        _ specification: Specification, tree: String, root: RootView, created: String
    ) throws(EngineError) {
        guard !specification.volumes.isEmpty else { return }
        let linux = specification.runtime.linux ?? RuntimeSpec.Linux()
        let user = specification.runtime.process?.user ?? RuntimeSpec.User()
        let owner = (
            uid: UserNamespacePlan.outside(user.uid, linux.uidMappings) ?? 0,
            gid: UserNamespacePlan.outside(user.gid, linux.gidMappings) ?? 0
        )
        do {
            try Directory.create(self.root, mode: 0o700)
            // One lock for all of them: filling is rare, and two containers that begin with one volume must not both.
            let lock = try FileLock("\(self.root)/.lock")
            defer { _ = lock.descriptor }
            for use in specification.volumes {
                var wanted = Volume(name: use.name)
                wanted.created = created
                wanted.isAnonymous = use.isAnonymous
                let volume = try ensure(wanted)
                guard volume.isFresh else { continue }
                try fill(volume, use, from: tree, root: root, owner: owner)
                try markUsed(volume)
            }
        } catch let error as EngineError {
            throw error
        } catch {
            throw EngineError(.failed, "prepare volumes: \(error)", cause: error)
        }
    }

    private func fill(
        _ volume: Volume, _ use: Specification.VolumeUse, from tree: String, root: RootView,
        owner: (uid: UInt32, gid: UInt32)
    ) throws {
        let target = try OwnedDescriptor.open(dataPath(volume.name), O_RDONLY | O_DIRECTORY)
        let base = try OwnedDescriptor.open(tree, O_RDONLY | O_DIRECTORY)
        guard let source = try? base.openInRoot(use.destination, O_RDONLY | O_DIRECTORY) else {
            try check("fchown", volume.name) { fchown(target.raw, owner.uid, owner.gid) }
            return
        }
        if use.copyUp, try Directory.entries(of: target.raw).isEmpty {
            try VolumeFilling(root: root).copy(source, to: target, path: use.destination)
        }
        try VolumeFilling.adopt(try FileStatus(descriptor: source.raw), by: target.raw, name: volume.name)
    }
}

/// Copies a directory of an image, whose files' contents are kept elsewhere.
private struct VolumeFilling {
    let root: RootView

    /// Bytes; a single file of an image beyond that is not copied into a volume.
    private static let limit = 1 << 31

    func copy(_ source: borrowing OwnedDescriptor, to target: borrowing OwnedDescriptor, path: String) throws {
        for entry in try Directory.entries(of: source.raw) {
            let name = entry.name
            let status = try FileStatus(name, in: source.raw)
            switch status.kind {
            case .directory:
                try make(name, in: target.raw)
                let inner = try target.open(name, O_RDONLY | O_DIRECTORY)
                // It was a directory: a root that somebody else may change has a link there by now.
                let below = try source.open(name, O_RDONLY | O_DIRECTORY, resolving: [.beneath, .noSymlinks])
                try copy(below, to: inner, path: "\(path)/\(name)")
                try Self.adopt(status, by: inner.raw, name: name)
            case .regular:
                guard let bytes = root.readFile("\(path)/\(name)", Self.limit) else {
                    throw EngineError(.failed, "copy \(path)/\(name) into volume: cannot be read")
                }
                let file = try target.open(name, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
                try file.writeAll(bytes)
                try Self.adopt(status, by: file.raw, name: name)
            case .symlink:
                try link(name, from: source.raw, to: target.raw)
                try check("fchownat", name) {
                    fchownat(target.raw, name, status.uid, status.gid, AT_SYMLINK_NOFOLLOW)
                }
            default:
                // Sockets, fifos and nodes of an image mean nothing in a volume.
                continue
            }
        }
    }

    private func make(_ name: String, in target: Int32) throws(SyscallError) {
        try check("mkdirat", name) { mkdirat(target, name, 0o700) }
    }

    private func link(_ name: String, from source: Int32, to target: Int32) throws(SyscallError) {
        var text = [CChar](repeating: 0, count: 4097)
        try check("readlinkat", name) { readlinkat(source, name, &text, 4096) }
        try check("symlinkat", name) { symlinkat(text, target, name) }
    }

    /// Owner, mode and time of change; the mode last, for a change of owner drops the set-id bits.
    static func adopt(_ status: FileStatus, by descriptor: Int32, name: String) throws(SyscallError) {
        try check("fchown", name) { fchown(descriptor, status.uid, status.gid) }
        try check("fchmod", name) { fchmod(descriptor, mode_t(status.permissions)) }
        let time = timespec(tv_sec: Int(status.modified.seconds), tv_nsec: Int(status.modified.nanoseconds))
        try check("futimens", name) { futimens(descriptor, [time, time]) }
    }
}
