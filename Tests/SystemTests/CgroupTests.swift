import Foundation
import Testing

/// What of cgroup v2 is live on machines that mount v1's controllers, too. `Tests/VM` has the limits themselves.
@Suite(.needs(.swiftpod), .serialized) struct CgroupTests {
    static let mount =
        FileManager.default.fileExists(atPath: "/sys/fs/cgroup/cgroup.controllers")
        ? "/sys/fs/cgroup" : "/sys/fs/cgroup/unified"
    static let controllers = (try? String(contentsOfFile: mount + "/cgroup.controllers", encoding: .utf8)) ?? ""
    static let isUnified = !controllers.isEmpty

    private func directory(_ pod: Pod, _ name: String) throws -> String {
        let text = try String(contentsOfFile: "/proc/\(pod.hostPID(name))/cgroup", encoding: .utf8)
        let path = try #require(text.split(separator: "\n").first { $0.hasPrefix("0::") }).dropFirst(3)
        return Self.mount + path
    }

    private func time(_ directory: String) throws -> Int {
        let text = try String(contentsOfFile: directory + "/cpu.stat", encoding: .utf8)
        return try #require(text.split(separator: "\n").first.flatMap { Int($0.dropFirst("usage_usec ".count)) })
    }

    @Test(.enabled(if: isUnified, "no cgroup v2 on this machine")) func pauses() throws {
        try Pod.with(.root) { pod in
            let id = try pod.background(["--name=busy"], "while :; do :; done")
            let directory = try directory(pod, id)
            #expect(pod("pause", "busy").text == "busy")
            #expect(
                pod.inspect("busy", "{{.State.Status}} {{.State.Paused}} {{.State.Running}}") == "paused true false")
            let before = try time(directory)
            usleep(300_000)
            #expect(try time(directory) == before, "it runs on")
            #expect(pod("exec", "busy", "true").code == 125)
            #expect(pod("pause", "busy").code == 125)
            #expect(pod("unpause", "busy").ok)
            #expect(eventually { ((try? time(directory)) ?? 0) > before })
            #expect(pod("unpause", "busy").code == 125)
            #expect(pod("pause", "busy").ok && pod("rm", "-f", "-t", "0", "busy").ok, "a paused one can be removed")
            #expect(!FileManager.default.fileExists(atPath: directory))
        }
    }

    @Test(.enabled(if: isUnified, "no cgroup v2 on this machine")) func nothingOutlivesIt() throws {
        try Pod.with(.root) { pod in
            for words in [["kill", "forks"], ["stop", "-t", "0", "forks"], ["rm", "-f", "-t", "0", "forks"]] {
                _ = try pod.background(
                    ["--name=forks", "--pid=host"], "(setsid sleep 1000 & setsid sleep 1000 &); sleep 1000")
                let directory = try directory(pod, "forks")
                func processes() -> Int {
                    let text = try? String(contentsOfFile: directory + "/cgroup.procs", encoding: .utf8)
                    return text?.split(separator: "\n").count ?? 0
                }
                #expect(eventually { processes() == 3 || processes() == 4 })
                #expect(pod(words).ok)
                #expect(eventually { !FileManager.default.fileExists(atPath: directory) }, "\(words)")
                pod("rm", "-f", "-i", "forks")
            }
        }
    }

    @Test(.enabled(if: isUnified, "no cgroup v2 on this machine")) func killedSupervisorsLeaveNoCgroup() throws {
        try Pod.with(.root) { pod in
            _ = try pod.background(["--name=lost"], "sleep 1000")
            let directory = try directory(pod, "lost")
            let supervisor = try #require(pid_t(pod.inspect("lost", "{{.State.ConmonPid}}")))
            kill(supervisor, SIGKILL)
            #expect(eventually { pod.inspect("lost", "{{.State.Status}}") == "exited" })
            #expect(!FileManager.default.fileExists(atPath: directory))
        }
    }

    @Test(.enabled(if: !controllers.contains("memory"), "memory can be limited here"), arguments: Account.all)
    func limitsThatCannotHold(_ account: Account) throws {
        try Pod.with(account) { pod in
            let words = ["run", "--rm", "--network=none", "--memory=64m", Pod.tiny, "true"]
            let limited = pod(words)
            if account == .root {
                #expect(limited.code == 125)
                expectOneLine(limited, "cannot limit memory: .*(v1|not delegated).*")
            } else {
                // podman's rule for plain users of v1.
                #expect(limited.ok && limited.err.contains("ignored on cgroups V1 rootless systems"), "\(limited)")
            }
            #expect(pod("run", "--rm", "--network=none", Pod.tiny, "true").err.isEmpty)
            #expect(pod("ps", "-aq").out.isEmpty)
        }
    }

    @Test(arguments: Account.all) func eventsAndTop(_ account: Account) throws {
        try Pod.with(account) { pod in
            _ = try pod.background(["--name=seen", "--label=a=b"], "sleep 1000 & sleep 1000")
            let top = pod("top", "seen", "pid", "args")
            #expect(eventually { pod("top", "seen", "pid,ppid,args").lines.count == 3 }, "\(top)")
            #expect(pod("rm", "-f", "-t", "0", "seen").ok)
            let events = pod("events", "--stream=false", "--filter=container=seen", "--format={{.Status}}")
            #expect(events.lines == ["create", "start", "died", "stop", "remove"], "\(events)")
            let json = pod("events", "--stream=false", "--filter=event=died", "--format=json")
            #expect(json.text.contains(#""Attributes":{"a":"b"}"#) && json.text.contains(#""ContainerExitCode":137"#))
            #expect(pod("events", "--stream=false", "--filter=container=other").out.isEmpty)
        }
    }
}
