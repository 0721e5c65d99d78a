import Foundation

/// The made-up machine of Tests/Machine/gpu-tree.sh, one for all tests of a process.
enum FakeMachine {
    static let isPossible = geteuid() == 0 && run("/bin/sh", ["-c", "command -v cc"]) == 0
    static let reason: String = "needs root, for device nodes, and cc"

    /// The tree's directory.
    static let path: String = {
        let path = directory + "/tree"
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Machine/gpu-tree.sh").path
        guard run("/bin/sh", [script, path]) == 0 else { fatalError("gpu-tree.sh failed") }
        return path
    }()

    /// Files of tests, gone with the process.
    static let directory: String = {
        let path = NSTemporaryDirectory() + "/swiftpod-gpu-\(getpid())"
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        atexit { try? FileManager.default.removeItem(atPath: FakeMachine.directory) }
        return path
    }()

    static func fresh() -> String {
        let path = directory + "/" + UUID().uuidString
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    static func write(_ text: String, to path: String) { write(Array(text.utf8), to: path) }

    static func write(_ bytes: [UInt8], to path: String) {
        try? FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        _ = FileManager.default.createFile(atPath: path, contents: Data(bytes))
    }

    /// A program's exit status, its output thrown away.
    @discardableResult
    static func run(_ program: String, _ words: [String]) -> Int32 {
        output(program, words).status
    }

    static func output(_ program: String, _ words: [String]) -> (status: Int32, text: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = words
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch { return (127, "") }
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }
}
