import OptionGrammar
import ContainerEngine
import RayCommandLines
import SwiftPodCLI
import Testing

/// The command lines that Ray's releases issue, and the options that its users add to them.
@Suite struct RayTests {
    private static let image = "registry.example/whisper:1"
    private static let tail = Ray.tail(image)

    private static func filled(_ options: [String]) -> [String] {
        Ray.filled(options, tmp: "/tmp/ray", token: "/home/me/.ray/token", raylet: "71")
    }
    private static let current = filled(Ray.current)

    @Test(arguments: Ray.workers.map(\.options))
    func isUnderstood(options: [String]) throws {
        let request = try parseRun(Self.filled(options) + Self.tail)
        let configuration = request.configuration
        #expect(configuration.source == .image(Self.image, pull: .missing, platform: nil))
        #expect(configuration.entrypoint == ["python"])
        #expect(
            configuration.command
                == [Ray.script, "--node-ip-address=127.0.0.1", "--worker-id=28ab", "--odd= a  b\"$", ""])
        #expect(configuration.cgroupManager == .cgroupfs)
        #expect(configuration.network.mode == .host)
        #expect(configuration.namespaces.pid == .host)
        #expect(configuration.namespaces.ipc == .host)
        #expect(configuration.mounts.first == MountRequest(kind: .bind("/tmp/ray"), destination: "/tmp/ray"))
        #expect(!configuration.interactive)
        #expect(!request.detach)
    }

    @Test func currentWorkerInFull() throws {
        let request = try parseRun(Self.current + Self.tail)
        #expect(request.warnings.isEmpty)
        #expect(request.configuration.namespaces.user == .keepID(uid: nil, gid: nil))
        #expect(
            request.configuration.environment.variables.map { "\($0.name)=\($0.value)" }
                == [
                    "RAY_RAYLET_PID=71", "RAY_A=a b $HOME \"q\" 'r' \\ ü", "APP_EMPTY=", "RAY_JOB_ID=01000000",
                ])
        #expect(request.configuration.mounts.last?.options == ["ro"])
    }

    @Test func probes() throws {
        let probe = try parseRun(["--rm", "-v", "/tmp/x:/shared:Z", "image", "python", "-c", Ray.probe])
        #expect(probe.configuration.removeOnExit)
        #expect(
            probe.configuration.mounts == [MountRequest(kind: .bind("/tmp/x"), destination: "/shared", options: ["Z"])])
        #expect(probe.configuration.command == ["python", "-c", Ray.probe])
        #expect(probe.streams == [.stdout, .stderr])
        _ = try parseRun(["--rm", "image", "python", "-c", Ray.oldProbe])
    }

    /// What users have in `run_options`, each after Ray's own options.
    static let runOptions: [String] = [
        "--rm", "--gpus all", "--gpus=all", "--security-opt=label=disable", "--security-opt seccomp=unconfined",
        "--security-opt no-new-privileges", "--hooks-dir=/usr/share/containers/oci/hooks.d", "-t", "-i", "-it",
        "--privileged", "--cap-drop=ALL", "--cap-add SYS_PTRACE", "-v /a:/b", "-v /a:/b:ro", "-v /a:/b:Z",
        "--log-level debug", "--log-level=error", "--env-host", "--env-file list", "--cpu-shares 512",
        "--cpuset-cpus 0-1", "--cpus 2", "--cpus=0.5", "--memory 1g", "-m 1g", "--ulimit nofile=1024:2048",
        "--ulimit host", "--name w --replace", "--pull always", "--pull=missing", "-q", "--user 0", "--user root",
        "--group-add video", "--group-add keep-groups", "--device /dev/fuse", "--device=/dev/nvidia0",
        "--mount type=bind,src=/a,dst=/b", "--tmpfs /scratch", "-w /srv", "--workdir=/srv", "--hostname h",
        "--add-host a:10.0.0.1", "--dns 1.1.1.1", "--cgroupns=host", "--cgroupns private", "--pids-limit 100",
        "--pids-limit=-1", "--oom-score-adj 100", "--label a=b", "-l a=b", "--annotation a=b", "--runtime crun",
        "--systemd=false", "--systemd=always", "--stop-signal SIGINT", "--stop-timeout 5", "--read-only", "--no-hosts",
        "--userns=host", "--userns host", "--uts host", "--http-proxy=false", "--restart no", "--restart=on-failure:2",
        "--timeout 600", "--log-driver=none", "--umask 0022", "--unsetenv A", "--platform linux/amd64",
        "--storage-driver vfs", "--root /r", "--events-backend none", "--cgroup-manager systemd", "--shm-size 1g",
        "--sysctl net.ipv4.ip_forward=1", "--init", "--tls-verify=false", "--authfile /a.json", "--preserve-fds 0",
    ]

    @Test(arguments: runOptions)
    func isAccepted(option: String) throws {
        let words = Self.current + option.split(separator: " ").map(String.init) + Self.tail
        let request = try parseRun(words, caller: caller(files: ["/here/list": "A=1\n"]))
        #expect(request.configuration.entrypoint == ["python"])
        #expect(request.configuration.command == Array(Self.tail.dropFirst(3)))
    }

    @Test func theLastUserNamespaceWins() throws {
        let words = Self.current + ["--userns=host"] + Self.tail
        #expect(try parseRun(words).configuration.namespaces.user == .host)
    }
}
