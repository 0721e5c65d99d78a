import Glibc
import LinuxKernel

/// Takes the files of an archive one after another.
protocol ArchiveMemberWriter: AnyObject {
    /// Adds a file of exactly that many bytes, which `body` hands over in pieces. One that is there already is left.
    func add(_ name: String, size: Int64, _ body: (_ write: (UnsafeRawBufferPointer) throws -> Void) throws -> Void)
        throws
    /// What was added appears under its name.
    func finish() throws
}

extension ArchiveMemberWriter {
    func add(_ name: String, _ bytes: [UInt8]) throws {
        try add(name, size: Int64(bytes.count)) { write in try bytes.withUnsafeBytes { try write($0) } }
    }
}

/// Members of a tarball.
final class TarMemberWriter: ArchiveMemberWriter {
    private let output: ArchiveOutput
    private var names: Set<String> = []

    init(_ target: ArchiveTarget) throws {
        output = try ArchiveOutput(target)
    }

    func add(
        _ name: String, size: Int64, _ body: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws {
        guard names.insert(name).inserted else { return }
        try put(TarWriter.header(name, size: size))
        var left = size
        try body { bytes in
            left -= Int64(bytes.count)
            guard left >= 0 else { throw StoreError(.corrupt, "\(name) is longer than its \(size) bytes") }
            try output.write(bytes)
        }
        guard left == 0 else { throw StoreError(.corrupt, "\(name) is shorter than its \(size) bytes") }
        try put(TarWriter.padding(size))
    }

    func finish() throws {
        try put(TarWriter.end)
        try output.finish()
    }

    private func put(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try output.write($0) }
    }
}

/// Files of a directory, which appears when it is complete. Into one that has an image layout already they are added.
final class DirectoryMemberWriter: ArchiveMemberWriter {
    private let path: String
    /// Where the files go until the end; the directory itself where it is added to.
    private let place: String
    private var isFinished = false
    /// There is an image layout, which gets a further image.
    let isAddition: Bool

    init(_ path: String) throws {
        self.path = path
        isAddition = access(path + "/oci-layout", F_OK) == 0
        if isAddition {
            place = path
            return
        }
        if let status = try FileStatus.ifPresent(path, following: true) {
            guard status.kind == .directory else { throw SyscallError("open", path, errno: ENOTDIR) }
            guard try Directory.entries(at: path).isEmpty else {
                throw StoreError(.invalid, "directory \(path) holds something else than an OCI image layout")
            }
        }
        place = File.temporaryName(beside: path)
        try check("mkdir", place) { mkdir(place, 0o777) }
    }

    deinit {
        if !isFinished, !isAddition { try? Directory.removeTree(place) }
    }

    func add(
        _ name: String, size: Int64, _ body: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws {
        let target = place + "/" + name
        // A blob's name is its content's digest; documents are made anew.
        if name.hasPrefix("blobs/"), let status = try FileStatus.ifPresent(target), Int64(status.size) == size {
            return
        }
        if let slash = target.utf8.lastIndex(of: UInt8(ascii: "/")) {
            try Directory.create(String(target[..<slash]), mode: 0o777)
        }
        let output = try ArchiveOutput(.path(target))
        try body { try output.write($0) }
        try output.finish()
    }

    func finish() throws {
        if !isAddition { try check("rename", path) { rename(place, path) } }
        isFinished = true
    }
}
