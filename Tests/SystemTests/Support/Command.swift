import Foundation

/// Between making a descriptor and marking it close-on-exec no other thread may start a program.
private let starting = NSLock()

/// What a finished command left behind.
struct Output: CustomStringConvertible, Sendable {
    /// As a shell counts: the exit code, or 128 + the signal.
    var code: Int32 = -1
    /// The signal that ended the command itself, 0 where it exited.
    var signal: Int32 = 0
    var out = ""
    var err = ""
    /// It ran past its limit and was killed.
    var timedOut = false
    /// Somebody still held stdout or stderr seconds after the command had gone.
    var heldOpen = false
    var words: [String] = []

    /// stdout without its last newline.
    var text: String { out.hasSuffix("\n") ? String(out.dropLast()) : out }
    var lines: [String] { out.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init) }
    var errorLines: [String] { err.split(separator: "\n").map(String.init) }
    var ok: Bool { code == 0 && !timedOut && !heldOpen }

    var description: String {
        let end = timedOut ? "timed out" : heldOpen ? "exit \(code), output held open" : "exit \(code)"
        return "`\(words.joined(separator: " "))`: \(end)\n-- stdout\n\(out)\n-- stderr\n\(err)"
    }
}

/// A command with everything that it is given: nothing is inherited but what stands here.
struct Command: Sendable {
    var words: [String]
    var environment: [String: String] = [:]
    var directory: String?
    var input: Input = .null
    var seconds: Double = 60
    /// Descriptors of this process that the command gets under the same numbers as the keys.
    var descriptors: [Int32: Int32] = [:]

    enum Input: Sendable {
        case null
        case text(String)
        /// A pipe that stays open; see `RunningCommand.type`.
        case pipe
        /// Any descriptor of this process.
        case descriptor(Int32)
        /// The slave side of a terminal, by path: it becomes the controlling terminal, stdout and stderr too.
        case terminal(String)
    }

    /// Runs it to its end.
    func run() -> Output {
        do {
            return try start().finish(seconds: seconds)
        } catch {
            return Output(code: -1, err: "\(error)", words: words)
        }
    }

    func start() throws -> RunningCommand {
        var out: [Int32] = [-1, -1]
        var err: [Int32] = [-1, -1]
        var feed: [Int32] = [-1, -1]
        starting.lock()
        defer { starting.unlock() }
        guard pipe(&out) == 0, pipe(&err) == 0, pipe(&feed) == 0 else {
            throw Failure("pipe: \(String(cString: strerror(errno)))")
        }
        for d in out + err + feed { _ = fcntl(d, F_SETFD, FD_CLOEXEC) }
        // Above every number that a descriptor may be placed at, so that placing one cannot bury another.
        func high(_ descriptor: inout Int32) {
            let moved = fcntl(descriptor, F_DUPFD_CLOEXEC, 200)
            close(descriptor)
            descriptor = moved
        }
        high(&out[1])
        high(&err[1])
        high(&feed[0])
        defer { for d in [out[1], err[1], feed[0]] { close(d) } }

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if case .terminal(let path) = input {
            // A session leader without a terminal gets the first one that it opens.
            posix_spawn_file_actions_addopen(&actions, 0, path, O_RDWR, 0)
            posix_spawn_file_actions_adddup2(&actions, 0, 1)
            posix_spawn_file_actions_adddup2(&actions, 0, 2)
        } else {
            switch input {
            case .null: posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
            case .descriptor(let d): posix_spawn_file_actions_adddup2(&actions, d, 0)
            default: posix_spawn_file_actions_adddup2(&actions, feed[0], 0)
            }
            posix_spawn_file_actions_adddup2(&actions, out[1], 1)
            posix_spawn_file_actions_adddup2(&actions, err[1], 2)
        }
        for (target, source) in descriptors { posix_spawn_file_actions_adddup2(&actions, source, target) }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(
            &attributes,
            Int16(0x80 /* POSIX_SPAWN_SETSID */) | Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))

        var pid: pid_t = 0
        let line = (directory.map { ["/usr/bin/env", "-C", $0] } ?? []) + words
        let result = withCStrings(line) { argv in
            withCStrings(environment.map { "\($0.key)=\($0.value)" }) { envp in
                posix_spawnp(&pid, line[0], &actions, &attributes, argv, envp)
            }
        }
        guard result == 0 else {
            for d in [out[0], err[0], feed[1]] { close(d) }
            throw Failure("start \(words[0]): \(String(cString: strerror(result)))")
        }
        let running = RunningCommand(pid: pid, words: words, out: out[0], err: err[0], feed: feed[1])
        switch input {
        case .text(let text):
            running.type(text)
            running.closeInput()
        case .pipe: break
        default: running.closeInput()
        }
        return running
    }
}

