import LinuxKernel
import OCISpec

/// What the benchmark is held to, from a file: ratios of rows that were measured in the same rounds.
///
/// `{"thresholds": [{"scenario": "sequential", "row": "…", "against": "…", "at most": 1.6}, …]}`; instead of `at most`
/// there may be `at least` (of starts a second), `measure` may be `cpu`, `part` may be another quantile than 0.5, the
/// median, and without `against` a row's milliseconds or a figure are held to a number of its unit.
package struct Thresholds {
    let list: [Threshold]

    struct Threshold {
        var scenario: String
        var row: String
        var against: String?
        var measure: String
        var part: Double
        var limit: Double
        var isLeast: Bool
    }

    package init(path: String) throws {
        let json = try JSON(parsing: try File.read(path, limit: 1 << 20))
        list = try (json["thresholds"]?.array ?? []).map { item in
            guard let row = item["row"]?.string, let limit = (item["at most"] ?? item["at least"])?.double else {
                throw BenchError("\(path): a threshold needs `row`, and `at most` or `at least`")
            }
            return Threshold(
                scenario: item["scenario"]?.string ?? "sequential", row: row, against: item["against"]?.string,
                measure: item["measure"]?.string ?? "wall", part: item["part"]?.double ?? 0.5, limit: limit,
                isLeast: item["at least"] != nil)
        }
    }

    /// A threshold and what became of it.
    package struct Verdict {
        var words: String
        /// nil: not measured here.
        package var isHeld: Bool?
    }

    package func verdicts(_ outcomes: [Outcome]) -> [Verdict] {
        list.map { threshold in
            let name = "\(threshold.scenario): \(threshold.row)" + (threshold.against.map { " against \($0)" } ?? "")
            guard let outcome = outcomes.first(where: { $0.key == threshold.scenario }),
                let found = Thresholds.compare(threshold, outcome)
            else { return Verdict(words: "not measured: \(name)", isHeld: nil) }
            let bar = "\(threshold.isLeast ? "at least" : "at most") \(decimal(threshold.limit, 3))"
            let word = found.isHeld ? (found.isOver ? "within the noise" : "held") : "MISSED"
            return Verdict(
                words: "\(word): \(name): \(decimal(found.value, 3)), \(bar)", isHeld: found.isHeld)
        }
    }

    /// - Returns: the measured value, whether it is past the limit, and whether noise may be why.
    private static func compare(
        _ threshold: Threshold, _ outcome: Outcome
    ) -> (value: Double, isOver: Bool, isHeld: Bool)? {
        if let figure = outcome.figures.first(where: { $0.name == threshold.row }) {
            let isOver = threshold.isLeast ? figure.value < threshold.limit : figure.value > threshold.limit
            return (figure.value, isOver, !isOver)
        }
        guard let row = outcome.series(threshold.row) else { return nil }
        let own = values(row, threshold)
        var pairs: [Double]
        if let name = threshold.against {
            guard let other = outcome.series(name) else { return nil }
            pairs = zip(own, values(other, threshold)).map { $1 > 0 ? $0 / $1 : 0 }
        } else {
            // Alone: milliseconds.
            pairs = own.map { $0 * 1000 }
        }
        if pairs.isEmpty { return nil }
        if threshold.isLeast { pairs = pairs.map { -$0 } }
        let limit = threshold.isLeast ? -threshold.limit : threshold.limit
        let value = quantile(pairs, threshold.part)
        let over = pairs.filter { $0 > limit }.count
        // Were the true median at the limit, each round would be over it with a chance of one half.
        let isHeld = value <= limit || chance(ofAtLeast: over, of: pairs.count, each: 1 - threshold.part) > 0.01
        return (abs(value), value > limit, isHeld)
    }

    private static func values(_ series: Series, _ threshold: Threshold) -> [Double] {
        if threshold.isLeast { return series.rates }
        return threshold.measure == "cpu" ? series.laps.map(\.cpu) : series.walls
    }

    /// So many heads or more in so many tosses of a coin that shows heads with the chance `each`.
    package static func chance(ofAtLeast heads: Int, of tosses: Int, each: Double = 0.5) -> Double {
        if heads <= 0 { return 1 }
        var term = 1.0
        for _ in 0..<tosses { term *= 1 - each }
        var sum = 0.0
        for count in 1...tosses {
            term *= Double(tosses - count + 1) / Double(count) * each / (1 - each)
            if count >= heads { sum += term }
        }
        return sum
    }
}
