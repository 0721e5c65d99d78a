import Foundation
import LinuxKernel
import SwiftPod
import Testing

/// A store of its own with one image, which is made of busybox; gone with the test, and checked for what is left.
final class World: @unchecked Sendable {
    let directory: String
    let settings: WorkerLauncher.Settings
    static let image = "localhost/worker:latest"

    /// Runs the body with a launcher in a new world.
    static func with(_ body: (WorkerLauncher, World) async throws -> Void) async throws {
        let world = try World()
        let launcher = try WorkerLauncher(world.settings)
        do {
            try await body(launcher, world)
        } catch {
            world.end(launcher)
            throw error
        }
        world.end(launcher)
    }

    private init() throws {
        directory = "/var/tmp/swiftpod-workers-\(getpid())-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        var settings = WorkerLauncher.Settings()
        settings.root = directory + "/data"
        settings.runRoot = directory + "/run"
        settings.binary = World.binary
        self.settings = settings
        try load()
    }

    /// The `swiftpod` of this build, which loads the image; and, where the tests say so, is the launcher.
    static let tool: String = {
        if let path = ProcessInfo.processInfo.environment["SWIFTPOD_BINARY"] { return path }
        return Bundle.main.executableURL!.deletingLastPathComponent().appendingPathComponent("swiftpod").path
    }()
    /// nil: the test program is its own launcher.
    static let binary: String? = nil

    private func load() throws {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Images/images.py").path
        try run("/usr/bin/env", "python3", script, "worker", directory + "/worker.tar")
        try run(
            World.tool, "--root", settings.root!, "--runroot", settings.runRoot!, "load", "-q", "-i",
            directory + "/worker.tar")
    }

    func run(_ words: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: words[0])
        process.arguments = Array(words.dropFirst())
        process.standardOutput = FileHandle.nullDevice
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        let said = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Fault("\(words.joined(separator: " ")): \(String(decoding: said, as: UTF8.self))")
        }
    }

    private func end(_ launcher: WorkerLauncher) {
        let pid = launcher.processID
        launcher.close()
        #expect(eventually { kill(pid, 0) != 0 }, "the launcher is still there")
        #expect(eventually { self.containers.isEmpty }, "containers left: \(self.containers)")
        // The keeper is this world's alone.
        if let target = try? FileManager.default.destinationOfSymbolicLink(atPath: directory + "/run/keeper"),
            let keeper = target.split(separator: ":").first.flatMap({ Int32($0) })
        {
            kill(keeper, SIGKILL)
        }
        try? run("/bin/sh", "-c", "rm -rf \(directory) 2>/dev/null || true")
        if FileManager.default.fileExists(atPath: directory) {
            try? run(
                "/usr/bin/unshare", "--map-auto", "--map-root-user", "--setuid", "0", "rm", "-rf", directory)
        }
    }

    /// What stands in the store, half-made ones too.
    var containers: [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: directory + "/data/containers")) ?? []
    }

    static func text(_ descriptor: Int32?) -> String {
        guard let descriptor else { return "" }
        return String(decoding: (try? readAll(descriptor)) ?? [], as: UTF8.self)
    }
}

struct Fault: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

func eventually(seconds: Double = 10, _ condition: () -> Bool) -> Bool {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while !condition() {
        if Date() > deadline { return false }
        usleep(10_000)
    }
    return true
}
