import OptionGrammar
import ContainerEngine
import OCISpec
import SwiftPodCLI

/// A caller with an environment and files of the test's own.
func caller(
    environment: [(String, String)] = [("HOME", "/home/me"), ("TERM", "xterm"), ("RAY_A", "1"), ("RAY_B", "2")],
    files: [String: String] = [:]
) -> Caller {
    Caller(
        environment: { environment.map { (name: $0.0, value: $0.1) } }, workingDirectory: { "/here" },
        readFile: { (path) throws(CommandError) in
            guard let text = files[path] else { throw CommandError("open \(path): no such file or directory") }
            return Array(text.utf8)
        })
}

/// A `run` command line, by words.
func parseRun(_ words: [String], caller: Caller = caller()) throws -> RunRequest {
    var globals = GlobalOptions()
    var request = try RunRequest(parsing: words[...], globals: &globals, caller: caller)
    request.warnings += globals.warnings
    return request
}

/// A `run` command line, words separated by blanks.
func parseRun(_ line: String, caller: Caller = caller()) throws -> RunRequest {
    try parseRun(line.split(separator: " ").map(String.init), caller: caller)
}

/// The configuration of `run OPTIONS image`.
func configuration(_ options: String, caller: Caller = caller()) throws -> ContainerConfiguration {
    try parseRun(options + " image", caller: caller).configuration
}

/// The one line that a command line is refused with.
func refusal(_ line: String, caller: Caller = caller()) -> String {
    do {
        _ = try parseRun(line, caller: caller)
        return "accepted"
    } catch { return "\(error)" }
}
