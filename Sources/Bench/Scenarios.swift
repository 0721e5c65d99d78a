import Glibc
import LinuxKernel

/// What is measured with the rows: one after the other, many at once, beside many, and what stays in memory.
struct Scenarios {
    let rows: [Row]
    let stopwatch: Stopwatch
    let options: BenchOptions
    let fixtures: Fixtures
    let program: String
    let progress: (String) -> Void
    private var random = Shuffle()
    private var count = 0

    init(
        rows: [Row], stopwatch: Stopwatch, options: BenchOptions, fixtures: Fixtures, program: String,
        progress: @escaping (String) -> Void
    ) {
        self.rows = rows
        self.stopwatch = stopwatch
        self.options = options
        self.fixtures = fixtures
        self.program = program
        self.progress = progress
    }

    private mutating func start(_ row: Row) -> [Command] {
        count += 1
        return row.commands.map { $0.named("bench-\(count)") }
    }

    // MARK: - One at a time

    /// Rows in an order that changes every round, so that a slow spell of the machine hits all of them.
    mutating func oneByOne(
        key: String, title: String, _ rows: [Row], runs: Int, before: () throws -> Void = {}
    ) throws -> Outcome {
        var outcome = Outcome(key: key, title: title, series: rows.map(Series.init))
        let watch = NoiseWatch()
        var order = Array(rows.indices)
        for round in 0..<(options.warmup + runs) {
            progress("\(key): round \(round + 1) of \(options.warmup + runs)")
            random.shuffle(&order)
            for index in order {
                try before()
                let row = rows[index]
                let lap = try row.client?.lap() ?? stopwatch.run(start(row), adding: row.environment)
                if round >= options.warmup { outcome.series[index].add(lap) }
            }
            Scratch.reap()
        }
        // What follows counts processes and containers.
        for row in rows { row.client?.end() }
        outcome.noise = watch.complaints(outcome.series)
        return outcome
    }

    // MARK: - Many at once

    mutating func atOnce(_ number: Int) throws -> Outcome {
        let wanted = rows.filter { row in
            if row.kind == .floor { return row.name == "floor network" || row.name == "floor worker" }
            return row.client == nil && !row.name.contains("layers") && !row.name.contains("host")
        }
        var outcome = Outcome(
            key: "at once \(number)", title: "\(number) at once", series: wanted.map(Series.init))
        let watch = NoiseWatch()
        for round in 0..<(options.rounds + 1) {
            for index in wanted.indices {
                let row = wanted[index]
                // A hundred starts of an engine take half a minute.
                if row.isSlow, round > 2 { continue }
                progress("\(outcome.key): \(row.name), round \(round + 1) of \(options.rounds + 1)")
                let lanes = (0..<number).map { _ in start(row) }
                let laps = try stopwatch.run(lanes, adding: row.environment)
                Scratch.reap()
                // The first round warms up.
                if round == 0 { continue }
                for lap in laps { outcome.series[index].add(lap) }
                let good = laps.filter { $0.failure == nil }
                guard let begin = laps.map(\.start).min(), let end = good.map(\.end).max(), end > begin else {
                    continue
                }
                outcome.series[index].rates.append(Double(good.count) / (Double(end - begin) / 1e9))
            }
        }
        outcome.noise = watch.complaints([])
        return outcome
    }

    // MARK: - Cold caches

    /// Starts of what has to be read from the disk: nil where files are in memory by nature.
    mutating func cold() throws -> Outcome? {
        let directory = fixtures.scratch.path
        if Machine.fileSystem(directory) == "tmpfs" { return nil }
        let wanted = rows.filter { $0.name == "floor network" || $0.name == Rows.main || $0.name.hasSuffix(" run") }
        // What is yet to be written cannot be let go of.
        sync()
        return try oneByOne(
            key: "cold", title: "With cold caches", wanted, runs: max(10, options.runs / 5),
            before: { PageCache.drop(below: directory) })
    }

    // MARK: - Beside many

    /// Starts and listings with many containers that exist and do not run.
    mutating func beside(_ number: Int) throws -> Outcome {
        let before = try measured(beside: 0)
        for index in 0..<number {
            if index % 50 == 0 { progress("existing: container \(index) of \(number)") }
            let lap = try stopwatch.run([Command([program, "create", "--network=none", Fixtures.image])])
            if let failure = lap.failure { throw BenchError("create container \(index): \(failure)") }
        }
        var outcome = try measured(beside: number)
        outcome.series += before.series
        try removeAll()
        return outcome
    }

    private mutating func measured(beside number: Int) throws -> Outcome {
        let rows = [
            Row(
                name: "run beside \(number)", kind: .swiftpod, floor: "floor network",
                commands: [Command([program, "run", "--rm", "--network=none", Fixtures.image, "/bin/true"])]),
            Row(name: "ps -a of \(number)", kind: .swiftpod, floor: nil, commands: [Command([program, "ps", "-a"])]),
        ]
        return try oneByOne(
            key: "existing", title: "Beside \(number) existing containers", rows, runs: max(10, options.runs / 2))
    }

