import Glibc
import LinuxKernel
import OCISpec

// Names are symbolic links `tags/NAME -> ../images/ID`, changed under one lock, each by a rename. The image layout's
// index.json is made anew after every change, for other programs' eyes; nothing here reads it.

extension ImageStore {
    /// Gives an image a further name; another image that had it loses it.
    public func tag(_ image: StoredImage, as name: Reference) throws(StoreError) {
        try storing("tag image \(name)") {
            try prepare()
            let lock = try FileLock(layout.namesLock)
            guard access(layout.image(image.id), F_OK) == 0 else {
                throw StoreError(.notFound, "tag image \(name): image \(image.id) is gone")
            }
            try link(name.description, to: image.id)
            try writeIndex()
            _ = consume lock
        }
    }

    /// Takes a name away and leaves the image. False where no image has that name.
    public func untag(_ name: Reference) throws(StoreError) -> Bool {
        try storing("untag image \(name)") {
            try prepare()
            let lock = try FileLock(layout.namesLock)
            let isThere = try unlink(name.description)
            if isThere { try writeIndex() }
            _ = consume lock
            return isThere
        }
    }

    /// Removes as `podman rmi` does: a name while others remain, else the image. What that leaves is for
    /// `collectGarbage` to remove.
    ///
    /// - Parameter users: Ids of the containers that use an image, by the image's id. With `force` they are the
    ///   caller's business.
    /// - Throws: `.notFound`, `.inUse`, and `.ambiguous` for an id with several names unless `force` is set.
    public func remove(
        _ nameOrID: String, force: Bool = false, users: [Digest: [String]] = [:]
    ) throws(StoreError) -> [Removal] {
        guard let found = try found(nameOrID) else { throw StoreError(.notFound, "\(nameOrID): image not known") }
        let image = found.image
        return try storing("remove image \(nameOrID)") {
            try prepare()
            let lock = try FileLock(layout.namesLock)
            if !found.isByID, image.names.count > 1 {
                _ = try unlink(image.names[0])
                try writeIndex()
                return [.untagged(image.names[0])]
            }
            if found.isByID, image.names.count > 1, !force {
                throw StoreError(
                    .ambiguous,
                    "unable to delete image \"\(image.id.hex)\" by ID with more than one tag "
                        + "([\(image.names.joined(separator: " "))]): please force removal")
            }
            if let user = users[image.id]?.first, !force {
                throw StoreError(
                    .inUse, "image used by \(user): image is in use by a container: consider force-removing the image")
            }
            // From here on the image is gone, and what it leaves is garbage, whoever collects it.
            _ = try announceGarbage()
            for name in image.names { _ = try unlink(name) }
            Glibc.unlink(layout.image(image.id))
            try writeIndex()
            _ = consume lock
            return image.names.map { .untagged($0) } + [.deleted(image.id)]
        }
    }

    /// With the lock on names held.
    func link(_ name: String, to id: Digest) throws {
        guard name.utf8.count <= Layout.nameLimit else {
            throw StoreError(.limit, "image name is longer than \(Layout.nameLimit) bytes")
        }
        let path = layout.tag(name)
        let temporary = layout.temporary + "/name-\(getpid())"
        Glibc.unlink(temporary)
        try check("symlink", name) { symlink("../images/\(id.hex)", temporary) }
        try check("rename", name) { rename(temporary, path) }
    }

    private func unlink(_ name: String) throws -> Bool {
        if name.utf8.count > Layout.nameLimit { return false }
        if Glibc.unlink(layout.tag(name)) == 0 { return true }
        if errno == ENOENT { return false }
        throw SyscallError("unlink", name)
    }

    /// With the lock on names held.
    func writeIndex() throws {
        var index = ImageIndex(mediaType: MediaType.ociIndex, manifests: [])
        for record in try records() {
            var descriptor = record.manifest
            descriptor.platform = record.image.config.platform
            if record.image.names.isEmpty { index.manifests.append(descriptor) }
            for name in record.image.names {
                descriptor.annotations["org.opencontainers.image.ref.name"] = name
                index.manifests.append(descriptor)
            }
        }
        try File.writeAtomically(index.encoded(), to: layout.ociIndex)
    }
}
