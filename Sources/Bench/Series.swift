/// What is measured: one way to start a container, or one level of the floor.
package struct Row {
    package enum Kind: String {
        case floor, swiftpod, peer
    }

    var name: String
    var kind: Kind
    /// The name of the floor's row that does the same work.
    var floor: String?
    /// One after the other; all of them together are one start.
    var commands: [Command]
    var environment: [(name: String, value: String)] = []
    /// Seconds of CPU that one start takes, roughly: so slow ones are not started by the hundred as often.
    var isSlow = false
    /// Who starts instead of the commands.
    var client: LibraryClient?

    package init(
        name: String, kind: Kind, floor: String?, commands: [Command],
        environment: [(name: String, value: String)] = [], isSlow: Bool = false
    ) {
        self.name = name
        self.kind = kind
        self.floor = floor
        self.commands = commands
        self.environment = environment
        self.isSlow = isSlow
    }
}

/// All measurements of one row in one scenario.
package struct Series {
    var row: Row
    package var laps: [Lap] = []
    /// Starts a second in each round, where many are started at once.
    var rates: [Double] = []
    var failures: [String] = []

    package init(_ row: Row) {
        self.row = row
    }

    mutating func add(_ lap: Lap) {
        if let failure = lap.failure { failures.append(failure) } else { laps.append(lap) }
    }

    var walls: [Double] { laps.map(\.wall) }
    var median: Double { quantile(walls, 0.5) }
    var cpu: Double { laps.isEmpty ? 0 : laps.reduce(0) { $0 + $1.cpu } / Double(laps.count) }
    var peak: UInt64 { laps.map(\.peak).max() ?? 0 }
    var rate: Double { quantile(rates, 0.5) }

    /// Distance of the quartiles as a part of the median: what a quiet machine keeps below some ten per cent.
    var spread: Double { median > 0 ? (quantile(walls, 0.75) - quantile(walls, 0.25)) / median : 0 }
}

/// The value below which that part of the values lies; 0 where there are none.
package func quantile(_ values: [Double], _ part: Double) -> Double {
    if values.isEmpty { return 0 }
    let sorted = values.sorted()
    let position = part * Double(sorted.count - 1)
    let low = Int(position)
    let high = min(low + 1, sorted.count - 1)
    return sorted[low] + (sorted[high] - sorted[low]) * (position - Double(low))
}

/// One table of the report.
package struct Outcome {
    /// As thresholds name it: `sequential`, `at once 8`.
    var key: String
    var title: String
    package var series: [Series] = []
    /// Single figures, with their unit.
    var figures: [Figure] = []
    /// Why its numbers are to be doubted.
    var noise: [String] = []

    struct Figure {
        var name: String
        var value: Double
        var unit: String
    }

    package init(key: String, title: String, series: [Series] = []) {
        self.key = key
        self.title = title
        self.series = series
    }

    func series(_ name: String) -> Series? { series.first { $0.row.name == name } }
}
