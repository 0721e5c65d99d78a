import CStopwatch
import Glibc
import LinuxKernel

/// A program with its words. A word `%ID%` becomes something that no other start has: a container's name.
package struct Command {
    var words: [String]

    package init(_ words: [String]) {
        self.words = words
    }

    func named(_ id: String) -> Command { Command(words.map { $0 == "%ID%" ? id : $0 }) }
}

/// One run of a row, from the start of its first program to the end of its last.
package struct Lap {
    /// Nanoseconds of the monotonic clock.
    var start: UInt64 = 0
    var end: UInt64 = 0
    /// Seconds of the programs and of the children they waited for.
    package var cpu = 0.0
    /// The largest resident set of one of them, in bytes.
    package var peak: UInt64 = 0
    /// nil where every program ended with 0.
    package var failure: String?

    package init(start: UInt64 = 0, end: UInt64 = 0, cpu: Double = 0) {
        self.start = start
        self.end = end
        self.cpu = cpu
    }

    /// Seconds.
    package var wall: Double { Double(end &- start) / 1e9 }
}

/// Runs programs and measures them.
package struct Stopwatch {
    /// All that the programs get.
    var environment: [(name: String, value: String)]

    package init(environment: [(name: String, value: String)]) {
        self.environment = environment
    }

    /// Runs sequences of programs, all sequences at once.
    ///
    /// - Parameter errors: where their stderr goes; nil is nowhere.
    package func run(
        _ lanes: [[Command]], adding more: [(name: String, value: String)] = [], errors: Int32? = nil
    ) throws -> [Lap] {
        guard let steps = lanes.first?.count, steps > 0 else { return [] }
        var strings = CStrings()
        let all = environment.filter { own in !more.contains { $0.name == own.name } } + more
        let environment = strings.list(all.map { "\($0.name)=\($0.value)" })
        var native: [stopwatch_command] = []
        for command in lanes.joined() {
            var next = stopwatch_command()
            next.path = UnsafePointer(strings.copy(command.words[0]))
            next.arguments = UnsafePointer(strings.list(command.words))
            next.environment = UnsafePointer(environment)
            native.append(next)
        }
        defer { strings.free() }
        let size = native.count * MemoryLayout<stopwatch_result>.stride
        guard let memory = stopwatch_memory(size) else { throw SyscallError("mmap") }
        defer { stopwatch_free(memory, size) }
        let results = memory.bindMemory(to: stopwatch_result.self, capacity: native.count)
        let null = try OwnedDescriptor.open("/dev/null", O_WRONLY)
        try check("fork") { stopwatch_run(native, lanes.count, steps, errors ?? null.raw, results) }
        return lanes.indices.map { lane in
            Stopwatch.lap(UnsafeBufferPointer(start: results + lane * steps, count: steps), lanes[lane])
        }
    }

    package func run(_ lane: [Command], adding more: [(name: String, value: String)] = []) throws -> Lap {
        try run([lane], adding: more)[0]
    }

    private static func lap(_ results: UnsafeBufferPointer<stopwatch_result>, _ commands: [Command]) -> Lap {
        var lap = Lap()
        lap.start = results[0].start
        for (result, command) in zip(results, commands) {
            if result.start == 0 { break }
            lap.end = result.end
            lap.cpu += Double(result.user + result.system) / 1e9
            lap.peak = max(lap.peak, result.peak)
            if result.status != 0 {
                lap.failure = "\(command.words.prefix(3).joined(separator: " ")): \(words(result))"
                break
            }
        }
        if lap.end == 0 { lap.failure = "not started" }
        return lap
    }

    private static func words(_ result: stopwatch_result) -> String {
        if result.status == -1 { return SyscallError.reason(result.error) }
        let signal = result.status & 0x7f
        return signal != 0 ? "killed by signal \(signal)" : "exit code \(result.status >> 8 & 0xff)"
    }
}

/// Words as C wants them, freed together.
private struct CStrings {
    private var strings: [UnsafeMutablePointer<CChar>?] = []
    private var lists: [UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>] = []

    mutating func copy(_ text: String) -> UnsafeMutablePointer<CChar>? {
        let copy = strdup(text)
        strings.append(copy)
        return copy
    }

    mutating func list(_ words: [String]) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> {
        let list = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: words.count + 1)
        for (index, word) in words.enumerated() { list[index] = copy(word) }
        list[words.count] = nil
        lists.append(list)
        return list
    }

    func free() {
        for string in strings { Glibc.free(string) }
        for list in lists { list.deallocate() }
    }
}
