import ImageStore
import OCISpec

extension UserNamespacePlan {
    /// The mapping that the image's tree is to be in.
    public var idMap: IDMap { IDMap(uid: uid, gid: gid) }
}

extension ImageFacts {
    /// - Parameter name: as the user wrote it, for the record; the image's first where nil.
    public init(_ image: StoredImage, name: String? = nil) {
        self.init(
            id: image.id.hex, name: name ?? image.names.first ?? image.id.hex, execution: image.config.config)
    }
}

extension RootView {
    /// An image's tree: directories, links and modes stand in it, contents are the store's to read.
    public init(_ tree: Tree) {
        self.init(directory: tree.path) { path, limit in (try? tree.readFile(path, limit: limit)) ?? nil }
    }
}
