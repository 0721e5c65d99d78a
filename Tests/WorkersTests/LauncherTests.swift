import Foundation
import SwiftPod
import Testing

@Suite(.serialized) struct LauncherTests {
    let env = ContainerRuntimeEnv(image: World.image)

    private func shell(_ options: (inout WorkerOptions) -> Void = { _ in }) -> WorkerOptions {
        var shell = WorkerOptions()
        shell.entrypoint = ["/bin/sh", "-c"]
        options(&shell)
        return shell
    }

    private let piped = WorkerStreams(input: .null, output: .pipe, error: .pipe)

    @Test func preparesAndRemembersTheWorkerPath() async throws {
        try await World.with { launcher, world in
            let first = try await launcher.prepare(env)
            #expect(first.workerPath == "/ray/_private/workers/default_worker.py")
            #expect(first.rayVersion == "2.60.0")
            #expect(first.pythonVersion == "3.11.2")
            #expect(first.userID == getuid())
            #expect(first.imageID.hasPrefix("sha256:"))
            let memory = world.directory + "/data/cache/workers"
            #expect(try FileManager.default.contentsOfDirectory(atPath: memory).count == 1)
            // Not asked again: what is remembered is believed.
            let file = memory + "/" + (try FileManager.default.contentsOfDirectory(atPath: memory)[0])
            try Data("{\"python\": \"9.9.9\", \"uid\": 1}".utf8).write(to: URL(fileURLWithPath: file))
            #expect(try await launcher.prepare(env).pythonVersion == "9.9.9")
            #expect(try await launcher.prepare(env, refresh: true).pythonVersion == "3.11.2")
            var given = env
            given.workerPath = "/my.py"
            #expect(try await launcher.prepare(given).workerPath == "/my.py")
        }
    }

    @Test func aWorkerIsItsOwnProcess() async throws {
        try await World.with { launcher, _ in
            var events = launcher.events().makeAsyncIterator()
            let worker = try await launcher.launch(
                env, arguments: ["echo $$ $(id -u) $A; cat /proc/self/stat; exit 3"],
                environment: ["A": "x y$z\"'"], options: shell(), streams: piped)
            let said = World.text(worker.standardOutput).split(separator: "\n", omittingEmptySubsequences: false)
            #expect(said.first == "\(worker.processID) \(getuid()) x y$z\"'")
            // Group and session of `cat`: the worker's.
            let fields = said[1].split(separator: ")").last?.split(separator: " ") ?? []
            #expect(fields[2] == "\(worker.processID)")
            #expect(fields[3] == "\(worker.processID)")
            #expect(World.text(worker.standardError) == "")
            #expect(try await worker.wait() == .exited(3))
            #expect(worker.end == .exited(3))
            #expect(try await worker.wait() == .exited(3))
            #expect(await events.next()?.kind == .started)
            let ended = await events.next()
            #expect(ended?.kind == .ended(.exited(3)))
            #expect(ended?.processID == worker.processID)
            #expect(launcher.workers.isEmpty)
        }
    }

    @Test func signalsAndTermination() async throws {
        try await World.with { launcher, _ in
            let loop = ["trap 'exit 9' USR1; echo up; while :; do sleep 0.05; done"]
            let one = try await launcher.launch(env, arguments: loop, options: shell(), streams: piped)
            var byte: UInt8 = 0
            _ = read(one.standardOutput!, &byte, 1)
            #expect(launcher.workers.map(\.processID) == [one.processID])
            try await one.signal(SIGUSR1)
            #expect(try await one.wait() == .exited(9))
            try await one.signal(SIGUSR1)

            let stubborn = ["trap '' TERM; echo up; while :; do sleep 0.05; done"]
            let two = try await launcher.launch(env, arguments: stubborn, options: shell(), streams: piped)
            _ = read(two.standardOutput!, &byte, 1)
            #expect(try await two.terminate(grace: .milliseconds(200)) == .signaled(SIGKILL))

            let three = try await launcher.launch(env, arguments: ["exec sleep 1000"], options: shell())
            #expect(try await three.terminate() == .signaled(SIGTERM))
        }
    }

