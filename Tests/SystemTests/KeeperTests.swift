import Foundation
import Testing

/// The namespace keeper, and users without a range of ids.
@Suite(.needs(.swiftpod)) struct KeeperTests {
    static func keepers(_ pod: Pod) -> [pid_t] {
        Leaks.processes(of: pod).filter { Leaks.isKeeper($0, of: pod) }.map(\.pid)
    }

    @Test func startedOnceFoundAgainReplacedWhenDead() throws {
        try Pod.with(.unprivileged) { pod in
            #expect(pod.sh([], "true").ok)
            let first = Self.keepers(pod)
            #expect(first.count == 1, "\(first)")
            #expect(pod.sh([], "true").ok)
            #expect(Self.keepers(pod) == first)
            for pid in first { kill(pid, SIGKILL) }
            #expect(pod.sh([], "id -u").text == "0", "another one is made")
            #expect(Self.keepers(pod) != first && Self.keepers(pod).count == 1)
        }
    }

    /// Ten first commands at once make one keeper.
    @Test func startedByManyAtOnce() throws {
        try Pod.with(.unprivileged) { pod in
            for pid in Self.keepers(pod) { kill(pid, SIGKILL) }
            let all = try (0..<10).map { try pod.start("run", "--rm", "--network=none", Pod.tiny, "echo", "\($0)") }
            for (i, one) in all.enumerated() {
                let output = one.finish(seconds: 60)
                #expect(output.text == "\(i)", "\(output)")
            }
            #expect(Self.keepers(pod).count == 1)
        }
    }

    /// Containers of a keeper that has died can be seen, entered, stopped and removed.
    @Test func containersOutliveTheKeeper() throws {
        try Pod.with(.unprivileged) { pod in
            let id = try pod.background(["--name=left"], LifecycleTests.obedient)
            for pid in Self.keepers(pod) { kill(pid, SIGKILL) }
            #expect(pod.inspect("left", "{{.State.Status}}") == "running")
            #expect(pod("exec", id, "id", "-u").text == "0")
            #expect(pod("stop", "left").ok)
            #expect(pod("rm", "left").ok)
        }
    }

    @Test(.needs(.bareUser)) func withoutSubordinateIDs() throws {
        try Pod.with(.unprivilegedWithoutRange) { pod in
            let ran = pod.sh([], "id -u; cat /proc/self/uid_map | awk '{print $1, $3}'")
            #expect(ran.text == "0\n0 1" && ran.code == 0, "\(ran)")
            #expect(ran.errorLines.count == 1 && ran.err.contains("subuid"), "says so once: \(ran)")
            let kept = pod.sh(["--userns=keep-id"], "id -u")
            #expect(kept.text == "\(pod.account.uid)", "\(kept)")
            #expect(pod.sh(["-v", "\(pod.files):/f"], "touch /f/x").code == 0)
            #expect(RunNamespaceTests.owner(pod.files + "/x") == pod.account.uid)
        }
    }

    /// Where user namespaces are forbidden the error names what forbids them.
    @Test(.needs(.root)) func userNamespacesForbidden() throws {
        try Pod.with(.unprivileged, "none") { pod in
            var command = pod.command(["run", "hello"])
            // A root that is nobody outside finds no place of its own.
            let open = pod.files + "/open"
            try #require(mkdir(open, 0o777) == 0 && chmod(open, 0o777) == 0)
            let sysctl = "/proc/sys/user/max_user_namespaces"
            // The limit of a user namespace counts for those made in it, so the machine's own stays as it is.
            command.words =
                [
                    "unshare", "--user", "--map-users=auto", "--map-groups=auto", "--setuid", "0", "--setgid", "0",
                    "sh", "-c",
                    "echo 0 > \(sysctl) && exec setpriv --reuid 1000 --regid 1000 --clear-groups -- \"$@\"", "sh",
                ]
                + [pod.binary, "--root", open + "/data", "--runroot", open + "/run", "run", "hello"]
            command.words = account(command.words)
            let output = command.run()
            #expect(output.code == 125, "\(output)")
            expectOneLine(output, "max_user_namespaces|unprivileged_userns")
        }
        func account(_ words: [String]) -> [String] { Account.unprivileged.prefix + words }
    }

    /// The supervisor of a container in the background is small.
    @Test(arguments: Account.all) func supervisorsAreSmall(_ account: Account) throws {
        try Pod.with(account) { pod in
            _ = try (0..<4).map { _ in try pod.background([], "sleep 100") }
            usleep(500_000)
            let ours = Leaks.processes(of: pod).filter { $0.executable == pod.binary && !Leaks.isKeeper($0, of: pod) }
            #expect(ours.count == 4, "\(ours)")
            for process in ours {
                let text = (try? String(contentsOfFile: "/proc/\(process.pid)/smaps_rollup", encoding: .utf8)) ?? ""
                let pss = text.split(separator: "\n").first { $0.hasPrefix("Pss:") }
                    .flatMap { Int($0.split(separator: " ").dropFirst().first ?? "") }
                #expect((pss ?? .max) < 300, "\(pss ?? -1) KiB")
            }
        }
    }
}
