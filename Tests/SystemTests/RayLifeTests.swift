import Foundation
import RayCommandLines
import Testing

/// How workers end, and what is left of them: nothing.
@Suite(.needs(.swiftpod), .serialized) struct RayLifeTests {
    /// A worker that has come to its own code.
    private func started(_ pod: Pod, fake: String, more: [String] = []) throws -> RunningCommand {
        let running = try pod.ray(Ray.current, fake: fake, more: more).start()
        guard running.waits(for: "end=here") else { throw Failure("worker: \(running.finish(seconds: 1))") }
        return running
    }

    /// What stands in a directory of the store.
    private func names(_ pod: Pod, _ directory: String) -> [String] {
        KillTests.names(pod.store + "/" + directory).filter { $0 != "." && $0 != ".." }
    }

    @Test func endsAreItsOwn() throws {
        try Pod.with(.unprivileged, "ray") { pod in
            pod.prepareRay()
            for (fake, code, signal): (String, Int32, Int32) in [
                ("exit 0", 0, 0), ("exit 13", 13, 0), ("exit 126", 126, 0), ("kill -ABRT $$", 134, 6),
                ("kill -KILL $$", 137, 9), ("kill -SEGV $$", 139, 11),
            ] {
                let ended = try pod.ray(Ray.current, fake: fake).start().finish()
                #expect(ended.code == code && ended.signal == signal, "\(fake): \(ended)")
            }
            // As the raylet ends them: the group, the process, and not to be refused.
            for (group, signal) in [(true, SIGTERM), (false, SIGTERM), (false, SIGKILL), (true, SIGINT)] {
                let running = try started(pod, fake: "exec sleep 1000")
                kill(group ? -running.pid : running.pid, signal)
                let ended = running.finish(seconds: 5)
                #expect(ended.signal == signal, "\(ended)")
                #expect(kill(running.pid, 0) == -1 && errno == ESRCH)
            }
            let stubborn = try started(pod, fake: "trap 'exit 3' TERM; while :; do sleep 0.05; done")
            kill(stubborn.pid, SIGTERM)
            #expect(stubborn.finish(seconds: 10).code == 3)
            #expect(pod.containers == [])
        }
    }

    /// A worker ends with the raylet that it is told of, and with no other parent.
    @Test func goesWithTheRaylet() throws {
        try Pod.with(.unprivileged, "ray") { pod in
            pod.prepareRay()
            for isRaylet in [true, false] {
                let worker = pod.rayCommand(
                    ["run"] + Ray.workers[2].options + ["--env", "FAKE=exec sleep 1000"]
                        + Ray.tail("localhost/ray:latest"),
                    raylet: isRaylet ? "@" : "1")
                // The words that hold the parent's pid, which is the shell's own.
                let words = worker.words.map { $0 == "RAY_RAYLET_PID=@" ? "RAY_RAYLET_PID=$$" : "'\($0)'" }
                var raylet = worker
                raylet.words = ["/bin/sh", "-c", words.joined(separator: " ") + " & wait; exit 0"]
                let running = try raylet.start()
                #expect(running.waits(for: "end=here"), "\(running.errSoFar)")
                let pid = Int32(Facts(running.outSoFar)["pid"]) ?? 0
                #expect(pid > 1 && pid != running.pid)
                kill(running.pid, SIGKILL)
                let gone = eventually(seconds: isRaylet ? 3 : 1) { kill(pid, 0) == -1 && errno == ESRCH }
                #expect(gone == isRaylet)
                kill(pid, SIGKILL)
                _ = running.finish(seconds: 5)
                // Its files close before it has ended.
                #expect(eventually(seconds: 3) { kill(pid, 0) == -1 })
            }
            #expect(pod.containers == [])
        }
    }

    /// While it runs it is a container like any other.
    @Test func isSeenWhileItRuns() throws {
        try Pod.with(.unprivileged, "ray") { pod in
            pod.prepareRay()
            let running = try started(pod, fake: "exec sleep 1000", more: ["--label=kind=worker"])
            #expect(pod("ps", "--format", "{{.Image}} {{.Labels}}").text.contains("ray:latest"))
            let id = pod("ps", "-q", "--filter", "label=kind=worker").text
            #expect(pod.hostPID(id) == running.pid)
            #expect(pod.inspect(id, "{{.State.Status}} {{.HostConfig.AutoRemove}}") == "running true")
            let inside = pod("exec", id, "sh", "-c", "echo $APP_COLOUR $RAY_JOB_ID; id -u; hostname")
            #expect(inside.lines.first == "blue 01000000" && inside.lines[1] == "\(pod.account.uid)", "\(inside)")
            #expect(pod("stop", "-t", "5", id).ok)
            #expect(running.finish(seconds: 5).signal == SIGTERM)
            #expect(pod.containers == [])

            let second = try started(pod, fake: "exec sleep 1000", more: ["--name=mine", "--rm"])
            #expect(pod.inspect("mine", "{{.State.Pid}}") == "\(second.pid)")
            #expect(pod("kill", "mine").ok)
            #expect(second.finish(seconds: 5).signal == SIGKILL)
            // The name is free at once.
            let third = try pod.ray(Ray.current, more: ["--name=mine", "--rm"]).start().finish()
            #expect(third.ok, "\(third)")
            let fourth = try started(pod, fake: "exec sleep 1000", more: ["--name=mine", "--rm"])
            #expect(pod("rm", "-f", "-t", "0", "mine").ok)
            #expect(fourth.finish(seconds: 5).signal == SIGKILL)
        }
    }

    /// Two hundred workers, started and killed in every way: what runs is what there is, and no command was needed.
    @Test func nothingPilesUp() throws {
        try Pod.with(.unprivileged, "ray") { pod in
            pod.prepareRay()
            let from = now()
            #expect(try pod.ray(Ray.current).start().finish().ok)
            let whole = now() - from
            for _ in 0..<50 {
                let wave = try (0..<4).map { _ in
                    try pod.ray(Ray.current, fake: Bool.random() ? "exit 1" : "exec sleep 1000").start()
                }
                for running in wave {
                    usleep(UInt32(Double.random(in: 0...whole) * 500_000))
                    kill(Bool.random() ? running.pid : -running.pid, [SIGKILL, SIGTERM, SIGINT].randomElement()!)
                }
                for running in wave {
                    // What ignored the signal in its first moments.
                    kill(running.pid, SIGKILL)
                    _ = running.finish(seconds: 10)
                }
            }
            // Those that are started alone clean up, aside: what runs is left, and what the last one has left itself.
            let last = try started(pod, fake: "exec sleep 1000")
            let settled = eventually(seconds: 20) {
                if names(pod, "containers").count <= 2, names(pod, "active").count <= 2 { return true }
                _ = try? pod.ray(Ray.current).start().finish()
                return false
            }
            #expect(settled, "\(names(pod, "containers")) \(names(pod, "active"))")
            #expect(eventually(seconds: 5) { names(pod, "names").count <= 2 }, "\(names(pod, "names"))")
            #expect(pod.containers.count == 1)
            for directory in ["containers", "active", "names"] { #expect(names(pod, directory).count == 1) }
            kill(last.pid, SIGKILL)
            _ = last.finish(seconds: 5)
            #expect(pod.containers == [])
            for directory in ["containers", "active", "names"] { #expect(names(pod, directory) == [], "\(directory)") }
        }
    }

    /// What dead workers have left does not keep the keeper.
    @Test func theKeeperLeaves() throws {
        try Pod.with(.unprivileged, "ray") { pod in
            pod.prepareRay()
            for pid in KeeperTests.keepers(pod) { kill(pid, SIGKILL) }
            pod.environment["SWIFTPOD_KEEPER_IDLE"] = "2"
            let running = try started(pod, fake: "exec sleep 1000")
            sleep(4)
            #expect(KeeperTests.keepers(pod).count == 1, "a worker runs")
            kill(running.pid, SIGKILL)
            _ = running.finish(seconds: 5)
            #expect(names(pod, "active").count == 1)
            #expect(eventually(seconds: 20) { KeeperTests.keepers(pod).isEmpty })
            #expect(pod.containers == [])
        }
    }

    /// Many at once, of which each is cleaned up though others live.
    @Test func severalAtOnce() throws {
        try Pod.with(.unprivileged, "ray") { pod in
            pod.prepareRay()
            let all = try (0..<8).map { _ in try pod.ray(Ray.current, fake: "exec sleep 1000").start() }
            for running in all { #expect(running.waits(for: "end=here"), "\(running.errSoFar)") }
            #expect(Set(pod.containers).count == 8)
            for running in all.prefix(7) {
                kill(running.pid, SIGKILL)
                _ = running.finish(seconds: 5)
            }
            #expect(pod.containers.count == 1)
            kill(all[7].pid, SIGKILL)
            _ = all[7].finish(seconds: 5)
        }
    }
}
