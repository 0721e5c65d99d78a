import CStopwatch
import Glibc
import LinuxKernel
import SwiftPod

/// A process that has the library's launcher and is asked for one start after the other: what a start costs a program
/// that runs already.
///
/// Forked from the benchmark, which has no second thread; Swift's threads begin in the fork.
final class LibraryClient {
    enum Start {
        /// ``WorkerLauncher/launch(_:arguments:environment:options:streams:)`` to the worker's end.
        case launch
        /// ``WorkerPool/acquire(arguments:environment:streams:)``, which returns when the command is executed.
        case acquire
    }

    private let start: Start
    /// Bytes that the program has in memory besides.
    private let ballast: Int
    private let program: String
    private var process: (pid: Int32, socket: Int32)?

    init(_ start: Start, ballast: Int = 0, program: String) {
        self.start = start
        self.ballast = ballast
        self.program = program
    }

    /// One start. The process is made by the first.
    func lap() throws -> Lap {
        let socket = try process?.socket ?? begin()
        var lap = Lap()
        try writeAll(socket, [0])
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while read(socket, &byte, 1) == 1, byte != 0x0a { line.append(byte) }
        let words = String(decoding: line, as: UTF8.self).split(separator: " ")
        if words.count == 2, let start = UInt64(words[0]), let end = UInt64(words[1]) {
            lap.start = start
            lap.end = end
        } else {
            lap.failure = line.isEmpty ? "the library's process is gone" : words.joined(separator: " ")
        }
        return lap
    }

    /// Ends the process, its launcher, and what waits in its pool.
    func end() {
        guard let process else { return }
        // A client that was forked later has a copy of the socket: closing it would tell nobody.
        shutdown(process.socket, Int32(SHUT_RDWR))
        close(process.socket)
        while waitpid(process.pid, nil, 0) < 0, errno == EINTR {}
        self.process = nil
    }

    private func begin() throws -> Int32 {
        let (ours, theirs) = try OwnedDescriptor.socketPair().release()
        let pid = stopwatch_fork()
        if pid == 0 {
            close(ours)
            Served(start: start, ballast: ballast, program: program, socket: theirs).run()
        }
        close(theirs)
        guard pid > 0 else {
            close(ours)
            throw SyscallError("fork")
        }
        process = (pid, ours)
        return ours
    }
}

/// The process's side. It ends when the benchmark does.
private struct Served: Sendable {
    let start: LibraryClient.Start
    let ballast: Int
    let program: String
    let socket: Int32

    func run() -> Never {
        if ballast > 0 {
            let memory = mmap(nil, ballast, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0)
            if memory == MAP_FAILED { reply("mmap: \(SyscallError.reason(errno))") }
        }
        // A main that suspended would leave by pthread_exit.
        Task.detached {
            do {
                try await serve()
            } catch {
                reply("\(error)")
            }
            _exit(0)
        }
        while true { pause() }
    }

    private func serve() async throws {
        var settings = WorkerLauncher.Settings()
        settings.binary = program
        let launcher = try WorkerLauncher(settings)
        let env = ContainerRuntimeEnv(image: Fixtures.image)
        var options = WorkerOptions()
        options.entrypoint = ["/bin/true"]
        let streams = WorkerStreams(input: .null, output: .null, error: .null)
        let pool = start == .acquire ? try await launcher.pool(for: env, size: 2, options: options) : nil
        var byte: UInt8 = 0
        // Nobody waits for anything in here meanwhile: this thread may.
        while read(socket, &byte, 1) == 1 {
            let worker: Worker
            let end: UInt64
            let begin = Served.now()
            if let pool {
                worker = try await pool.acquire(streams: streams)
                end = Served.now()
                _ = try await worker.wait()
            } else {
                worker = try await launcher.launch(env, options: options, streams: streams)
                _ = try await worker.wait()
                end = Served.now()
            }
            // What is done afterwards, a new sandbox and the worker's files, is not to fall into another row's time.
            try await Task.sleep(for: .milliseconds(50))
            reply("\(begin) \(end)")
        }
        let events = launcher.events()
        launcher.close()
        // They end when the launcher has.
        for await _ in events {}
    }

    private func reply(_ line: String) { _ = try? writeAll(socket, Array((line + "\n").utf8)) }

    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
