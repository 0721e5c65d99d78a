import Foundation
import Testing

/// `logs`, `attach`-like reading and the log drivers.
@Suite struct LogTests {
    @Test(arguments: Account.all) func whatWasWritten(_ account: Account) throws {
        try Pod.with(account) { pod in
            let id = try pod.background(["--name=l"], "echo one; echo two >&2; sleep 0.1; echo three; echo four")
            #expect(pod("wait", id).ok)
            let logs = pod("logs", "l")
            #expect(logs.out == "one\nthree\nfour\n", "\(logs)")
            #expect(logs.err == "two\n", "\(logs)")
            let tail = pod("logs", "--tail=1", "l")
            #expect(tail.text == "four" && tail.err.isEmpty, "\(tail)")
            let stamped = pod("logs", "-t", "l")
            #expect(stamped.lines.first?.firstMatch(of: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S* one$/) != nil, "\(stamped)")
            #expect(pod("logs", "--since=1h", "l").out.hasPrefix("one"))
            #expect(pod("logs", "--tail=0", "l").out.isEmpty)
        }
    }

    @Test(arguments: Account.all) func following(_ account: Account) throws {
        try Pod.with(account) { pod in
            let id = try pod.background(
                ["--name=f"], "echo first; while ! test -e /dev/shm/go; do sleep 0.05; done; echo last; exit 2")
            let follow = try pod.start("logs", "-f", "f")
            #expect(follow.waits(for: "first"))
            #expect(!follow.outSoFar.contains("last"))
            #expect(pod("exec", id, "touch", "/dev/shm/go").ok)
            let output = follow.finish(seconds: 20)
            #expect(output.ok && output.out == "first\nlast\n", "ends with the container: \(output)")
        }
    }

    /// Stopped while it is followed.
    @Test(arguments: Account.all) func followedToTheStop(_ account: Account) throws {
        try Pod.with(account) { pod in
            let id = try pod.background([], LifecycleTests.obedient)
            let follow = try pod.start("logs", "-f", id)
            #expect(follow.waits(for: "ready"))
            #expect(pod("stop", id).ok)
            #expect(follow.finish(seconds: 20).ok)
        }
    }

    @Test(arguments: Account.all) func drivers(_ account: Account) throws {
        try Pod.with(account) { pod in
            let path = pod.files + "/own.log"
            let own = try pod.background(
                ["--log-driver=k8s-file", "--log-opt", "path=\(path)"], "echo kept; echo err >&2")
            #expect(pod("wait", own).ok)
            let lines = (pod.read("own.log") ?? "").split(separator: "\n")
            #expect(lines.contains { $0.firstMatch(of: /^\d{4}-\S+ stdout F kept$/) != nil }, "\(lines)")
            #expect(lines.contains { $0.firstMatch(of: /^\d{4}-\S+ stderr F err$/) != nil }, "\(lines)")
            let none = pod("run", "--network=none", "--name=none", "--log-driver=none", Pod.tiny, "echo", "shown")
            #expect(none.text == "shown", "\(none)")
            #expect(pod("logs", "none").code == 125)
            let unknown = pod("run", "--rm", "--log-driver=fax", Pod.tiny, "true")
            #expect(unknown.code == 125)
            expectOneLine(unknown, "fax")
            #expect(pod.inspect(own, "{{.HostConfig.LogConfig.Type}}") == "k8s-file")
            let through = pod("run", "--rm", "--network=none", "--log-driver=passthrough", Pod.tiny, "echo", "through")
            #expect(through.text == "through", "\(through)")
        }
    }

    /// A long line, many lines, and bytes that are no text come back as they were.
    @Test(arguments: Account.all) func bytes(_ account: Account) throws {
        try Pod.with(account) { pod in
            let id = try pod.background(
                [], "head -c 100000 /dev/zero | tr '\\0' x; echo; seq 1 20000; printf 'a\\000b\\033[1m\\n'")
            #expect(pod("wait", id).text == "0")
            let logs = pod("logs", id)
            let lines = logs.lines
            #expect(lines.count == 20002)
            #expect(lines.first?.count == 100_000)
            #expect(lines.dropFirst().first == "1" && lines.dropLast().last == "20000")
            #expect(lines.last == "a\0b\u{1b}[1m")
        }
    }
}
