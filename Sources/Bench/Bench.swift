import CStopwatch
import Glibc
import LinuxKernel
import OCISpec

/// What `swiftpod bench` has been told.
package struct BenchOptions: Sendable {
    /// Measured rounds of what is started one by one.
    package var runs = 50
    /// Rounds before, which do not count.
    package var warmup = 5
    /// Measured rounds of what is started many at once.
    package var rounds = 7
    /// Who measures when root calls.
    package var user = "swiftpodtest"
    /// Where the scratch directory is made: memory, unless said otherwise, since a disk's file system measures what
    /// others have done to it as well.
    package var scratch = "/dev/shm"
    /// The floor program; nil is `swiftpod-floor` beside this program.
    package var floor: String?
    /// Words of which a row's name must have one; empty for all rows.
    package var rows: [String] = []
    package var scenarios: Set<BenchScenario> = Set(BenchScenario.allCases)
    package var atOnce = [8, 32, 100]
    package var existing = 1000
    package var running = 1000
    package var detached = 20
    package var peers = true
    package var json: String?
    package var chart: String?
    package var thresholds: String?
    package var quiet = false

    package init() {}
}

/// What may be measured.
package enum BenchScenario: String, Sendable, CaseIterable {
    case sequential
    case atOnce = "at-once"
    case cold, existing, running, detached
}

/// Measures how fast containers start, beside the kernel's own price and beside other runtimes.
package enum Bench {
    /// Returns 1 where a threshold is missed by more than noise explains.
    ///
    /// - Parameters:
    ///   - enter: moves this process into the namespace keeper of the store in the first directory, whose runtime
    ///     directory is the second: what its images' files belong to can then be removed.
    ///   - write: gets the report, a piece at a time.
    package static func run(
        _ options: BenchOptions, enter: (String, String) throws -> Void, write: (String) throws -> Void
    ) throws -> Int32 {
        let program = try MeasuredProgram("/proc/self/exe", standingAt: readLink("/proc/self/exe"))
        let floor = try floorProgram(options.floor)
        let thresholds = try options.thresholds.map(Thresholds.init(path:))
        // Opened now: the user who measures may not be allowed to, and nobody wants to hear of it after an hour.
        let files = try [options.json, options.chart].map { path in
            try path.map { try OwnedDescriptor.open($0, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644).release() }
        }
        return try Scratch.with(
            parent: options.scratch, user: options.user,
            enter: { try enter($0.path + "/data/swiftpod", $0.path + "/run/swiftpod") }
        ) { scratch in
            // Under another name it would be another program.
            let own = try program.place(at: scratch.path + "/swiftpod", onlyAs: "swiftpod")
            let report = try measure(options, scratch, program: own, floor: floor)
            try write(report.text)
            if let json = files[0] { try writeAll(json, report.document.encoded(pretty: true) + [0x0a]) }
            if let chart = files[1], let outcome = report.outcomes.first(where: { $0.key == "sequential" }) {
                try writeAll(chart, Array(Chart(outcome: outcome, machine: report.machine).svg.utf8))
            }
            guard let thresholds else { return 0 }
            let verdicts = thresholds.verdicts(report.outcomes)
            try write("\n" + verdicts.map { $0.words + "\n" }.joined())
            return verdicts.contains { $0.isHeld == false } ? 1 : 0
        }
    }

    private static func measure(
        _ options: BenchOptions, _ scratch: Scratch, program: String, floor: MeasuredProgram
    ) throws -> Report {
        let load = NoiseWatch.load()
        let fixtures = try Fixtures(scratch, floor: floor)
        let stopwatch = Stopwatch(environment: scratch.environment)
        var rows = Rows(fixtures, stopwatch, program: program)
        let all = try rows.all(peers: options.peers)
        let chosen = all.filter { row in
            options.rows.isEmpty || options.rows.contains { row.name.contains($0) }
        }
        var scenarios = Scenarios(
            rows: chosen, stopwatch: stopwatch, options: options, fixtures: fixtures, program: program,
            progress: progress(options.quiet))
        var outcomes: [Outcome] = []
        if options.scenarios.contains(.sequential) {
            outcomes.append(
                try scenarios.oneByOne(
                    key: "sequential", title: "One start after the other", chosen, runs: options.runs))
        }
        if options.scenarios.contains(.atOnce) {
            for number in options.atOnce { outcomes.append(try scenarios.atOnce(number)) }
        }
        var omitted = rows.omitted
        if options.scenarios.contains(.cold) {
            if let outcome = try scenarios.cold() {
                outcomes.append(outcome)
            } else {
                omitted.append("cold caches: the store is in memory (--scratch names a directory of a disk)")
            }
        }
        if options.scenarios.contains(.existing) { outcomes.append(try scenarios.beside(options.existing)) }
        if options.scenarios.contains(.detached) { outcomes.append(try scenarios.detached(options.detached)) }
        if options.scenarios.contains(.running) { outcomes.append(try scenarios.running(options.running)) }
        progress(options.quiet)("")
        return Report(
            machine: Machine(scratch, program: program), outcomes: outcomes, omitted: omitted,
            noise: load.map { [$0] } ?? [])
    }

    /// A line on a terminal that is written over.
    private static func progress(_ quiet: Bool) -> (String) -> Void {
        let shows = !quiet && isatty(2) == 1
        return { text in
            if shows { _ = try? writeAll(2, Array("\r\u{1B}[K\(text)".utf8)) }
        }
    }

    private static func floorProgram(_ path: String?) throws -> MeasuredProgram {
        let own = try readLink("/proc/self/exe")
        let beside = own.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(own[...$0]) } ?? "./"
        let wanted = path ?? beside + "swiftpod-floor"
        guard access(wanted, R_OK) == 0 else {
            throw BenchError(
                "no floor program at \(wanted): build it (cc -O2 -static -o swiftpod-floor Benchmarks/floor.c), and "
                    + "put it there or name it with --floor")
        }
        return try MeasuredProgram(wanted, standingAt: wanted)
    }
}