    @Test func theWholeGroupGoesWithItsWorker() async throws {
        try await World.with { launcher, _ in
            let worker = try await launcher.launch(
                env, arguments: ["sleep 1000 & echo $!; exit 0"], options: shell(),
                streams: WorkerStreams(output: .pipe))
            var bytes = [UInt8](repeating: 0, count: 32)
            let got = read(worker.standardOutput!, &bytes, 32)
            let child = try #require(Int32(String(decoding: bytes.prefix(got - 1), as: UTF8.self)))
            #expect(try await worker.wait() == .exited(0))
            #expect(eventually { kill(child, 0) != 0 })
        }
    }

    @Test func waitingCanBeCancelled() async throws {
        try await World.with { launcher, _ in
            let worker = try await launcher.launch(env, arguments: ["exec sleep 1000"], options: shell())
            let waiter = Task { try await worker.wait() }
            try await Task.sleep(for: .milliseconds(50))
            waiter.cancel()
            let result = await waiter.result
            #expect(throws: WorkerError.self) { try result.get() }
            _ = try await worker.terminate()
        }
    }

    @Test func mountsFilesAndDescriptors() async throws {
        try await World.with { launcher, world in
            let shared = world.directory + "/sha red,\"1\":2"
            try FileManager.default.createDirectory(atPath: shared, withIntermediateDirectories: true)
            try Data("in".utf8).write(to: URL(fileURLWithPath: shared + "/in"))
            let options = shell {
                $0.mounts = [.init(shared, at: "/m,\"x"), .init(shared, at: "/r", readOnly: true)]
                $0.workingDirectory = "/m,\"x"
            }
            let log = world.directory + "/log"
            let script = "cat in; cat; echo made > out; echo no > /r/no; cat /r/out"
            for _ in 0..<2 {
                let worker = try await launcher.launch(
                    env, arguments: [script], options: options,
                    streams: WorkerStreams(input: .pipe, output: .file(log), error: .null))
                let input = try #require(worker.takePipe(0))
                #expect(worker.standardInput == nil)
                _ = "typed\n".withCString { write(input, $0, 6) }
                close(input)
                #expect(try await worker.wait() == .exited(0))
            }
            let text = try String(contentsOfFile: log, encoding: .utf8)
            #expect(text == "intyped\nmade\nintyped\nmade\n")
            #expect(!FileManager.default.fileExists(atPath: shared + "/no"))
        }
    }

    @Test func runOptionsAreTheCommandLines() async throws {
        try await World.with { launcher, _ in
            let options = ContainerRuntimeEnv(
                image: World.image, runOptions: ["-e A=1", "--env 'B=x y'", "--hostname=inside", "-w /tmp"])
            let worker = try await launcher.launch(
                options, arguments: ["echo $A $B; pwd; cat /proc/sys/kernel/hostname"], environment: ["A": "2"],
                options: shell(), streams: piped)
            #expect(World.text(worker.standardOutput) == "2 x y\n/tmp\ninside\n")
            _ = try await worker.wait()
        }
    }

