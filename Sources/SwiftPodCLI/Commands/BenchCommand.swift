import Bench
import ContainerEngine
import OptionGrammar

extension Verb {
    private static let benchTable: OptionParser<BenchOptions>.Table = [
        [
            .list("at-once", nil, "N,…", "How many to start at once (default 8,32,100)") {
                (target, text) throws(CommandError) in
                if target.atOnce == BenchOptions().atOnce { target.atOnce = [] }
                target.atOnce.append(try parseCount(text))
            },
            .value("chart", nil, "FILE", "Write an SVG chart") { (target, text) throws(CommandError) in
                target.chart = try nonEmpty(text)
            },
            .value("detached", nil, "N", "How many to have in the background for their memory (default 20)") {
                (target, text) throws(CommandError) in
                target.detached = try parseCount(text)
            },
            .value("existing", nil, "N", "How many containers to start beside (default 1000)") {
                (target, text) throws(CommandError) in
                target.existing = try parseCount(text)
            },
            .value("floor", nil, "FILE", "The floor program (default swiftpod-floor beside this program)") {
                (target, text) throws(CommandError) in
                target.floor = try nonEmpty(text)
            },
            .value("json", nil, "FILE", "Write every single measurement") { (target, text) throws(CommandError) in
                target.json = try nonEmpty(text)
            },
            .flag("peers", nil, "Measure other runtimes that are installed (default true)") { $0.peers = $1 },
            .flag("quiet", "q", "Show no progress") { $0.quiet = $1 },
            .value("rounds", nil, "N", "Measured rounds of what starts at once (default 7)") {
                (target, text) throws(CommandError) in
                target.rounds = try parseCount(text)
            },
            .list("rows", nil, "WORD,…", "Only rows whose name has one of the words") {
                (target, text) throws(CommandError) in
                target.rows.append(text)
            },
            .value("running", nil, "N", "How many to have running (default 1000)") {
                (target, text) throws(CommandError) in
                target.running = try parseCount(text)
            },
            .value("runs", "n", "N", "Measured rounds of what starts one by one (default 50)") {
                (target, text) throws(CommandError) in
                target.runs = try parseCount(text)
            },
            .list("scenario", nil, "NAME,…", "Only these: \(scenarios)") {
                (target, text) throws(CommandError) in
                guard let scenario = BenchScenario(rawValue: text) else {
                    throw CommandError("not one of \(scenarios)")
                }
                if target.scenarios.count == BenchScenario.allCases.count { target.scenarios = [] }
                target.scenarios.insert(scenario)
            },
            .value("scratch", nil, "DIR", "Where to keep what is measured (default /dev/shm)") {
                (target, text) throws(CommandError) in
                target.scratch = try nonEmpty(text)
            },
            .value("threshold", nil, "FILE", "Exit with 1 when a ratio in FILE is missed") {
                (target, text) throws(CommandError) in
                target.thresholds = try nonEmpty(text)
            },
            .value("user", nil, "USER", "Who measures, when root calls (default swiftpodtest)") {
                (target, text) throws(CommandError) in
                target.user = try nonEmpty(text)
            },
            .value("warmup", nil, "N", "Rounds that do not count (default 5)") {
                (target, text) throws(CommandError) in
                target.warmup = Int(try parseInteger(text, as: UInt16.self))
            },
        ]
    ]

    private static let scenarios = BenchScenario.allCases.map(\.rawValue).joined(separator: ", ")

    static let bench = Verb(
        name: "bench", summary: "Measure how fast containers start, beside the kernel's floor and other runtimes",
        usage: "[options]", examples: ["bench", "bench --scenario sequential -n 100 --chart starts.svg"],
        options: { described(benchTable) }
    ) { invocation in
        var options = BenchOptions()
        let words = try invocation.parse(benchTable, into: &options)
        if let word = words.first { throw CommandError("unexpected argument \(quoted(word)): bench takes none") }
        do {
            return try Bench.run(options) { data, runtime in
                try Engine(EngineSettings(dataRoot: data, runtimeRoot: runtime)).becomePrivileged()
            } write: { text in
                try Output.write(text)
            }
        } catch let error as BenchError {
            throw CommandError(error.description)
        }
    }

    private static func parseCount(_ text: String) throws(CommandError) -> Int {
        let count = Int(try parseInteger(text, as: UInt16.self))
        if count == 0 { throw CommandError("must be more than 0") }
        return count
    }
}
