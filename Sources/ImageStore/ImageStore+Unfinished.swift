import OCISpec

extension ImageStore {
    /// Removes what no image refers to. Returns false, having done nothing, while somebody takes an image in.
    public func collectGarbage() throws(StoreError) -> Bool {
        throw StoreError(.failed, "not implemented")
    }

    /// Everything that is wrong with the store, a line each; none in a whole store. Reads all of it.
    public func verify() throws(StoreError) -> [String] {
        throw StoreError(.failed, "not implemented")
    }

    /// Writes images to an archive. Several only as `.dockerArchive`.
    public func save(_ names: [String], as format: ArchiveFormat, to target: ArchiveTarget) throws(StoreError) {
        throw StoreError(.failed, "not implemented")
    }

    /// Makes an image of a root file system's tarball, plain or compressed. `changes` are Dockerfile instructions.
    public func importRootfs(
        from source: ArchiveSource, name: Reference?, changes: [String] = [], message: String? = nil
    ) throws(StoreError) -> StoredImage {
        throw StoreError(.failed, "not implemented")
    }
}