    private func removeAll() throws {
        progress("removing containers")
        let lap = try stopwatch.run([Command([program, "rm", "--all", "--force", "--time", "0"])])
        Scratch.reap()
        if let failure = lap.failure { throw BenchError("rm --all: \(failure)") }
    }

    /// Many running at once, one command line each; are the last as fast as the first?
    mutating func running(_ number: Int) throws -> Outcome {
        var outcome = Outcome(key: "running", title: "\(number) running at once, one `run -d` each")
        let row = Row(
            name: "swiftpod run -d", kind: .swiftpod, floor: "floor network",
            commands: [Command([program, "run", "-d", "--network=none", Fixtures.image, "/bin/pause"])])
        var all = Series(row)
        let others = ProcessTree.descendants(of: getpid())
        for index in 0..<number {
            if index % 50 == 0 { progress("running: container \(index) of \(number)") }
            all.add(try stopwatch.run(row.commands))
        }
        let part = max(1, min(100, all.laps.count / 3))
        for (name, laps) in [("first \(part)", all.laps.prefix(part)), ("last \(part)", all.laps.suffix(part))] {
            var series = Series(row)
            series.row.name += ", " + name
            series.laps = Array(laps)
            outcome.series.append(series)
        }
        outcome.series[0].failures = all.failures
        var listing = Series(
            Row(name: "ps of \(number) running", kind: .swiftpod, floor: nil, commands: [Command([program, "ps"])]))
        for _ in 0..<10 { listing.add(try stopwatch.run(listing.row.commands)) }
        outcome.series.append(listing)
        outcome.figures = memory(of: number, "swiftpod", besides: others)
        try removeAll()
        return outcome
    }

    // MARK: - Memory

    /// What each engine keeps in memory for a container in the background, apart from the container.
    mutating func detached(_ number: Int) throws -> Outcome {
        var outcome = Outcome(key: "detached", title: "Memory beside \(number) containers in the background")
        for row in rows where row.name.hasSuffix(" run --network=none") {
            var words = row.commands[0].words
            guard let at = words.firstIndex(of: "--rm") else { continue }
            words[at] = "-d"
            words[words.count - 1] = "/bin/pause"
            let engine = String(row.name.prefix { $0 != " " })
            progress("detached: \(engine)")
            let count = row.isSlow ? min(number, 10) : number
            let others = ProcessTree.descendants(of: getpid())
            for _ in 0..<count {
                let lap = try stopwatch.run([Command(words)], adding: row.environment)
                if let failure = lap.failure { throw BenchError("\(engine): \(failure)") }
            }
            // What has just been started may not have given back what it needed for that.
            usleep(300_000)
            outcome.figures += memory(of: count, engine, besides: others)
            let verb = words.firstIndex(of: "run") ?? 1
            _ = try stopwatch.run(
                [Command(Array(words[..<verb]) + ["rm", "--all", "--force", "--time", "0"])], adding: row.environment)
            Scratch.reap()
        }
        return outcome
    }

    /// Proportional set size of all that an engine keeps for its containers: every process below this one that has come
    /// with them, and is not a container's.
    /// - Parameter others: those that were there before, the namespace keepers of all engines among them.
    private func memory(of count: Int, _ engine: String, besides others: [Int32]) -> [Outcome.Figure] {
        var total = 0
        var processes = 0
        for pid in ProcessTree.descendants(of: getpid()) where !others.contains(pid) {
            guard let status = try? File.read("/proc/\(pid)/status", limit: 1 << 14) else { continue }
            let lines = String(decoding: status, as: UTF8.self).split(separator: "\n")
            // More than one pid: it lives in a pid namespace of its own, so it is the container.
            let pids = lines.first { $0.hasPrefix("NSpid:") }?.split(separator: "\t").count ?? 2
            if pids > 2 { continue }
            // One that has ended has none.
            guard let rollup = try? File.read("/proc/\(pid)/smaps_rollup", limit: 1 << 14) else { continue }
            let sizes = String(decoding: rollup, as: UTF8.self).split(separator: "\n")
            let line = sizes.first { $0.hasPrefix("Pss:") } ?? "0"
            total += Int(line.split(separator: " ").dropFirst().first ?? "0") ?? 0
            processes += 1
        }
        return [
            Outcome.Figure(
                name: "\(engine): PSS for each container", value: Double(total) / Double(count), unit: "KiB"),
            Outcome.Figure(
                name: "\(engine): processes for each container", value: Double(processes) / Double(count), unit: ""),
        ]
    }
}

/// A random order that is the same in every benchmark.
struct Shuffle {
    private var state: UInt64 = 0x9E37_79B9_7F4A_7C15

    mutating func shuffle(_ order: inout [Int]) {
        for index in stride(from: order.count - 1, to: 0, by: -1) {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            order.swapAt(index, Int(state % UInt64(index + 1)))
        }
    }
}
