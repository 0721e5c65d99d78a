import CStopwatch
import Glibc
import LinuxKernel

/// Where it was measured, and what.
struct Machine {
    var kernel: String
    var processor: String
    var processors: Int
    var memory: String
    var user: String
    var store: String
    /// Name and version of every program.
    var versions: [(name: String, version: String)]

    init(_ scratch: Scratch, program: String) {
        var name = utsname()
        uname(&name)
        func text<T>(_ field: inout T) -> String {
            withUnsafeBytes(of: &field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        }
        kernel = "\(text(&name.sysname)) \(text(&name.release)) \(text(&name.machine))"
        processor = Machine.field("model name", of: "/proc/cpuinfo") ?? text(&name.machine)
        processors = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        memory = Machine.field("MemTotal", of: "/proc/meminfo") ?? ""
        user = geteuid() == 0 ? "root" : "unprivileged"
        store = Machine.fileSystem(scratch.path)
        versions = [("swiftpod", Machine.version(program))]
        for peer in ["crun", "runc", "youki", "bwrap", "podman", "docker", "nerdctl"] {
            if let path = scratch.program(peer) { versions.append((peer, Machine.version(path))) }
        }
    }

    private static func field(_ name: String, of path: String) -> String? {
        let text = String(decoding: (try? File.read(path, limit: 1 << 16)) ?? [], as: UTF8.self)
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name) }),
            let colon = line.firstIndex(of: ":")
        else { return nil }
        return String(line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" })
    }

    /// What `--version` says in its first line: the word after `version`, or the last one.
    private static func version(_ path: String) -> String {
        guard let file = try? OwnedDescriptor.memoryFile(named: "version"),
            let pid = try? HelperProgram(path: path).start(["--version"], descriptors: [(file.raw, 1)]),
            waitpid(pid, nil, 0) == pid, lseek(file.raw, 0, SEEK_SET) == 0,
            let text = try? file.readAll(limit: 1 << 16)
        else { return "?" }
        let line = String(decoding: text.prefix { $0 != 0x0a }, as: UTF8.self)
        let words = line.split(separator: " ").map { $0.last == "," ? $0.dropLast() : $0 }
        let after = words.firstIndex(of: "version").map { words.index(after: $0) }
        return (after.flatMap { $0 < words.endIndex ? words[$0] : nil } ?? words.last).map(String.init) ?? "?"
    }

    /// What kind of file system a path is on.
    static func fileSystem(_ path: String) -> String {
        switch stopwatch_file_system(path) {
        case 0x0102_1994: return "tmpfs"
        case 0xEF53: return "ext4"
        case 0x5846_5342: return "xfs"
        case 0x9123_683E: return "btrfs"
        case 0x794C_7630: return "overlay"
        case let other: return "type " + String(other, radix: 16)
        }
    }
}