    /// Nobody at localhost has images: `newer` is content with what is here, `always` is not.
    @Test func thePullPolicyIsTheCommandLines() async throws {
        try await World.with { launcher, _ in
            func env(_ policy: String) -> ContainerRuntimeEnv {
                ContainerRuntimeEnv(image: World.image, runOptions: ["--pull=\(policy)", "--retry=0"])
            }
            let worker = try await launcher.launch(env("newer"), arguments: ["exit 4"], options: shell())
            #expect(try await worker.wait() == .exited(4))
            await #expect(throws: WorkerError.self) {
                try await launcher.launch(env("always"), arguments: ["exit 4"], options: shell())
            }
        }
    }

    @Test func mistakesAreTyped() async throws {
        try await World.with { launcher, _ in
            func code(_ env: ContainerRuntimeEnv, _ options: WorkerOptions = WorkerOptions()) async -> WorkerError.Code?
            {
                do {
                    _ = try await launcher.launch(env, options: options)
                    return nil
                } catch { return error.code }
            }
            #expect(await code(ContainerRuntimeEnv(image: "localhost/none", runOptions: ["--pull=never"])) == .notFound)
            #expect(await code(ContainerRuntimeEnv(image: World.image, runOptions: ["--bogus"])) == .invalid)
            #expect(await code(ContainerRuntimeEnv(image: World.image, runOptions: ["$HOME"])) == .invalid)
            var missing = WorkerOptions()
            missing.entrypoint = ["nothing-of-that-name"]
            #expect(await code(env, missing) == .commandNotFound)
            missing.entrypoint = ["/etc"]
            #expect(await code(env, missing) == .cannotInvoke)
            missing = WorkerOptions()
            missing.mounts = [.init("relative")]
            #expect(await code(env, missing) == .invalid)
            missing.mounts = [.init("/no/such/place")]
            #expect(await code(env, missing) != nil)
        }
    }

    @Test func manyAtOnce() async throws {
        try await World.with { launcher, world in
            let ends = try await withThrowingTaskGroup(of: (Int, WorkerEnd).self) { group in
                for number in 0..<20 {
                    group.addTask {
                        let worker = try await launcher.launch(
                            env, arguments: ["exit \(number)"], options: shell(), streams: .init(output: .null))
                        return (number, try await worker.wait())
                    }
                }
                return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
            #expect(ends.count == 20)
            for (number, end) in ends { #expect(end == .exited(Int32(number))) }
            #expect(eventually { world.containers.isEmpty }, "left: \(world.containers)")
        }
    }

    /// A made-up cgroup stands for one with a limit, which takes v2's controllers.
    @Test(arguments: [(0, WorkerEnd.signaled(SIGKILL)), (1, .outOfMemory)])
    func anOOMKillIsToldFromAnother(_ kills: Int, _ end: WorkerEnd) async throws {
        try await World.with { launcher, world in
            let group = world.directory + "/group"
            try FileManager.default.createDirectory(atPath: group, withIntermediateDirectories: true)
            try Data("oom 1\noom_kill \(kills)\n".utf8).write(to: URL(fileURLWithPath: group + "/memory.events"))
            let worker = try await launcher.launch(env, arguments: ["exec sleep 1000"], options: shell())
            let state = world.directory + "/data/containers/\(worker.containerID)/state.json"
            let text = try String(contentsOfFile: state, encoding: .utf8)
            try Data("{\"cgroup\": \"\(group)\", \(text.dropFirst())".utf8).write(to: URL(fileURLWithPath: state))
            try await worker.signal(SIGKILL)
            #expect(try await worker.wait() == end)
            #expect(end.code == 137)
            // Unless the clean-up has been there: it is the cgroup of a container that has ended.
            try? FileManager.default.removeItem(atPath: group)
        }
    }

    @Test func nothingOutlivesTheLauncher() async throws {
        try await World.with { launcher, _ in
            let worker = try await launcher.launch(env, arguments: ["exec sleep 1000"], options: shell())
            let waiter = Task { try await worker.wait() }
            kill(launcher.processID, SIGKILL)
            #expect(eventually { kill(worker.processID, 0) != 0 })
            let result = await waiter.result
            #expect(throws: WorkerError.self) { try result.get() }
            await #expect(throws: WorkerError.self) { try await launcher.prepare(env) }
            // The next command finds what the killed ones have left.
            let next = try WorkerLauncher(launcher.settings)
            _ = try await next.prepare(env)
            next.close()
        }
    }
}
