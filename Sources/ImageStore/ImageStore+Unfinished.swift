import OCISpec

extension ImageStore {
    /// The image of a name or an id, or nil. Names as podman resolves them: a full name, a short one
    /// (`hello` is `localhost/hello`, then `docker.io/library/hello`, then any stored name that ends in it), an id or
    /// the beginning of one, `NAME@sha256:…`.
    public func image(_ nameOrID: String) throws(StoreError) -> StoredImage? {
        throw StoreError(.failed, "not implemented")
    }

    /// All images, those without a name included, newest first.
    public func images() throws(StoreError) -> [StoredImage] {
        throw StoreError(.failed, "not implemented")
    }

    /// The history that `StoredImage.config` leaves out, and all else of the image's own document.
    public func configuration(of image: StoredImage) throws(StoreError) -> ImageConfig {
        throw StoreError(.failed, "not implemented")
    }

    /// Gives an image a further name; another image that had it loses it.
    public func tag(_ image: StoredImage, as name: Reference) throws(StoreError) {
        throw StoreError(.failed, "not implemented")
    }

    /// Takes a name away and leaves the image. False where no image has that name.
    public func untag(_ name: Reference) throws(StoreError) -> Bool {
        throw StoreError(.failed, "not implemented")
    }

    /// Removes as `podman rmi` does: a name while others remain, else the image.
    ///
    /// - Parameter users: Ids of the containers that use an image, by the image's id.
    public func remove(
        _ nameOrID: String, force: Bool = false, users: [Digest: [String]] = [:]
    ) throws(StoreError) -> [Removal] {
        throw StoreError(.failed, "not implemented")
    }

    /// Removes what no image refers to. Returns false, having done nothing, while somebody takes an image in.
    public func collectGarbage() throws(StoreError) -> Bool {
        throw StoreError(.failed, "not implemented")
    }

    /// Everything that is wrong with the store, a line each; none in a whole store. Reads all of it.
    public func verify() throws(StoreError) -> [String] {
        throw StoreError(.failed, "not implemented")
    }

    /// The image's files for one mapping of ids, built where they are missing.
    public func tree(of image: StoredImage, map: IDMap) throws(StoreError) -> Tree {
        throw StoreError(.failed, "not implemented")
    }

    /// Makes an image of a manifest whose configuration and layers are in the store.
    public func commit(
        manifest bytes: [UInt8], digest: Digest, names: [Reference]
    ) throws(StoreError) -> StoredImage {
        throw StoreError(.failed, "not implemented")
    }

    /// Takes in the images of an archive, whatever its format; see `ArchiveFormat`.
    public func load(from source: ArchiveSource, platform: Platform = .host) throws(StoreError) -> [StoredImage] {
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
