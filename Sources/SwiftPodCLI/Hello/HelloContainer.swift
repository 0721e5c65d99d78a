import OptionGrammar
import ContainerEngine
import Glibc
import ImageStore
import LinuxKernel
import OCISpec

/// `swiftpod run hello`: needs no network and no image, because the image is this program.
///
/// The image is made where no stored one has the name, and made anew when the program has changed. Its entry point is
/// this program under a word that no user types, which says where it finds itself.
enum HelloContainer {
    static let name = "hello"
    static let word = "__hello"
    /// On the image: which program it was made of.
    private static let label = "io.swiftpod.hello"

    static func internalCommand(_ arguments: [String]) -> Int32? {
        guard arguments.count > 1, arguments[1] == word else { return nil }
        return HelloReport.print()
    }

    /// Makes the image where the request is for it, and gives the container what it reports about.
    static func provide(for request: inout RunRequest, _ session: Session, started: UInt64) throws {
        guard case .image(name, let pull, _) = request.configuration.source, pull != .always else { return }
        let identity = try programIdentity()
        if let stored = try session.store.image(name) {
            guard let made = stored.config.config.labels[label] else { return }
            if made != identity { try make(identity, session) }
        } else {
            try make(identity, session)
        }
        request.configuration.environment.variables += try HelloReport.facts(session, started: started)
    }

    /// Size and time of change: enough to tell one build from the next.
    private static func programIdentity() throws -> String {
        var status = stat()
        try check("stat", "/proc/self/exe") { stat("/proc/self/exe", &status) }
        return "\(status.st_size)-\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
    }

    private static func make(_ identity: String, _ session: Session) throws {
        let program = try OwnedDescriptor.open("/proc/self/exe", O_RDONLY | O_CLOEXEC)
        guard try isStatic(program) else {
            throw CommandError("run hello: this build of swiftpod needs shared libraries, use a release build")
        }
        try session.engine.becomePrivileged()
        let archive = try tarball(of: program)
        _ = try session.store.importRootfs(
            from: .descriptor(archive.raw), name: try localReference(name),
            changes: ["ENTRYPOINT [\"/swiftpod\", \"\(word)\"]", "LABEL \(label)=\(identity)", "ENV PATH=/"],
            message: "made from swiftpod itself")
    }

    /// An ELF file without an interpreter.
    private static func isStatic(_ program: borrowing OwnedDescriptor) throws -> Bool {
        var header = [UInt8](repeating: 0, count: 4096)
        let count = header.withUnsafeMutableBytes { pread(program.raw, $0.baseAddress!, $0.count, 0) }
        guard count >= 64, header.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2]) else { return false }
        func number(_ offset: Int, _ size: Int) -> Int {
            (0..<size).reduce(0) { $0 | Int(header[offset + $1]) << (8 * $1) }
        }
        let (table, size, entries) = (number(32, 8), number(54, 2), number(56, 2))
        for index in 0..<entries {
            let offset = table + index * size
            guard offset + 4 <= count else { break }
            // PT_INTERP
            if number(offset, 4) == 3 { return false }
        }
        return true
    }

    /// A tar archive with one file, rewound.
    private static func tarball(of program: borrowing OwnedDescriptor) throws -> OwnedDescriptor {
        var status = stat()
        try check("fstat", "/proc/self/exe") { fstat(program.raw, &status) }
        let size = Int(status.st_size)
        let archive = try OwnedDescriptor.memoryFile(named: "hello.tar")
        try archive.writeAll(TarWriter.header("swiftpod", size: Int64(size), mode: 0o755))
        var offset: off_t = 0
        while offset < size {
            let moved = try check("sendfile") { sendfile(archive.raw, program.raw, &offset, size - Int(offset)) }
            if moved == 0 { throw CommandError("run hello: the program file has become shorter") }
        }
        try archive.writeAll(TarWriter.padding(Int64(size)) + TarWriter.end)
        try check("lseek") { lseek(archive.raw, 0, SEEK_SET) }
        return archive
    }
}
