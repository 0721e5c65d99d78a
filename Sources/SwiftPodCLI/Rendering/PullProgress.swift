import ContainerEngine
import Glibc
import ImageStore
import LinuxKernel
import OCISpec
import OptionGrammar
import Registry
import Synchronization
import Workers

extension ImagePull {
    /// With bars on stderr, where that is a terminal.
    init(showing options: RegistryOptions, into store: ImageStore) {
        self.init(store: store, options: options)
        let bars = PullProgress(isDrawing: !options.quiet && isatty(2) == 1)
        progress = { bars.take($0) }
        finish = { bars.finish() }
    }
}

/// A line per layer on stderr. Told from any thread.
final class PullProgress: Sendable {
    private let isDrawing: Bool
    private let state = Mutex(State())

    private struct State {
        var layers: [(digest: Digest, size: Int64, received: Int64, isDone: Bool)] = []
        /// Lines on the terminal that the next drawing replaces.
        var drawn = 0
        var lastDrawing = Timestamp(seconds: 0)
    }

    init(isDrawing: Bool) {
        self.isDrawing = isDrawing
    }

    func take(_ event: PullEvent) {
        state.withLock { state in
            switch event {
            case .trying(let reference): say("Trying to pull \(reference)...", &state)
            case .layers(let layers):
                state.layers = layers.map { ($0.digest, $0.size, 0, false) }
                draw(&state)
            case .present(let digest), .finished(let digest):
                if let index = state.layers.firstIndex(where: { $0.digest == digest }) {
                    state.layers[index].isDone = true
                }
                draw(&state)
            case .received(let digest, let bytes):
                guard let index = state.layers.firstIndex(where: { $0.digest == digest }) else { return }
                state.layers[index].received = bytes
                let now = Timestamp.now()
                let elapsed =
                    (now.seconds - state.lastDrawing.seconds) * 1000
                    + (now.nanoseconds - state.lastDrawing.nanoseconds) / 1_000_000
                if elapsed >= 100 {
                    state.lastDrawing = now
                    draw(&state)
                }
            case .retrying(let reason, let seconds):
                say("\(reason), trying again in \(Int(seconds)) s", &state)
            case .warning(let message):
                // A warning is for logs as well, progress is not.
                erase(&state)
                write("Warning: \(message)\n")
            }
        }
    }

    /// Leaves the last state on the terminal.
    func finish() {
        state.withLock { draw(&$0) }
    }

    private func say(_ text: String, _ state: inout State) {
        guard isDrawing else { return }
        erase(&state)
        write(text + "\n")
        draw(&state)
    }

    private func erase(_ state: inout State) {
        if state.drawn > 0 { write("\u{1B}[\(state.drawn)A\u{1B}[J") }
        state.drawn = 0
    }

    private func draw(_ state: inout State) {
        guard isDrawing, !state.layers.isEmpty else { return }
        var size = winsize()
        let known = ioctl(2, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        let columns = known ? Int(size.ws_col) : 80
        let rows = known ? Int(size.ws_row) : 24
        var lines = state.layers.map { layer in
            line(
                String(layer.digest.hex.prefix(12)), layer.isDone ? layer.size : layer.received, layer.size,
                layer.isDone, columns)
        }
        if lines.count > max(1, rows - 2) {
            // More layers than lines: one bar for all.
            let received = state.layers.reduce(0) { $0 + ($1.isDone ? $1.size : $1.received) }
            let total = state.layers.reduce(0) { $0 + $1.size }
            lines = [line("\(lines.count) layers", received, total, received >= total, columns)]
        }
        let up = state.drawn > 0 ? "\u{1B}[\(state.drawn)A" : ""
        write(up + lines.map { "\r\u{1B}[K\($0)\n" }.joined())
        state.drawn = lines.count
    }

    private func line(_ name: String, _ received: Int64, _ total: Int64, _ isDone: Bool, _ columns: Int) -> String {
        let tail = isDone ? " done" : " \(humanSize(received)) / \(humanSize(total))"
        let width = max(0, columns - name.count - 30)
        let filled = total > 0 ? min(width, Int(Double(received) / Double(total) * Double(width))) : width
        let bar = String(repeating: "=", count: filled) + String(repeating: " ", count: width - filled)
        return String("\(name) [\(bar)]\(tail)".prefix(columns))
    }

    private func write(_ text: String) {
        try? writeAll(2, Array(text.utf8))
    }
}
