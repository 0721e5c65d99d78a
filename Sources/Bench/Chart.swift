import Glibc

/// The medians as bars in an SVG image; the thin line ends at the 95th of a hundred runs.
struct Chart {
    let outcome: Outcome
    let machine: Machine

    private static let height = 22
    private static let labels = 270
    private static let width = 620

    /// The image as text.
    var svg: String {
        let series = outcome.series.filter { !$0.laps.isEmpty }
        let scale = Scale(series)
        let height = series.count * Chart.height + 70
        var svg = """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(Chart.labels + Chart.width + 70)" height="\(height)" \
            font-family="sans-serif" font-size="12">
            <rect width="100%" height="100%" fill="white"/>
            <text x="10" y="20" font-size="14">\(escaped(outcome.title)), milliseconds (logarithmic)</text>

            """
        for tick in scale.ticks {
            let x = Chart.labels + scale.position(tick)
            svg += """
                <line x1="\(x)" y1="30" x2="\(x)" y2="\(height - 38)" stroke="#ddd"/>
                <text x="\(x)" y="\(height - 24)" fill="#666" text-anchor="middle">\(decimal(tick, tick < 1 ? 1 : 0))</text>

                """
        }
        for (index, one) in series.enumerated() { svg += bar(one, y: 34 + index * Chart.height, scale) }
        svg +=
            "<text x=\"10\" y=\"\(height - 6)\" fill=\"#666\">\(escaped(machine.kernel)), \(machine.processors) CPUs: "
        svg +=
            escaped(machine.versions.map { "\($0.name) \($0.version)" }.joined(separator: ", ")) + "</text>\n</svg>\n"
        return svg
    }

    private func bar(_ series: Series, y: Int, _ scale: Scale) -> String {
        let color =
            switch series.row.kind {
            case .floor: "#9a9a9a"
            case .swiftpod: "#e8590c"
            case .peer: "#4c78a8"
            }
        let median = series.median * 1000
        let end = scale.position(median)
        let far = scale.position(quantile(series.walls, 0.95) * 1000)
        return """
            <text x="\(Chart.labels - 8)" y="\(y + 13)" text-anchor="end">\(escaped(series.row.name))</text>
            <rect x="\(Chart.labels)" y="\(y + 3)" width="\(max(1, end))" height="\(Chart.height - 8)" fill="\(color)"/>
            <line x1="\(Chart.labels + end)" y1="\(y + 10)" x2="\(Chart.labels + far)" y2="\(y + 10)" stroke="\(color)"/>
            <text x="\(Chart.labels + max(end, far) + 6)" y="\(y + 14)">\(decimal(median, 2))</text>

            """
    }

    /// Milliseconds to a place on the axis.
    private struct Scale {
        let low: Int
        let high: Int

        /// Whole powers of ten around everything.
        init(_ series: [Series]) {
            let values = series.flatMap { [$0.median * 1000, quantile($0.walls, 0.95) * 1000] }.filter { $0 > 0 }
            var (low, high) = (0, 1)
            while let least = values.min(), Scale.power(low) > least, low > -3 { low -= 1 }
            while let most = values.max(), Scale.power(high) < most, high < 6 { high += 1 }
            self.low = low
            self.high = high
        }

        var ticks: [Double] { (low...high).map(Scale.power) }

        func position(_ milliseconds: Double) -> Int {
            let part = (Scale.logarithm(milliseconds) - Double(low)) / Double(high - low)
            return Int(max(0, min(1, part)) * Double(Chart.width))
        }

        private static func power(_ exponent: Int) -> Double {
            var value = 1.0
            for _ in 0..<abs(exponent) { value *= 10 }
            return exponent < 0 ? 1 / value : value
        }

        private static func logarithm(_ value: Double) -> Double { value > 0 ? log10(value) : -9 }
    }

    private func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "&": result += "&amp;"
            default: result.append(character)
            }
        }
        return result
    }
}
