import CShims
import Glibc
import LinuxKernel

/// Regular files as empty ones that overlay takes the content of from the objects.
struct RedirectedContents: ContentSource {
    let makesFilesApart = true
    private let names: ObjectNames
    private let haveShortNames: Bool
    private var redirects: [ObjectID: [UInt8]] = [:]

    /// - Parameter haveShortNames: That all objects have their short names has been looked after.
    init(_ names: ObjectNames, haveShortNames: Bool) {
        self.names = names
        self.haveShortNames = haveShortNames
    }

    mutating func make(
        _ name: [CChar], in directory: Int32, _ file: FileToMake, owner: (uid: UInt32, gid: UInt32)?
    ) throws {
        let made = try create(name, in: directory, file.metadata)
        if let id = file.object {
            let redirect = try redirect(to: id)
            // The size is the content's, the blocks are none.
            try check("ftruncate", "") { ftruncate(made.raw, off_t(file.size)) }
            try check("setxattr", Redirect.marker) { swiftpod_setxattr(made.raw, Redirect.marker, "", 0) }
            try check("setxattr", Redirect.attribute) {
                swiftpod_setxattr(made.raw, Redirect.attribute, redirect, redirect.count)
            }
        }
        try describe(made.raw, file.metadata, createdBy: owner)
    }

    /// The object's path by its short name, which leaves both attributes room in an ext4 inode of 256 bytes. With the
    /// full name they take a block of their own: measured for 15 000 files, 60 MB and 1.2 s against no block and 0.7 s.
    private mutating func redirect(to id: ObjectID) throws -> [UInt8] {
        if haveShortNames { return RedirectedContents.redirect(by: id.shortPath) }
        if let known = redirects[id] { return known }
        let redirect = RedirectedContents.redirect(by: try names.giveShort(id) ? id.shortPath : id.path)
        redirects[id] = redirect
        return redirect
    }

    private static func redirect(by path: [CChar]) -> [UInt8] {
        [UInt8(ascii: "/")] + path.dropLast().map { UInt8(bitPattern: $0) }
    }
}
