/// Tables for the terminal, which are Markdown as well.
package struct Report {
    let machine: Machine
    let outcomes: [Outcome]
    let omitted: [String]
    let noise: [String]

    /// Everything.
    var text: String {
        var text = "\(machine.kernel), \(machine.processor), \(machine.processors) CPUs, \(machine.memory); "
        text += "\(machine.user), store on \(machine.store)\n"
        text += machine.versions.map { "\($0.name) \($0.version)" }.joined(separator: ", ") + "\n"
        for outcome in outcomes { text += "\n## \(outcome.title)\n\n" + table(outcome) }
        if let sequential = outcomes.first(where: { $0.key == "sequential" }) { text += "\n" + comparison(sequential) }
        if !omitted.isEmpty { text += "\nLeft out:\n" + omitted.map { "- \($0)\n" }.joined() }
        let all = noise + outcomes.flatMap { outcome in outcome.noise.map { "\(outcome.key): \($0)" } }
        if !all.isEmpty {
            text += "\nToo noisy to be trusted:\n" + all.map { "- \($0)\n" }.joined()
        }
        return text
    }

    private func table(_ outcome: Outcome) -> String {
        var text = ""
        if !outcome.series.isEmpty {
            let withRates = outcome.series.contains { !$0.rates.isEmpty }
            var heading = ["milliseconds", "min", "median", "p95", "p99", "CPU", "peak MiB", "x floor"]
            if withRates { heading += ["starts/s", "of floor's"] }
            if outcome.series.contains(where: { !$0.failures.isEmpty }) { heading.append("failures") }
            text += Report.aligned([heading] + outcome.series.map { cells($0, outcome, heading) })
        }
        if !outcome.figures.isEmpty {
            if !text.isEmpty { text += "\n" }
            let rows = outcome.figures.map { [$0.name, decimal($0.value, 1) + ($0.unit.isEmpty ? "" : " " + $0.unit)] }
            text += Report.aligned([["", ""]] + rows)
        }
        return text
    }

    private func cells(_ series: Series, _ outcome: Outcome, _ heading: [String]) -> [String] {
        func milliseconds(_ seconds: Double) -> String { decimal(seconds * 1000, 2) }
        let walls = series.walls
        let floor = floor(of: series, outcome)
        var cells = [series.row.name]
        cells += [walls.min() ?? 0, series.median, quantile(walls, 0.95), quantile(walls, 0.99)].map(milliseconds)
        // What is not the benchmark's child tells nothing of these.
        cells.append(series.row.client == nil ? milliseconds(series.cpu) : "")
        cells.append(series.row.client == nil ? decimal(Double(series.peak) / 1_048_576, 1) : "")
        cells.append(floor.map { decimal(series.median / $0.median, 2) } ?? "")
        if heading.contains("starts/s") {
            cells.append(decimal(series.rate, 0))
            cells.append(floor.map { $0.rate > 0 ? percent(series.rate / $0.rate) : "" } ?? "")
        }
        if heading.contains("failures") { cells.append(series.failures.isEmpty ? "" : "\(series.failures.count)") }
        return cells
    }

    private func floor(of series: Series, _ outcome: Outcome) -> Series? {
        guard let name = series.row.floor else { return nil }
        let own = outcome.series(name) ?? outcomes.first { $0.key == "sequential" }?.series(name)
        return own.flatMap { $0.median > 0 ? $0 : nil }
    }

    /// swiftpod's rows beside every peer's: how many times as long.
    private func comparison(_ outcome: Outcome) -> String {
        let peers = outcome.series.filter { $0.row.kind == .peer }
        if peers.isEmpty { return "" }
        var rows = [["median as a part of"] + peers.map(\.row.name)]
        for one in outcome.series where one.row.kind == .swiftpod {
            rows.append([one.row.name] + peers.map { decimal(one.median / $0.median, 3) })
        }
        return Report.aligned(rows)
    }

    /// The first row is the heading; all but the first column are numbers.
    package static func aligned(_ rows: [[String]]) -> String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            max(3, rows.map { column < $0.count ? $0[column].unicodeScalars.count : 0 }.max() ?? 0)
        }
        var text = ""
        for (index, row) in rows.enumerated() {
            for column in 0..<columns {
                let cell = column < row.count ? row[column] : ""
                let gap = String(repeating: " ", count: widths[column] - cell.unicodeScalars.count)
                text += "| " + (column == 0 ? cell + gap : gap + cell) + " "
            }
            text += "|\n"
            if index == 0 {
                for (column, width) in widths.enumerated() {
                    text +=
                        "|" + String(repeating: "-", count: width + (column == 0 ? 2 : 1)) + (column == 0 ? "" : ":")
                }
                text += "|\n"
            }
        }
        return text
    }
}
