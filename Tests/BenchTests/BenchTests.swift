import Bench
import Glibc
import LinuxKernel
import Testing

/// The arithmetic of the benchmark: what is said about numbers must be right before the numbers are.
@Suite struct BenchTests {
    @Test(
        arguments: [
            ([], 0.5, 0), ([3.0], 0.99, 3), ([1, 2, 3, 4], 0.5, 2.5), ([4, 1, 3, 2], 0, 1), ([1, 2, 3, 4, 5], 0.75, 4),
        ] as [([Double], Double, Double)])
    func quantiles(_ values: [Double], _ part: Double, _ expected: Double) {
        #expect(quantile(values, part) == expected)
    }

    @Test(arguments: [(0, 10, 1.0), (10, 10, 0.0009765625), (7, 7, 0.0078125), (5, 10, 0.623046875)])
    func chances(_ heads: Int, _ tosses: Int, _ expected: Double) {
        #expect(abs(Thresholds.chance(ofAtLeast: heads, of: tosses) - expected) < 1e-12)
    }

    @Test(arguments: [(1, 1, 0.25, 0.25), (1, 2, 0.25, 0.4375), (2, 2, 0.25, 0.0625), (0, 5, 0.01, 1)])
    func chancesOfAnUnevenCoin(_ heads: Int, _ tosses: Int, _ each: Double, _ expected: Double) {
        #expect(abs(Thresholds.chance(ofAtLeast: heads, of: tosses, each: each) - expected) < 1e-12)
    }

    private func outcome(_ ours: [Double], _ floor: [Double]) -> Outcome {
        var outcome = Outcome(key: "sequential", title: "")
        for (name, walls) in [("ours", ours), ("floor", floor)] {
            var series = Series(Row(name: name, kind: .peer, floor: nil, commands: []))
            series.laps = walls.map { Lap(start: 1, end: 1 + UInt64($0 * 1e9), cpu: $0 / 2) }
            outcome.series.append(series)
        }
        return outcome
    }

    private func verdict(
        _ limit: Double, _ ours: [Double], _ floor: [Double], part: Double = 0.5
    ) throws -> Bool? {
        let path = "/tmp/swiftpod-thresholds-\(getpid()).json"
        let text = #"{"thresholds": [{"row": "ours", "against": "floor", "at most": \#(limit), "part": \#(part)}]}"#
        try File.writeAtomically(Array(text.utf8), to: path)
        defer { unlink(path) }
        let verdicts = try Thresholds(path: path).verdicts([outcome(ours, floor)])
        #expect(verdicts.count == 1)
        return verdicts[0].isHeld
    }

    /// A machine that is slow for a while is slow for both; a ratio that lies about the limit is over it now and then.
    @Test func aThresholdIsMissedByMoreThanNoise() throws {
        let floor = (0..<20).map { 0.005 + Double($0 % 7) * 0.001 }
        #expect(try verdict(1.6, floor.map { $0 * 1.5 }, floor) == true)
        #expect(try verdict(1.6, floor.map { $0 * 1.7 }, floor) == false)
        let around = floor.enumerated().map { $1 * ($0 % 20 < 11 ? 1.7 : 1.5) }
        #expect(try verdict(1.6, around, floor) == true)
        #expect(try verdict(1.6, [], []) == nil)
        // One in twenty over the limit says nothing about the median, and something about the 99th of a hundred.
        let seldom = (0..<100).map { $0 % 20 == 0 ? 0.02 : 0.01 }
        let one = seldom.map { _ in 0.01 }
        #expect(try verdict(1.6, seldom, one) == true)
        #expect(try verdict(1.6, seldom, one, part: 0.99) == false)
        #expect(try verdict(1.6, Array(seldom.prefix(20)), Array(one.prefix(20)), part: 0.99) == true)
    }

    @Test func tablesAreMarkdown() {
        #expect(
            Report.aligned([["name", "ms"], ["a", "10.25"], ["long name", "3"]]) == """
                | name      |    ms |
                |-----------|------:|
                | a         | 10.25 |
                | long name |     3 |

                """)
    }

    @Test(arguments: [
        (0.0, 2, "0.00"), (1.005, 1, "1.0"), (12.345, 2, "12.35"), (-0.5, 1, "-0.5"), (999.96, 1, "1000.0"),
    ])
    func decimals(_ value: Double, _ digits: Int, _ expected: String) {
        #expect(decimal(value, digits) == expected)
    }

    @Test func programsAreMeasuredFromOutside() throws {
        let stopwatch = Stopwatch(environment: [("PATH", "/usr/bin:/bin")])
        let busy = Command(["/bin/sh", "-c", "i=0; while [ $i -lt 60000 ]; do i=$((i + 1)); done"])
        let laps = try stopwatch.run([
            [busy], [Command(["/bin/sleep", "0.2"])], [Command(["/bin/sh", "-c", "exit 3"])],
        ])
        #expect(laps.count == 3)
        #expect(laps[0].failure == nil && laps[0].cpu > 0.005 && laps[0].peak > 100_000)
        #expect(laps[1].failure == nil && laps[1].wall >= 0.2 && laps[1].cpu < laps[1].wall)
        #expect(laps[2].failure?.hasSuffix("exit code 3") == true)
        let sequence = try stopwatch.run([Command(["/bin/sleep", "0.1"]), Command(["/bin/sleep", "0.1"])])
        #expect(sequence.wall >= 0.2)
        let missing = try stopwatch.run([Command(["/no/such/program"])])
        #expect(missing.failure?.contains("no such file") == true)
    }
}
