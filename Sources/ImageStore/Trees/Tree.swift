/// An image's files, ready to be the lower layer of an overlay: `lowerdir=PATH[::OBJECTS],userxattr`.
public struct Tree: Equatable, Sendable {
    /// The lower directory. Its owner, mode and times are those of the image's root.
    public let path: String
    /// The data-only lower directory; nil where the tree's files are whole.
    public let objects: String?

    /// A file's content: symbolic links are followed within the tree. nil where there is no such file.
    public func readFile(_ path: String, limit: Int = 1 << 24) throws(StoreError) -> [UInt8]? {
        throw StoreError(.failed, "not implemented")
    }
}
