import LinuxKernel
import OCISpec
import OptionGrammar

/// The report of ``StartTrace``.
package enum TraceReport {
    /// Writes it to stderr; stdout is the container's.
    static func print(as format: TraceFormat) {
        guard let report = StartTrace.report() else { return }
        try? writeAll(2, Array(render(report.phases, report.steps, as: format).utf8))
    }

    /// The report as text that ends with a line end.
    package static func render(
        _ phases: [StartTrace.Span], _ steps: [StartTrace.Span], as format: TraceFormat
    ) -> String {
        switch format {
        case .text: text(phases, steps)
        case .json:
            JSON(members: ["phases": list(phases), "steps": list(steps)]).text + "\n"
        case .chrome:
            JSON(members: ["traceEvents": .array(events(phases, row: 1) + events(steps, row: 2))]).text + "\n"
        }
    }

    private static func text(_ phases: [StartTrace.Span], _ steps: [StartTrace.Span]) -> String {
        var text = "   start      took  phase (microseconds)\n"
        for phase in phases {
            text += line(phase, indent: "")
            if phase.name == "\(StartTrace.Phase.steps)" { text += steps.map { line($0, indent: "  ") }.joined() }
        }
        return text
    }

    private static func line(_ span: StartTrace.Span, indent: String) -> String {
        "\(padded(span.start))\(padded(span.end &- span.start))  \(indent)\(span.name)\n"
    }

    private static func padded(_ nanoseconds: UInt64) -> String {
        let tenths = (nanoseconds + 50) / 100
        let text = "\(tenths / 10).\(tenths % 10)"
        return String(repeating: " ", count: max(1, 10 - text.utf8.count)) + text
    }

    private static func microseconds(_ nanoseconds: UInt64) -> JSON { .number(Double(nanoseconds) / 1000) }

    private static func list(_ spans: [StartTrace.Span]) -> JSON {
        .array(
            spans.map { span in
                JSON(members: [
                    "name": .string(span.name), "start": microseconds(span.start),
                    "duration": microseconds(span.end &- span.start),
                ])
            })
    }

    private static func events(_ spans: [StartTrace.Span], row: Int) -> [JSON] {
        spans.map { span in
            JSON(members: [
                "name": .string(span.name), "ph": .string("X"), "ts": microseconds(span.start),
                "dur": microseconds(span.end &- span.start), "pid": row.json, "tid": row.json,
            ])
        }
    }
}
