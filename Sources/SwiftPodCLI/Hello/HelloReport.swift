import OptionGrammar
import ContainerEngine
import Glibc
import LinuxKernel

/// What the hello container says about itself. The caller's side of each comparison comes in its environment.
enum HelloReport {
    private static let startVariable = "SWIFTPOD_HELLO_STARTED"
    private static let namespaceVariable = "SWIFTPOD_HELLO_NAMESPACES"
    private static let idVariable = "SWIFTPOD_HELLO_IDS"
    private static let kinds = ["user", "mnt", "pid", "net", "ipc", "uts", "cgroup"]

    /// What is known outside only.
    static func facts(_ session: Session, started: UInt64) throws -> [(name: String, value: String)] {
        let namespaces = namespaces()
        // In the keeper's namespace, whose map leads to the machine's own ids.
        try session.engine.becomePrivileged()
        return [
            (startVariable, String(started)), (namespaceVariable, namespaces.joined(separator: " ")),
            (idVariable, idMap().map { "\($0.inside):\($0.outside):\($0.size)" }.joined(separator: " ")),
        ]
    }

    /// Runs in the container.
    static func print() -> Int32 {
        let arrived = monotonicNanoseconds()
        var lines = ["Hello from a container made by swiftpod \(Version.number).", ""]
        func add(_ name: String, _ value: String) {
            lines.append("  " + name + String(repeating: " ", count: max(1, 13 - name.utf8.count)) + value)
        }
        if let text = variable(startVariable), let started = UInt64(text), started < arrived {
            let tenths = (arrived - started) / 100_000
            add("started in", "\(tenths / 10).\(tenths % 10) ms, from the command line to here")
        }
        add("process", "pid \(getpid()), user \(getuid()), group \(getgid())")
        add("host name", hostname())
        let (own, shared) = compareNamespaces()
        add("namespaces", own.isEmpty ? "none of its own" : "its own \(own.joined(separator: ", "))")
        if !shared.isEmpty { add("", "the caller's \(shared.joined(separator: ", "))") }
        for (index, range) in composedIDs().enumerated() { add(index == 0 ? "user ids" : "", range) }
        add("root", rootFileSystem())
        add("network", interfaces())
        do {
            try Output.write(lines.joined(separator: "\n") + "\n")
            return 0
        } catch { return 1 }
    }

    private static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    /// `user:[4026531837]` for each kind.
    private static func namespaces() -> [String] {
        kinds.compactMap { kind in
            var buffer = [CChar](repeating: 0, count: 64)
            guard readlink("/proc/self/ns/\(kind)", &buffer, buffer.count - 1) > 0 else { return nil }
            return buffer.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        }
    }

    private static func compareNamespaces() -> (own: [String], shared: [String]) {
        let callers = (variable(namespaceVariable) ?? "").split(separator: " ").map(String.init)
        var own: [String] = []
        var shared: [String] = []
        for namespace in namespaces() {
            let kind = splitPair(namespace, at: UInt8(ascii: ":")).0
            if callers.contains(namespace) { shared.append(kind) } else { own.append(kind) }
        }
        return (own, shared)
    }

    private struct IDRange {
        var inside: UInt64
        var outside: UInt64
        var size: UInt64
    }

    private static func idMap() -> [IDRange] {
        guard let bytes = try? File.read("/proc/self/uid_map") else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ").compactMap { UInt64($0) }
            return fields.count == 3 ? IDRange(inside: fields[0], outside: fields[1], size: fields[2]) : nil
        }
    }

    /// This container's ids as the machine's: its own map followed by the keeper's.
    private static func composedIDs() -> [String] {
        let keeper = (variable(idVariable) ?? "").split(separator: " ").compactMap { word -> IDRange? in
            let fields = word.split(separator: ":").compactMap { UInt64($0) }
            return fields.count == 3 ? IDRange(inside: fields[0], outside: fields[1], size: fields[2]) : nil
        }
        var texts: [String] = []
        for range in idMap() {
            for outer in keeper {
                let low = max(range.outside, outer.inside)
                let high = min(range.outside + range.size, outer.inside + outer.size)
                guard low < high else { continue }
                let inside = range.inside + (low - range.outside)
                let outside = outer.outside + (low - outer.inside)
                texts.append("\(span(inside, high - low)) here, \(span(outside, high - low)) outside")
            }
        }
        return texts
    }

    private static func span(_ first: UInt64, _ size: UInt64) -> String {
        size == 1 ? "\(first)" : size >= UInt64(UInt32.max) ? "all" : "\(first)-\(first + size - 1)"
    }

    private static func hostname() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        gethostname(&buffer, buffer.count - 1)
        return buffer.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    /// The type of what is mounted on `/`, and whether it can be written.
    private static func rootFileSystem() -> String {
        guard let bytes = try? File.read("/proc/self/mountinfo") else { return "unknown: no /proc" }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 9, fields[4] == "/", let dash = fields.firstIndex(of: "-") else { continue }
            let mode = fields[5].split(separator: ",").contains("ro") ? "read-only" : "writable"
            let lower = fields.last?.contains("::") == true ? ", files by reference to the store's objects" : ""
            return "\(fields[dash + 1]), \(mode)\(lower)"
        }
        return "unknown"
    }

    private static func interfaces() -> String {
        guard let bytes = try? File.read("/proc/self/net/dev") else { return "unknown" }
        let names = String(decoding: bytes, as: UTF8.self).split(separator: "\n").dropFirst(2).compactMap { line in
            line.split(separator: ":").first.map { $0.drop { $0 == " " } }
        }
        return names.isEmpty ? "none" : names.joined(separator: ", ")
    }
}

/// CLOCK_MONOTONIC, which containers share with the host unless they have a time namespace.
func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
