/// `NAME=VALUE`; `NAME` alone takes the caller's value and is left out where there is none; `NAME*` takes all that
/// start so.
package func parseVariable(
    _ text: String, caller: Caller
) throws(CommandError) -> [(name: String, value: String)] {
    let (name, value) = splitPair(text)
    guard !name.isEmpty else { throw CommandError("invalid environment variable: \(quoted(text))") }
    if let value { return [(name, value)] }
    if name.hasSuffix("*") {
        let prefix = name.dropLast()
        return caller.environment().filter { $0.name.hasPrefix(prefix) }
    }
    return caller.variable(name).map { [(name, $0)] } ?? []
}

/// The lines of an `--env-file`: blank lines and those that start with `#` are skipped, quotes are no quotes.
package func parseEnvironmentFile(
    _ path: String, caller: Caller
) throws(CommandError) -> [(name: String, value: String)] {
    var variables: [(name: String, value: String)] = []
    for line in try lines(of: path, caller: caller) {
        let text = line.drop { $0 == " " || $0 == "\t" }
        if text.isEmpty || text.hasPrefix("#") { continue }
        do throws(CommandError) {
            variables += try parseVariable(String(text), caller: caller)
        } catch { throw CommandError("parsing env file \(quoted(path)): \(error.message)") }
    }
    return variables
}

/// The lines of a `--label-file`, `KEY=VALUE` or `KEY`.
package func parseLabelFile(_ path: String, caller: Caller) throws(CommandError) -> [(name: String, value: String)] {
    var labels: [(name: String, value: String)] = []
    for line in try lines(of: path, caller: caller) {
        let text = line.drop { $0 == " " || $0 == "\t" }
        if text.isEmpty || text.hasPrefix("#") { continue }
        labels.append(try parseLabel(String(text)))
    }
    return labels
}

/// `KEY=VALUE` or `KEY`.
package func parseLabel(_ text: String) throws(CommandError) -> (name: String, value: String) {
    let (name, value) = splitPair(text)
    guard !name.isEmpty else { throw CommandError("invalid label format: \(quoted(text))") }
    return (name, value ?? "")
}

private func lines(of path: String, caller: Caller) throws(CommandError) -> [Substring] {
    var text = String(decoding: try caller.readFile(caller.absolute(path)), as: UTF8.self)
    if text.unicodeScalars.first == "\u{FEFF}" { text.unicodeScalars.removeFirst() }
    // By bytes: to a Character view CR LF is one letter.
    return text.utf8.split(separator: UInt8(ascii: "\n")).map { line in
        Substring(line.last == UInt8(ascii: "\r") ? line.dropLast() : line)
    }
}
