import CShims
import Glibc
import LinuxKernel

/// Puts the contents of files into the store, each once, under its digest.
///
/// An object appears under its name complete or not at all: it is written under a temporary one. They are on disk for
/// certain only after the `syncfs(2)` that comes before an image's record.
final class ObjectWriter {
    /// Contents up to this size are hashed before anything is written, so that one that is in the store already costs
    /// no file. It is also the size of the buffer for contents that come in pieces.
    static let smallSize = 1 << 20

    /// All objects that were asked for have their short names.
    private(set) var haveShortNames = true

    private let objects: OwnedDescriptor
    private let names: ObjectNames
    private let temporary: OwnedDescriptor
    private let temporaryPath: String
    private let hash = SHA256()
    private var made = 0

    /// The file being written in pieces, and how far it is hashed.
    private var file: Int32 = -1
    private var fileName = ""
    private var position: Int64 = 0

    init(_ layout: Layout) throws {
        objects = try OwnedDescriptor.open(layout.objects, O_RDONLY | O_DIRECTORY)
        names = ObjectNames(directory: objects.raw)
        temporaryPath = File.temporaryName(beside: layout.temporary + "/objects")
        try Directory.create(temporaryPath, mode: 0o700)
        temporary = try OwnedDescriptor.open(temporaryPath, O_RDONLY | O_DIRECTORY)
    }

    deinit {
        if file >= 0 { close(file) }
        try? Directory.removeTree(temporaryPath)
    }

    /// A content that is there as a whole.
    func store(_ bytes: UnsafeRawBufferPointer, modified time: FileTime) throws -> ObjectID {
        hash.reset()
        hash.update(bytes)
        let id = hash.finish()
        if try exists(id) { return id }
        let name = nextName()
        let file = try create(name)
        try writeWhole(file.raw, bytes, at: 0)
        try setTime(file.raw, time)
        try publish(name, as: id)
        return id
    }

    /// Begins a content that comes in pieces.
    func begin() throws {
        fileName = nextName()
        file = try create(fileName).release()
        hash.reset()
        position = 0
    }

    /// The next piece. What lies between it and the one before is a hole.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws {
        if offset > position { hash.update(zeros: offset - position) }
        hash.update(bytes)
        try writeWhole(file, bytes, at: offset)
        position = offset + Int64(bytes.count)
    }

    /// Ends a content of that size; the rest of it is a hole.
    func finish(size: Int64, modified time: FileTime) throws -> ObjectID {
        if size > position {
            hash.update(zeros: size - position)
            try check("ftruncate", "object") { ftruncate(file, off_t(size)) }
        }
        try setTime(file, time)
        close(file)
        file = -1
        let id = hash.finish()
        if try exists(id) {
            unlinkat(temporary.raw, fileName, 0)
        } else {
            try publish(fileName, as: id)
        }
        return id
    }

    /// The time of the first file that has the content: a tree of whole files can link to the object itself then.
    private func setTime(_ file: Int32, _ time: FileTime) throws(SyscallError) {
        try check("futimens", "object") { swiftpod_set_time_of(file, time.seconds, Int(time.nanoseconds)) }
    }

    private func exists(_ id: ObjectID) throws(SyscallError) -> Bool {
        do throws(SyscallError) {
            if try !names.giveShort(id) { haveShortNames = false }
            return true
        } catch {
            if error.errno == ENOENT { return false }
            throw error
        }
    }

    private func nextName() -> String {
        made += 1
        return String(made, radix: 36)
    }

    private func create(_ name: String) throws(SyscallError) -> OwnedDescriptor {
        // A container whose root is not the store's owner reads objects as anybody.
        let mode: mode_t = 0o644
        let file = try temporary.open(name, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
        return file
    }

    private func writeWhole(_ file: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(SyscallError) {
        var done = 0
        while done < bytes.count {
            done += try check("write", "object") {
                pwrite(file, bytes.baseAddress! + done, bytes.count - done, off_t(offset) + off_t(done))
            }
        }
    }

    /// Somebody else's file of that content, where he was faster, is what trees redirect to: it stays.
    private func publish(_ name: String, as id: ObjectID) throws(SyscallError) {
        if try !give(name, to: id) { unlinkat(temporary.raw, name, 0) }
        if try !names.giveShort(id) { haveShortNames = false }
    }

    private func give(_ name: String, to id: ObjectID) throws(SyscallError) -> Bool {
        let path = id.path
        func rename() -> Int32 {
            let withoutReplacing = swiftpod_renameat2(temporary.raw, name, objects.raw, path, 1 /* RENAME_NOREPLACE */)
            // A file system that knows no such thing.
            if withoutReplacing != 0, errno == EINVAL { return renameat(temporary.raw, name, objects.raw, path) }
            return withoutReplacing
        }
        if rename() == 0 { return true }
        if errno == ENOENT {
            let directory = String(decoding: path.prefix(2).map { UInt8($0) }, as: UTF8.self)
            if mkdirat(objects.raw, directory, 0o755) != 0, errno != EEXIST { throw SyscallError("mkdir", "objects") }
            if rename() == 0 { return true }
        }
        guard errno == EEXIST else { throw SyscallError("rename", "object") }
        return false
    }
}
