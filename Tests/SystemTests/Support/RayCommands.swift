import Foundation
import Testing

/// The command lines that Ray's releases issue, as recorded.
enum Ray {
    /// How a worker's command line begins, by release.
    static let workers: [(release: String, options: [String])] = [
        (
            "1.6",
            [
                "-v", "{tmp}:/tmp/ray", "--cgroup-manager=cgroupfs", "--network=host", "--pid=host", "--ipc=host",
                "--env-host", "--cpu-shares", "1024", "--cpuset-cpus=0", "--memory", "536870912b",
            ]
        ),
        (
            "1.9 to 2.7",
            [
                "-v", "{tmp}:/tmp/ray", "--cgroup-manager=cgroupfs", "--network=host", "--pid=host", "--ipc=host",
                "--env-host", "--env", "RAY_RAYLET_PID={raylet}",
            ]
        ),
        (
            "2.9 to 2.53",
            [
                "-v", "{tmp}:/tmp/ray", "--cgroup-manager=cgroupfs", "--network=host", "--pid=host", "--ipc=host",
                "--userns=keep-id", "--env", "RAY_RAYLET_PID={raylet}", "--env", "RAY_JOB_ID=01000000",
            ]
        ),
        (
            "2.60",
            [
                "-v", "{tmp}:/tmp/ray", "--cgroup-manager=cgroupfs", "--network=host", "--pid=host", "--ipc=host",
                "--userns=keep-id", "-v", "{token}:{token}:ro", "--env", "RAY_RAYLET_PID={raylet}", "--env",
                "RAY_A=a b $HOME \"q\" 'r' \\ ü", "--env", "APP_EMPTY=", "--env", "RAY_JOB_ID=01000000",
            ]
        ),
    ]

    static let current = workers[3].options

    static let script = "/usr/lib/python3.11/site-packages/ray/_private/workers/default_worker.py"

    /// What stands behind the options.
    static func tail(_ image: String) -> [String] {
        [
            "--entrypoint", "python", "localhost/\(image):latest", script, "--node-ip-address=127.0.0.1",
            "--worker-id=28ab", "--odd= a  b\"$", "",
        ]
    }

    /// The probe's script, and how its answer comes.
    static let probe = """

        import ray._private.workers.default_worker as dw
        with open('/shared/worker_path.txt', 'w') as f:
            f.write(dw.__file__)

        """
    static let oldProbe = "import ray._private.workers.default_worker as default_worker; print(default_worker.__file__)"
}

/// What a fake worker wrote down.
struct Facts: CustomStringConvertible {
    var lines: [(name: String, value: String)]

    init(_ text: String) {
        lines = text.split(separator: "\n").compactMap { line in
            guard let cut = line.firstIndex(of: "=") else { return nil }
            return (String(line[..<cut]), String(line[line.index(after: cut)...]))
        }
    }

    subscript(_ name: String) -> String { lines.first { $0.name == name }?.value ?? "" }
    func all(_ name: String) -> [String] { lines.filter { $0.name == name }.map(\.value) }
    var isWhole: Bool { lines.contains { $0.name == "end" } }
    var description: String { lines.map { "\($0.name)=\($0.value)" }.joined(separator: "\n") }
}

extension Pod {
    /// Ray's directory on the host, and its token.
    func prepareRay() {
        makeDirectory("ray")
        write("token", "secret")
    }

    /// A command line of Ray's; the binary goes by the name of podman.
    func ray(_ options: [String], _ image: String = "ray", fake: String = "exit 0", more: [String] = []) -> Command {
        rayCommand(["run"] + options + ["--env", "FAKE=" + fake] + more + Ray.tail(image))
    }

    /// As the raylet's child would be: `{raylet}` is this process.
    func rayCommand(_ words: [String], raylet: String = "\(getpid())") -> Command {
        let filled = words.map {
            $0.replacingOccurrences(of: "{tmp}", with: files + "/ray")
                .replacingOccurrences(of: "{token}", with: files + "/token")
                .replacingOccurrences(of: "{raylet}", with: raylet)
        }
        var command = self.command(filled)
        if !Machine.isPodman, let index = command.words.firstIndex(of: binary) {
            command.words[index] = directory + "/bin/podman"
        }
        return command
    }

    /// Ids of all containers, running or not.
    var containers: [String] { self("ps", "-aq", "--no-trunc").lines }
}

extension Machine {
    /// A private network takes a tool that a machine may lack; the host's then.
    static let defaultNetwork: [String] =
        isPodman || ["pasta", "slirp4netns"].contains(where: Machine.has) ? [] : ["--network=host"]
}
