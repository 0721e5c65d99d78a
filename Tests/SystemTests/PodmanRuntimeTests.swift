import Foundation
import Testing

/// podman with this binary for its OCI runtime, `podman --runtime`.
@Suite(.needs(.program("podman")), .needs(.swiftpod), .serialized) struct PodmanRuntimeTests {
    @Test(arguments: Account.all) func runsInTheForeground(_ account: Account) throws {
        let podman = try PodmanWithRuntime(account)
        let run = podman.run("--rm", script: "echo hi; echo there >&2; id -u; exit 3")
        #expect(run.code == 3 && run.out == "hi\n0\n" && run.err.contains("there"), "\(run)")
        #expect(podman.run("--rm", "--user=7:8", script: "id -u; id -g").out == "7\n8\n")
        #expect(podman(["run", "--rm"] + podman.limits + [podman.image, "nothing"]).code == 127)
        #expect(podman.run("--rm", "--read-only", script: "echo x > /x").code == 1)
        let terminal = podman.terminal(["run", "--rm", "-it"] + podman.limits + [podman.image] + onTerminal)
        #expect(terminal.out.contains("tty") && terminal.code == 9, "\(terminal)")
        #expect(podman("ps", "-aq").out == "")
    }

    @Test(arguments: Account.all) func livesInTheBackground(_ account: Account) throws {
        let podman = try PodmanWithRuntime(account)
        let run = podman.run(
            "-d", "--name=it", "--health-cmd=test -e /well", "--health-interval=disable",
            script: "trap 'exit 5' TERM; echo up; while :; do sleep 0.1; done")
        #expect(run.ok, "\(run)")
        #expect(eventually { podman("logs", "it").out == "up\n" })
        #expect(podman("exec", "it", "sh", "-c", "echo in; exit 4").code == 4)
        #expect(podman("exec", "it", "nothing").code == 127)
        let terminal = podman.terminal(["exec", "-it", "it"] + onTerminal)
        #expect(terminal.out.contains("tty") && terminal.code == 9, "\(terminal)")
        #expect(podman("healthcheck", "run", "it").code == 1)
        #expect(podman("exec", "it", "touch", "/well").ok)
        #expect(podman("healthcheck", "run", "it").code == 0)
        #expect(podman("stop", "-t", "20", "it").ok)
        #expect(podman("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "it").text == "exited 5")
        #expect(podman("start", "it").ok)
        #expect(podman("rm", "-f", "-t", "0", "it").ok)
        #expect(podman("ps", "-aq").out == "")
    }

    /// What a process that ends at once wrote to its terminal last, conmon 2.1.6 often loses, under crun as well.
    private let onTerminal = ["sh", "-c", "test -t 0 && echo tty && sleep 1 && exit 9"]

    @Test(.needs(.root)) func pauses() throws {
        let podman = try PodmanWithRuntime(.root)
        #expect(podman.run("-d", "--name=it", script: "sleep 1000").ok)
        #expect(podman("pause", "it").ok)
        #expect(podman("inspect", "-f", "{{.State.Status}}", "it").text == "paused")
        #expect(podman("unpause", "it").ok)
        #expect(podman("exec", "it", "true").ok)
        #expect(podman("kill", "it").ok)
        #expect(podman("wait", "it").text == "137")
    }
}

/// A store of podman's own, on a view of the machine with cgroup v2 alone: beside v1, podman starts nothing rootless.
private final class PodmanWithRuntime: @unchecked Sendable {
    let image = "localhost/busybox"
    /// A caller without CAP_SYS_RESOURCE cannot raise limits to what podman asks for by default.
    let limits = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1000:1000", "--network=none"]
    private let account: Account
    private let directory: String
    private let view: RunningCommand

    init(_ account: Account) throws {
        self.account = account
        // podman takes no place for it that has more than 50 characters.
        directory = Machine.scratch + "/p-" + UUID().uuidString.prefix(8)
        let script = """
            set -e
            if mountpoint -q /sys/fs/cgroup; then umount -R /sys/fs/cgroup || umount -l -R /sys/fs/cgroup; fi
            mount -t cgroup2 cgroup2 /sys/fs/cgroup
            echo ready
            exec sleep 1000
            """
        view = try Command(
            words: ["unshare", "--mount", "--propagation=private", "sh", "-c", script],
            environment: ["PATH": Machine.path]
        ).start()
        guard view.waits(for: "ready") else { throw Failure("a view of cgroup v2: \(view.errSoFar)") }
        for name in ["bin", "home", "run", "root/bin", "root/tmp"] {
            try FileManager.default.createDirectory(atPath: "\(directory)/\(name)", withIntermediateDirectories: true)
        }
        Machine.tool("install", "-m", "755", Machine.binary, directory + "/bin/swiftpod-oci")
        Machine.tool("install", "-m", "755", "/bin/busybox", directory + "/root/bin/busybox")
        for name in ["sh", "id", "sleep", "test", "touch", "true"] {
            try FileManager.default.createSymbolicLink(
                atPath: "\(directory)/root/bin/\(name)", withDestinationPath: "busybox")
        }
        Machine.tool("tar", "-C", directory + "/root", "-cf", directory + "/root.tar", ".")
        Machine.tool("chown", "\(account.uid):\(account.gid)", directory + "/home", directory + "/run")
        let imported = self("import", "-q", directory + "/root.tar", image)
        guard imported.ok else { throw Failure("import: \(imported)") }
    }

    deinit {
        _ = self("rm", "-fa", "-t", "0")
        if account.userName != nil {
            _ = command(["podman", "unshare", "rm", "-rf", directory + "/home/store"]).run()
            // The process that keeps rootless podman's namespaces.
            _ = self("system", "migrate")
        }
        view.signal(SIGKILL)
        _ = view.finish()
        Machine.erase(directory)
    }

    func callAsFunction(_ words: String...) -> Output { command(line(words)).run() }
    func callAsFunction(_ words: [String]) -> Output { command(line(words)).run() }

    func run(_ words: String..., script: String) -> Output {
        command(line(["run"] + words + limits + [image, "sh", "-c", script])).run()
    }

    /// With a terminal of its own for stdin, stdout and stderr.
    func terminal(_ words: [String]) -> Output {
        let quoted = line(words).map { "'\($0)'" }.joined(separator: " ")
        return command(["script", "-qec", quoted, "/dev/null"]).run()
    }

    private func line(_ words: [String]) -> [String] {
        [
            "podman", "--root", directory + "/home/store", "--runroot", directory + "/run",
            "--storage-driver=overlay", "--cgroup-manager=cgroupfs", "--events-backend=file",
            "--runtime", directory + "/bin/swiftpod-oci",
        ] + words
    }

    private func command(_ words: [String]) -> Command {
        Command(
            words: ["nsenter", "--mount=/proc/\(view.pid)/ns/mnt", "--wdns=/"] + account.prefix + words,
            environment: [
                "PATH": Machine.path, "HOME": directory + "/home", "XDG_RUNTIME_DIR": directory + "/run",
                "USER": account.login, "TERM": "xterm", "LC_ALL": "C.UTF-8",
            ], seconds: 120)
    }
}
