/// How `--trace` shows what it found.
package enum TraceFormat: String, Sendable {
    /// A line a phase and a step, for people.
    case text
    /// One object: `phases` and `steps`, each `name`, `start` and `duration` in microseconds.
    case json
    /// Chrome's trace event format, which browsers' profilers and Perfetto show.
    case chrome

    /// `--trace` alone is `true`.
    static func parse(_ word: String) throws(CommandError) -> TraceFormat? {
        switch word {
        case "true", "text": return .text
        case "false": return nil
        default:
            guard let format = TraceFormat(rawValue: word) else { throw CommandError("neither json nor chrome") }
            return format
        }
    }
}
