// A program of somebody else's: everything here is the library's public face.
import SwiftPod

@main struct User {
    static func main() async throws {
        var settings = WorkerLauncher.Settings()
        settings.root = CommandLine.arguments[1]
        settings.runRoot = CommandLine.arguments[2]
        let launcher = try WorkerLauncher(settings)
        let env = try ContainerRuntimeEnv(
            json: #"{"container": {"image": "localhost/none", "run_options": ["--pull=never"]}}"#)
        do {
            let worker = try await launcher.launch(
                env, arguments: ["-c", "pass"], streams: WorkerStreams(output: .pipe))
            _ = try await worker.wait()
            print("a worker without an image: started")
        } catch {
            print("a worker without an image: \(error.code)")
        }
        launcher.close()
    }
}
