import Glibc
import LinuxKernel

/// An image's files, ready to be the lower layer of an overlay: `lowerdir=PATH[::OBJECTS],userxattr`.
public struct Tree: Equatable, Sendable {
    /// The lower directory. Its owner, mode and times are those of the image's root.
    public let path: String
    /// The data-only lower directory; nil where the tree's files are whole.
    public let objects: String?

    /// A file's content: symbolic links are followed within the tree. nil where there is no such regular file.
    ///
    /// - Throws: `.limit` for more than `limit` bytes.
    public func readFile(_ path: String, limit: Int = 1 << 24) throws(StoreError) -> [UInt8]? {
        try doing("read \(path) in the image") {
            let root = try OwnedDescriptor.open(self.path, O_RDONLY | O_DIRECTORY)
            guard let file = try Tree.open(path, in: root) else { return nil }
            guard try FileStatus(descriptor: file.raw).kind == .regular else { return nil }
            if let objects, let redirect = try ExtendedAttributes.get(Redirect.attribute, of: file.raw) {
                let object = objects + String(decoding: redirect, as: UTF8.self)
                return try Tree.content(try OwnedDescriptor.open(object), limit: limit)
            }
            return try Tree.content(file, limit: limit)
        }
    }

    private static func open(_ path: String, in root: borrowing OwnedDescriptor) throws(SyscallError)
        -> OwnedDescriptor?
    {
        do throws(SyscallError) {
            // Not to wait for a named pipe's other end.
            return try root.openInRoot(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
        } catch  where [ENOENT, ENOTDIR, ELOOP, ENXIO].contains(error.errno) {
            return nil
        }
    }

    private static func content(_ file: borrowing OwnedDescriptor, limit: Int) throws -> [UInt8] {
        do {
            return try file.readAll(limit: limit)
        } catch {
            if error.errno == EFBIG { throw StoreError(.limit, "larger than \(limit) bytes") }
            throw error
        }
    }
}

/// Overlay's attributes that make an empty file stand for an object.
enum Redirect {
    /// Says that the content is elsewhere. Its value may be empty.
    static let marker = "user.overlay.metacopy"
    /// Says where, from the root of the data-only layer.
    static let attribute = "user.overlay.redirect"
}
