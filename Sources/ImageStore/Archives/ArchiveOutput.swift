import CShims
import Glibc
import LinuxKernel

/// Where an archive goes: a borrowed descriptor, or a file that has its name only once it is complete.
final class ArchiveOutput {
    private let file: OwnedDescriptor
    /// The name to give at the end; nil where the bytes are where they belong already.
    private let path: String?
    /// A name that the file has until then, on file systems that have no files without one.
    private var temporary: String?

    init(_ target: ArchiveTarget) throws {
        switch target {
        case .descriptor(let descriptor):
            file = OwnedDescriptor(adopting: try check("dup", "archive") { dup(descriptor) })
            path = nil
        case .path(let given):
            // A device or a named pipe is written to; anything else is replaced, where a symbolic link leads.
            if let status = try FileStatus.ifPresent(given, following: true), status.kind != .regular {
                file = try OwnedDescriptor.open(given, O_WRONLY)
                path = nil
                return
            }
            let path = ArchiveOutput.resolved(given)
            self.path = path
            if let file = try ArchiveOutput.unnamed(beside: path) {
                self.file = file
                return
            }
            let temporary = File.temporaryName(beside: path)
            file = try OwnedDescriptor.open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: 0o666)
            self.temporary = temporary
        }
    }

    deinit {
        if let temporary { unlink(temporary) }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(SyscallError) {
        try file.writeAll(bytes)
    }

    /// Gives the file its name.
    func finish() throws(SyscallError) {
        guard let path else { return }
        if temporary == nil {
            let followLinks: Int32 = 0x400
            if linkat(AT_FDCWD, file.procPath, AT_FDCWD, path, followLinks) == 0 { return }
            guard errno == EEXIST else { throw SyscallError("link", path) }
            // link(2) replaces nothing, rename(2) does.
            let name = File.temporaryName(beside: path)
            try check("link", path) { linkat(AT_FDCWD, file.procPath, AT_FDCWD, name, followLinks) }
            temporary = name
        }
        try check("rename", path) { rename(temporary!, path) }
        temporary = nil
    }

    /// A file without a name, which a kill leaves nothing of; nil where the file system has none.
    private static func unnamed(beside path: String) throws(SyscallError) -> OwnedDescriptor? {
        let parent = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[...$0]) } ?? "."
        // O_TMPFILE, which Swift does not see.
        let flags: Int32 = 0o20000000 | O_DIRECTORY
        do throws(SyscallError) {
            return try OwnedDescriptor.open(parent, O_WRONLY | flags, mode: 0o666)
        } catch  where [EOPNOTSUPP, EISDIR, EINVAL].contains(error.errno) {
            return nil
        } catch {
            throw SyscallError(error.call, path, errno: error.errno)
        }
    }

    private static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }
}
