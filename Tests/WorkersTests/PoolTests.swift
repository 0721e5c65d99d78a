import Foundation
import SwiftPod
import Testing

@Suite(.serialized) struct PoolTests {
    let env = ContainerRuntimeEnv(image: World.image, runOptions: ["-e A=image", "-e B=image"])

    private var shell: WorkerOptions {
        var shell = WorkerOptions()
        shell.entrypoint = ["/bin/sh", "-c"]
        return shell
    }

    @Test func sandboxesRunWhatTheyAreTold() async throws {
        try await World.with { launcher, world in
            let pool = try await launcher.pool(for: env, size: 2, options: shell)
            #expect(pool.size == 2)
            var pids: Set<Int32> = []
            // More than wait: the others are made while they are waited for.
            for number in 0..<6 {
                let worker = try await pool.acquire(
                    arguments: ["echo $A $B $$ $(id -u); cat /proc/self/stat; exit \(number)"],
                    environment: ["A": "mine"], streams: WorkerStreams(output: .pipe))
                let lines = World.text(worker.standardOutput).split(separator: "\n")
                #expect(lines.first == "mine image \(worker.processID) \(getuid())")
                let fields = lines[1].split(separator: ")").last?.split(separator: " ") ?? []
                #expect(fields[3] == "\(worker.processID)")
                #expect(try await worker.wait() == .exited(Int32(number)))
                pids.insert(worker.processID)
            }
            #expect(pids.count == 6)
            try await pool.close()
            await #expect(throws: WorkerError.self) { try await pool.acquire(arguments: ["true"]) }
            #expect(eventually { world.containers.isEmpty }, "left: \(world.containers)")
        }
    }

    /// What is told may be more than a socket holds, and every stream may be the caller's.
    @Test func whatIsToldArrivesWhole() async throws {
        try await World.with { launcher, _ in
            let pool = try await launcher.pool(for: env, size: 1, options: shell)
            let variables = Dictionary(
                uniqueKeysWithValues: (0..<100).map { ("V\($0)", String(repeating: "\($0 % 10)", count: 10_000)) })
            let worker = try await pool.acquire(
                arguments: [
                    "cat; echo end >&2; env | wc -c; echo \"[$1|$2]\"; echo $V99 | tail -c 3", "sh", "", "two words",
                ],
                environment: variables, streams: WorkerStreams(input: .pipe, output: .pipe, error: .pipe))
            let input = try #require(worker.takePipe(0))
            #expect(write(input, "in", 2) == 2)
            close(input)
            let lines = World.text(worker.standardOutput).split(separator: "\n")
            #expect(lines.first.map { Int($0.drop { !$0.isNumber }) ?? 0 > 1_000_000 } == true, "\(lines)")
            #expect(lines.dropFirst() == ["[|two words]", "99"])
            #expect(World.text(worker.standardError) == "end\n")
            #expect(try await worker.wait() == .exited(0))
        }
    }

    @Test func manyAskAtOnce() async throws {
        try await World.with { launcher, _ in
            let pool = try await launcher.pool(for: env, size: 3, options: shell)
            let ends = try await withThrowingTaskGroup(of: WorkerEnd.self) { group in
                for number in 0..<12 {
                    group.addTask {
                        try await pool.acquire(arguments: ["exit \(number)"], streams: .init(output: .null)).wait()
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(ends.map(\.code)) == Set(0..<12))
        }
    }

    @Test func aPoolThatCannotBeSaysWhy() async throws {
        try await World.with { launcher, _ in
            let error = await #expect(throws: WorkerError.self) {
                try await launcher.pool(
                    for: ContainerRuntimeEnv(image: "localhost/none", runOptions: ["--pull=never"]), size: 1)
            }
            #expect(error?.code == .notFound)
            await #expect(throws: WorkerError.self) { try await launcher.pool(for: env, size: 0) }
            // A command that is not there is the acquisition's mistake, not the pool's.
            let pool = try await launcher.pool(for: env, size: 1, options: shell)
            var none = WorkerOptions()
            none.entrypoint = ["no-such-program"]
            let other = try await launcher.pool(for: env, size: 1, options: none)
            let missing = await #expect(throws: WorkerError.self) { try await other.acquire() }
            #expect(missing?.code == .commandNotFound)
            #expect(missing?.message.contains("execute no-such-program") == true)
            #expect(missing?.message.contains("not in PATH (/") == true)
            let tooLong = await #expect(throws: WorkerError.self) {
                try await pool.acquire(arguments: [String(repeating: "x", count: 200_000)])
            }
            #expect(tooLong?.message.contains("argument list too long") == true, "\(String(describing: tooLong))")
            // What is no command at all costs no sandbox.
            let broken = await #expect(throws: WorkerError.self) { try await pool.acquire(arguments: ["a\0b"]) }
            #expect(broken?.code == .invalid)
            #expect(try await pool.acquire(arguments: ["exit 5"]).wait() == .exited(5))
        }
    }

    /// What the issue asks for; a debug build on a busy machine gets some room.
    @Test func acquireTakesAboutAnExec() async throws {
        try await World.with { launcher, _ in
            let pool = try await launcher.pool(for: env, size: 8, options: shell)
            var times: [Duration] = []
            for _ in 0..<8 {
                let clock = ContinuousClock()
                let start = clock.now
                let worker = try await pool.acquire(arguments: ["exit 0"], streams: .init(output: .null))
                times.append(clock.now - start)
                _ = try await worker.wait()
                try await Task.sleep(for: .milliseconds(100))
            }
            let median = times.sorted()[times.count / 2]
            print("acquire: \(median)")
            #expect(median < .milliseconds(200))
        }
    }

    /// A program's size must not matter: a fork of a gigabyte takes tens of milliseconds.
    @Test func launchDoesNotDependOnTheProgramsSize() async throws {
        try await World.with { launcher, _ in
            func median() async throws -> Duration {
                var times: [Duration] = []
                for _ in 0..<9 {
                    let clock = ContinuousClock()
                    let start = clock.now
                    let worker = try await launcher.launch(
                        env, arguments: ["exit 0"], options: shell, streams: .init(output: .null))
                    times.append(clock.now - start)
                    _ = try await worker.wait()
                }
                return times.sorted()[4]
            }
            let small = try await median()
            let size = 1 << 30
            let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 4096)
            defer { memory.deallocate() }
            for page in stride(from: 0, to: size, by: 4096) {
                memory.storeBytes(of: UInt8(1), toByteOffset: page, as: UInt8.self)
            }
            let large = try await median()
            print("launch: \(small) small, \(large) large")
            // Far more than noise, far less than a fork of a gigabyte and the faults after it.
            #expect(large < small * 2 + .milliseconds(10))
        }
    }
}
