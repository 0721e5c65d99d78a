import Foundation
import Testing

/// `exec`: a further process in a running container.
@Suite struct ExecTests {
    @Test(arguments: Account.all) func joinsTheContainer(_ account: Account) throws {
        try Pod.with(account) { pod in
            let id = try pod.background([
                "--name=e", "-e=FROM_RUN=1", "-w=/var", "--hostname=inside", "--cap-add=NET_ADMIN",
            ])
            func exec(_ words: String..., input: String? = nil) -> Output { pod(["exec"] + words, input: input) }
            #expect(exec("e", "hostname").text == "inside")
            #expect(exec(String(id.prefix(10)), "pwd").text == "/var")
            #expect(exec("e", "sh", "-c", "echo $FROM_RUN$FROM_IMAGE").text == "1yes")
            #expect(exec("-e", "MORE=x y", "e", "sh", "-c", "echo \"$MORE\"").text == "x y")
            #expect(exec("-w", "/etc", "e", "pwd").text == "/etc")
            #expect(exec("--user", "app", "e", "id", "-un").text == "app")
            #expect(exec("-u", "7:8", "e", "sh", "-c", "id -u; id -g").text == "7\n8")
            #expect(exec("e", "cat", input: "lost").text.isEmpty, "stdin is closed without -i")
            #expect(exec("-i", "e", "cat", input: "typed").text == "typed")
            #expect(exec("e", "sh", "-c", "echo out; echo err >&2").err == "err\n")
            #expect(exec("e", "sh", "-c", RunSecurityTests.effective).text == "00000000800415fb")
            #expect(exec("--privileged", "e", "sh", "-c", RunSecurityTests.effective).text.hasPrefix("000001f"))
            #expect(exec("--user", "app", "e", "sh", "-c", RunSecurityTests.effective).text == "0000000000000000")
            #expect(exec("e", "sh", "-c", "grep ^Seccomp: /proc/self/status | cut -f2").text == "2")
            for kind in RunNamespaceTests.kinds + ["user"] {
                let mine = exec("e", "readlink", "/proc/self/ns/" + kind).text
                #expect(mine == exec("e", "readlink", "/proc/1/ns/" + kind).text && !mine.isEmpty, "\(kind)")
            }
            #expect(exec("e", "touch", "/made-by-exec").ok)
            #expect(exec("e", "ls", "/made-by-exec").ok)
            #expect(exec("e", "sh", "-c", "echo hi > /proc/1/fd/1").ok)
            #expect(eventually { pod("logs", "e").out == "hi\n" })
        }
    }

    @Test(arguments: Account.all) func detached(_ account: Account) throws {
        try Pod.with(account) { pod in
            let id = try pod.background()
            let detached = pod("exec", "-d", id, "sh", "-c", "sleep 0.3; touch /dev/shm/done")
            #expect(detached.ok, "\(detached)")
            #expect(eventually { pod("exec", id, "test", "-e", "/dev/shm/done").ok })
        }
    }

    /// The whole container goes with its first process.
    @Test(arguments: Account.all) func endsWithTheContainer(_ account: Account) throws {
        try Pod.with(account) { pod in
            let id = try pod.background()
            let exec = try pod.start("exec", id, "sh", "-c", "echo here; sleep 100")
            #expect(exec.waits(for: "here"))
            #expect(pod("kill", id).ok)
            let output = exec.finish(seconds: 20)
            #expect(output.code == 137, "\(output)")
        }
    }

    @Test(arguments: Account.all) func manyAtOnce(_ account: Account) throws {
        try Pod.with(account) { pod in
            let id = try pod.background()
            let all = try (0..<12).map { try pod.start("exec", id, "sh", "-c", "echo \($0); exit \($0)") }
            for (i, one) in all.enumerated() {
                let output = one.finish(seconds: 60)
                #expect(output.text == "\(i)" && output.code == Int32(i), "\(output)")
            }
        }
    }

    @Test(arguments: Account.all) func withKeepID(_ account: Account) throws {
        guard !account.isRoot else { return }
        try Pod.with(account) { pod in
            let id = try pod.background(["--userns=keep-id"])
            #expect(pod("exec", id, "id", "-u").text == "\(account.uid)")
            #expect(pod("exec", "-u", "0", id, "id", "-u").text == "0")
            #expect(pod("exec", id, "sh", "-c", RunSecurityTests.effective).text == "0000000000000000")
        }
    }
}
