/// The command lines that Ray's releases issue, as recorded: for the tests that read them and those that run them.
public enum Ray {
    /// How a worker's command line begins, by release. `{tmp}` is Ray's directory on the host, `{token}` a file, `{raylet}`
    /// a pid.
    public static let workers: [(release: String, options: [String])] = [
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

    /// Of the newest release.
    public static let current = workers[3].options

    /// Where an image has Ray.
    public static let script = "/usr/lib/python3.11/site-packages/ray/_private/workers/default_worker.py"

    /// What stands behind the options.
    public static func tail(_ image: String) -> [String] {
        [
            "--entrypoint", "python", image, script, "--node-ip-address=127.0.0.1",
            "--worker-id=28ab", "--odd= a  b\"$", "",
        ]
    }

    /// The probe's script, and how its answer comes.
    public static let probe = """

        import ray._private.workers.default_worker as dw
        with open('/shared/worker_path.txt', 'w') as f:
            f.write(dw.__file__)

        """
    /// As it was before 2.49.
    public static let oldProbe =
        "import ray._private.workers.default_worker as default_worker; print(default_worker.__file__)"

    /// The words with what their places stand for.
    public static func filled(_ words: [String], tmp: String, token: String, raylet: String) -> [String] {
        words.map {
            $0.replacing("{tmp}", with: tmp).replacing("{token}", with: token).replacing("{raylet}", with: raylet)
        }
    }
}
