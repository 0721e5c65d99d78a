import Glibc
import LinuxKernel

/// What a command line is read against: the caller's environment, directory and files. Tests bring their own.
package struct Caller: Sendable {
    package var environment: @Sendable () -> [(name: String, value: String)]
    /// One variable; nil where it is not set.
    package var variable: @Sendable (String) -> String?
    /// Absolute.
    package var workingDirectory: @Sendable () -> String
    package var readFile: @Sendable (String) throws(CommandError) -> [UInt8]

    package init(
        environment: @escaping @Sendable () -> [(name: String, value: String)],
        variable: (@Sendable (String) -> String?)? = nil,
        workingDirectory: @escaping @Sendable () -> String,
        readFile: @escaping @Sendable (String) throws(CommandError) -> [UInt8]
    ) {
        self.environment = environment
        self.variable = variable ?? { name in environment().last { $0.name == name }?.value }
        self.workingDirectory = workingDirectory
        self.readFile = readFile
    }

    /// The process's own.
    package static let process = Caller(
        environment: processEnvironment, variable: processVariable, workingDirectory: processDirectory,
        readFile: readWholeFile)

    /// `path`, made absolute and without `.` and `..`, by text alone.
    package func absolute(_ path: String) -> String {
        cleanPath(path.hasPrefix("/") ? path : workingDirectory() + "/" + path)
    }
}

/// A path without empty parts, `.` and `..`, as Go's filepath.Clean does it.
package func cleanPath(_ path: String) -> String {
    if isClean(path) { return path }
    let rooted = path.hasPrefix("/")
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
        if part == ".." {
            if let last = parts.last, last != ".." {
                parts.removeLast()
                continue
            }
            if rooted { continue }
        }
        parts.append(part)
    }
    let joined = parts.joined(separator: "/")
    if rooted { return "/" + joined }
    return joined.isEmpty ? "." : joined
}

/// Absolute, and without anything to leave out: nearly every path there is. Worth telling apart, because splitting and
/// joining instantiates generic types, which costs as much as parsing a command line.
private func isClean(_ path: String) -> Bool {
    let slash = UInt8(ascii: "/")
    guard path.utf8.first == slash else { return false }
    // Of the part that is being read: its length, and whether it is dots so far.
    var (count, isDots) = (0, true)
    func leavesOut() -> Bool { count == 0 || isDots && count <= 2 }
    for byte in path.utf8.dropFirst() {
        if byte == slash {
            if leavesOut() { return false }
            (count, isDots) = (0, true)
        } else {
            count += 1
            isDots = isDots && byte == UInt8(ascii: ".")
        }
    }
    return !leavesOut() || path.utf8.count == 1
}

@Sendable private func processEnvironment() -> [(name: String, value: String)] {
    var variables: [(name: String, value: String)] = []
    var entry = environ
    while let text = entry.pointee {
        let (name, value) = splitPair(String(cString: text))
        if let value { variables.append((name, value)) }
        entry += 1
    }
    return variables
}

@Sendable private func processVariable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
}

@Sendable private func processDirectory() -> String {
    guard let path = getcwd(nil, 0) else { return "/" }
    defer { free(path) }
    return String(cString: path)
}

@Sendable private func readWholeFile(_ path: String) throws(CommandError) -> [UInt8] {
    do {
        // Whatever is read this way is written by hand: 16 MiB is a mistake or worse.
        return try File.read(path, limit: 16 << 20)
    } catch { throw CommandError(error.description) }
}
