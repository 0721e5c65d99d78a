import Foundation
import Testing

/// The plugin for Ray's runtime environments; Tests/RayPlugin/plugin.py is what it is held against.
@Suite(.needs(.swiftpod)) struct RayPluginTests {
    @Test(.needs(.program("python3")), arguments: Account.all)
    func startsWorkers(account: Account) throws {
        try Pod.with(account, "worker") { pod in
            let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            let plugin = tests.deletingLastPathComponent().appendingPathComponent(
                "Sources/RayPlugin/swiftpod_ray/__init__.py")
            pod.makeDirectory("swiftpod_ray")
            pod.write("swiftpod_ray/__init__.py", try String(contentsOf: plugin, encoding: .utf8))
            let script = tests.appendingPathComponent("RayPlugin/plugin.py")
            pod.write("plugin.py", try String(contentsOf: script, encoding: .utf8))
            // What every call of the binary is told besides.
            pod.write(
                "swiftpod",
                "#!/bin/sh\nexec \(pod.command([]).words.drop { $0 != pod.binary }.joined(separator: " ")) \"$@\"\n",
                mode: 0o755)
            pod.environment["SWIFTPOD_BINARY"] = pod.files + "/swiftpod"
            pod.environment["SWIFTPOD_RAY_PLUGIN"] = pod.files
            let output = pod.tool("python3", "plugin.py")
            #expect(output.ok, "\(output)")
            #expect(output.err.contains("Ran 5 tests"), "\(output)")
        }
    }
}
