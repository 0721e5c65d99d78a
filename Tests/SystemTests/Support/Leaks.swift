import Foundation
import Testing

/// What a runtime may have left on the machine.
enum Leaks {
    struct Process {
        let pid: pid_t
        let parent: pid_t
        let executable: String
        let words: [String]
    }

    /// The fixture's processes: those that run its binary or carry its environment, and all their descendants.
    static func processes(of pod: Pod) -> [Process] { processes(below: pod.directory, running: pod.binary) }

    /// Those that run the binary or carry the environment of that directory, and all their descendants.
    static func processes(below directory: String, running binary: String? = nil) -> [Process] {
        let all = everyProcess()
        let marker = Array("XDG_RUNTIME_DIR=\(directory)/run\0".utf8)
        var mine: Set<pid_t> = []
        for process in all {
            let environment = FileManager.default.contents(atPath: "/proc/\(process.pid)/environ") ?? Data()
            if let binary,
                process.executable == binary && !Machine.isPodman || process.executable == binary + " (deleted)"
            {
                mine.insert(process.pid)
            } else if environment.range(of: Data(marker)) != nil {
                mine.insert(process.pid)
            }
        }
        var grew = true
        while grew {
            grew = false
            for process in all where mine.contains(process.parent) && !mine.contains(process.pid) {
                mine.insert(process.pid)
                grew = true
            }
        }
        return all.filter { mine.contains($0.pid) }
    }

    /// Every process but the namespace keeper has to go with its container, soon; the keeper goes when it has been idle.
    static func check(_ pod: Pod) {
        func strangers() -> [Process] { processes(of: pod).filter { !isKeeper($0, of: pod) } }
        if !eventually(seconds: 5, { strangers().isEmpty }) {
            for process in strangers() {
                Issue.record("left running: \(process.pid) \(process.executable) \(process.words)")
            }
        }
        for process in processes(of: pod) { kill(process.pid, SIGKILL) }
        _ = eventually(seconds: 5) { processes(of: pod).isEmpty }
    }

    /// The keeper is the only process of ours that outlives every container.
    static func isKeeper(_ process: Process, of pod: Pod) -> Bool {
        process.executable.hasPrefix(pod.binary) && process.words.contains { $0.contains("keeper") }
    }

    /// Mount points below a directory, the deepest first.
    static func mounts(below directory: String) -> [String] {
        let table = (try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)) ?? ""
        return table.split(separator: "\n").compactMap { line -> String? in
            let fields = line.split(separator: " ")
            return fields.count > 4 && fields[4].hasPrefix(directory + "/") ? String(fields[4]) : nil
        }.sorted { $0.count > $1.count }
    }

    private static func everyProcess() -> [Process] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.compactMap { pid -> Process? in
            guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
                let close = stat.lastIndex(of: ")")
            else { return nil }
            let fields = stat[stat.index(close, offsetBy: 2)...].split(separator: " ")
            guard fields.count > 1, fields[0] != "Z", let parent = pid_t(fields[1]) else { return nil }
            let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe")) ?? ""
            let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
            let words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            return Process(pid: pid, parent: parent, executable: executable, words: words)
        }
    }
}
