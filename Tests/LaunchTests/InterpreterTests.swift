import Foundation
import Testing

/// The child of a clone may run nothing of libc that could wait for a lock.
@Suite struct InterpreterTests {
    /// What compilers put in by themselves, the system call itself, and the interpreter's own parts.
    private static let allowed: Set<String> = [
        "__errno_location", "syscall", "memcpy", "memset", "memmove", "strlen", "__stack_chk_fail",
        "_GLOBAL_OFFSET_TABLE_",
    ]

    private static let compiler: String? = ["clang", "cc", "gcc"].first { name in
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
            access("\($0)/\(name)", X_OK) == 0
        }
    }

    @Test(
        .enabled(if: compiler != nil, "no C compiler in PATH"),
        arguments: [
            "child.c", "child_copy.c", "child_mounts.c", "child_overlay.c", "child_paths.c", "child_reaper.c",
            "child_told.c",
        ])
    func callsNothingButTheKernel(file: String) throws {
        let sources = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../CShims").standardized
        let object = NSTemporaryDirectory() + "swiftpod-\(UUID().uuidString).o"
        defer { try? FileManager.default.removeItem(atPath: object) }
        _ = try output([#require(Self.compiler), "-O1", "-fPIC", "-c", sources.path + "/" + file, "-o", object])
        let undefined = try output(["nm", "--undefined-only", "--format=just-symbols", object])
            .split(separator: "\n").map(String.init)
        #expect(!undefined.isEmpty)
        #expect(undefined.filter { !Self.allowed.contains($0) && !$0.hasPrefix("swiftpod_c") } == [])
    }

    private func output(_ command: [String]) throws -> String {
        let process = Foundation.Process()
        let pipe = Foundation.Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.standardOutput = pipe
        try process.run()
        let bytes = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return String(decoding: bytes, as: UTF8.self)
    }
}