/// A command that runs.
final class RunningCommand: @unchecked Sendable {
    let pid: pid_t
    private let words: [String]
    private var descriptors: [Int32]
    private var feed: Int32
    private var bytes: [[UInt8]] = [[], []]
    private var status: Int32?

    init(pid: pid_t, words: [String], out: Int32, err: Int32, feed: Int32) {
        self.pid = pid
        self.words = words
        descriptors = [out, err]
        self.feed = feed
    }

    deinit {
        closeInput()
        for d in descriptors where d >= 0 { close(d) }
    }

    var outSoFar: String {
        pump(milliseconds: 0)
        return String(decoding: bytes[0], as: UTF8.self)
    }

    var errSoFar: String {
        pump(milliseconds: 0)
        return String(decoding: bytes[1], as: UTF8.self)
    }

    /// Writes to the command's stdin.
    func type(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let n = rest.withUnsafeBytes { write(feed, $0.baseAddress!, $0.count) }
            guard n > 0 else { return }
            rest = rest.dropFirst(n)
        }
    }

    func closeInput() {
        if feed >= 0 { close(feed) }
        feed = -1
    }

    func signal(_ number: Int32) { kill(pid, number) }

    /// Whether it is still there.
    func isRunning() -> Bool {
        reap()
        return status == nil
    }

    /// Waits until stdout (or stderr) has the text.
    func waits(for text: String, seconds: Double = 20) -> Bool {
        eventually(seconds: seconds) { self.outSoFar.contains(text) || self.errSoFar.contains(text) }
    }

    /// Stops listening, as a reader that goes away does.
    func closeOutput() {
        for i in 0..<2 where descriptors[i] >= 0 {
            close(descriptors[i])
            descriptors[i] = -1
        }
    }

    func finish(seconds: Double = 60) -> Output {
        var result = Output(words: words)
        let deadline = now() + seconds
        while true {
            pump(milliseconds: 20)
            reap()
            if status != nil { break }
            if now() > deadline {
                result.timedOut = true
                kill(-pid, SIGKILL)
                kill(pid, SIGKILL)
                var raw: Int32 = 0
                while waitpid(pid, &raw, 0) < 0, errno == EINTR {}
                status = raw
                break
            }
        }
        let patience = now() + 5
        while descriptors.contains(where: { $0 >= 0 }), now() < patience { pump(milliseconds: 20) }
        result.heldOpen = descriptors.contains { $0 >= 0 }
        let raw = status ?? 0
        result.signal = raw & 0x7f
        result.code = result.signal != 0 ? 128 + result.signal : raw >> 8 & 0xff
        result.out = String(decoding: bytes[0], as: UTF8.self)
        result.err = String(decoding: bytes[1], as: UTF8.self)
        return result
    }

    private func reap() {
        guard status == nil else { return }
        var raw: Int32 = 0
        if waitpid(pid, &raw, WNOHANG) == pid { status = raw }
    }

    private func pump(milliseconds: Int32) {
        var polls = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        if descriptors.allSatisfy({ $0 < 0 }) {
            usleep(UInt32(milliseconds) * 250)
            return
        }
        guard poll(&polls, nfds_t(polls.count), milliseconds) > 0 else { return }
        for i in 0..<2 where polls[i].fd >= 0 && polls[i].revents != 0 {
            var chunk = [UInt8](repeating: 0, count: 65536)
            let n = read(descriptors[i], &chunk, chunk.count)
            if n > 0 {
                bytes[i] += chunk[0..<n]
            } else if n == 0 || errno != EINTR {
                close(descriptors[i])
                descriptors[i] = -1
            }
        }
    }
}

/// Something the tests themselves could not do.
struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Seconds of the monotonic clock.
func now() -> Double {
    var t = timespec()
    clock_gettime(CLOCK_MONOTONIC, &t)
    return Double(t.tv_sec) + Double(t.tv_nsec) / 1e9
}

/// Asks again and again until the answer is yes.
func eventually(seconds: Double = 20, _ condition: () throws -> Bool) rethrows -> Bool {
    let deadline = now() + seconds
    while true {
        if try condition() { return true }
        if now() > deadline { return false }
        usleep(20_000)
    }
}

private func withCStrings<R>(_ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> R) -> R {
    let pointers = strings.map { strdup($0) }
    defer { for p in pointers { free(p) } }
    return body(pointers + [nil])
}
