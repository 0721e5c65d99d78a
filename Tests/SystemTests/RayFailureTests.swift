import Foundation
import RayCommandLines
import Testing

/// A worker that cannot be started fails at once, in one line that says how to mend it.
@Suite(.needs(.swiftpod)) struct RayFailureTests {
    private func expect(
        _ command: Command, _ code: Int32, _ pattern: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let ended = try command.start().finish(seconds: 20)
        #expect(ended.code == code, "\(ended)", sourceLocation: sourceLocation)
        #expect(ended.errorLines.count == 1 && ended.out.isEmpty, "\(ended)", sourceLocation: sourceLocation)
        #expect(
            ended.err.range(of: pattern, options: .regularExpression) != nil, "\(ended)", sourceLocation: sourceLocation
        )
    }

    @Test func ofWhatIsNotThere() throws {
        try Pod.with(.unprivileged, "ray", "ray-bare") { pod in
            pod.prepareRay()
            try expect(
                pod.ray(Ray.current, "ray-bare"), 127, "execute python: .*not in PATH \\(/usr/local/bin:.*--env PATH")
            try expect(
                pod.ray(Ray.current, "nothing", more: ["--pull=never"]), 125, "localhost/nothing:latest.*not known")
            try expect(pod.ray(Ray.current, more: ["-v", "/no/such:/x"]), 125, "/no/such.*no such file")
            try expect(pod.ray(Ray.current, more: ["--user=nobodyhome"]), 126, "nobodyhome")
            #expect(pod.containers == [])
        }
    }

    /// The image's USER may not use the raylet's sockets; the caller's own uid may.
    @Test func ofAForeignUser() throws {
        try Pod.with(.unprivileged, "ray", "ray-user") { pod in
            pod.prepareRay()
            pod.makeDirectory("ray/sockets")
            let socket = pod.write("ray/sockets/raylet", "", mode: 0o755)
            func command(_ image: String, _ more: [String] = []) -> Command {
                var command = pod.ray(
                    Ray.current, image, more: ["-v", pod.files + "/ray:" + pod.files + "/ray"] + more)
                command.words.append("--raylet-name=" + socket)
                return command
            }
            try expect(
                command("ray-user"), 125, "ray-user:latest runs as uid 1000.*\(socket): add --user=\(pod.account.uid)")
            #expect(try command("ray-user", ["--user=\(pod.account.uid)"]).start().finish().ok)
            #expect(try command("ray").start().finish().ok)
            chmod(socket, 0o777)
            let warned = try command("ray-user").start().finish()
            #expect(warned.ok && warned.errorLines.first?.contains("--user \(pod.account.uid)") == true, "\(warned)")
        }
    }

    /// Another Ray than the host's, which the raylet's own program tells.
    @Test func ofAnotherRay() throws {
        try Pod.with(.unprivileged, "ray", "ray-old") { pod in
            pod.prepareRay()
            for (python, mend) in [("3.11", "Ray 2.48.0, this host 2.60.0"), ("3.12", "Python 3.11, this host 3.12")] {
                let site = "host/lib/python\(python)/site-packages/ray"
                pod.tool("mkdir", "-p", pod.files + "/\(site)/core/src/ray/raylet")
                pod.tool("cp", "/bin/dash", pod.files + "/\(site)/core/src/ray/raylet/raylet")
                pod.write(site + "/_version.py", "version = \"2.60.0\"\n")
                for image in ["ray-old", "ray"] {
                    let worker = pod.rayCommand(
                        ["run"] + Ray.workers[2].options + ["--env", "FAKE=exit 0"]
                            + Ray.tail("localhost/\(image):latest"), raylet: "@")
                    // This shell is the user's already.
                    let line = worker.words.dropFirst(pod.account.prefix.count).map {
                        $0 == "RAY_RAYLET_PID=@" ? "RAY_RAYLET_PID=$$" : "'\($0)'"
                    }
                    var raylet = worker
                    raylet.words =
                        pod.account.prefix + [
                            pod.files + "/\(site)/core/src/ray/raylet/raylet", "-c",
                            line.joined(separator: " ") + "; exit $?",
                        ]
                    if image == "ray", python == "3.11" {
                        let ended = try raylet.start().finish()
                        #expect(ended.ok && Facts(ended.out).isWhole, "\(ended)")
                    } else {
                        try expect(raylet, 125, mend.replacingOccurrences(of: ".", with: "\\."))
                    }
                }
            }
            #expect(pod.containers == [])
        }
    }
}
