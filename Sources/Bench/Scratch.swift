import CStopwatch
import Glibc
import LinuxKernel

/// A message for the user: the benchmark cannot go on.
package struct BenchError: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// A directory of one benchmark's own, and the unprivileged user who measures in it.
///
/// The work is done in a child. This process stays behind as the one that orphans come to: whatever the child leaves,
/// a namespace keeper, a supervisor, podman's pause process, is ended, and the directory goes, also when the child is
/// interrupted.
struct Scratch {
    let path: String

    /// Calls `body` in the child and returns its exit status.
    ///
    /// - Parameter enter: makes this process one that may remove what an unprivileged user's containers own.
    static func with(
        parent: String, user: String, enter: (Scratch) throws -> Void, _ body: (Scratch) throws -> Int32
    ) throws -> Int32 {
        let account = geteuid() == 0 ? try find(user) : nil
        var template = Array((parent + "/swiftpod-bench-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw SyscallError("mkdtemp", parent) }
        let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        chmod(path, 0o755)
        if let account { chown(path, account.uid, account.gid) }
        _ = stopwatch_adopt_orphans()
        signal(SIGINT, SIG_IGN)
        let pid = stopwatch_fork()
        if pid == 0 {
            signal(SIGINT, SIG_DFL)
            _exit(inChild(path, account, body))
        }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        endChildren()
        if geteuid() != 0 { try? enter(Scratch(path: path)) }
        remove(path)
        endChildren()
        let killed = status & 0x7f
        return killed != 0 ? 128 + killed : status >> 8 & 0xff
    }

    private static func inChild(
        _ path: String, _ account: (uid: UInt32, gid: UInt32)?, _ body: (Scratch) throws -> Int32
    ) -> Int32 {
        do {
            if let account {
                if stopwatch_show_cgroup2() != 0 { throw SyscallError("mount", "cgroup2 alone") }
                if stopwatch_become(account.uid, account.gid) != 0 { throw SyscallError("setuid", "\(account.uid)") }
            }
            _ = stopwatch_adopt_orphans()
            for (name, mode) in [("run", mode_t(0o700)), ("home", 0o755), ("data", 0o755)] {
                try check("mkdir", name) { mkdir(path + "/" + name, mode) }
            }
            try check("chdir", path) { chdir(path) }
            let scratch = Scratch(path: path)
            clearenv()
            for (name, value) in scratch.environment { setenv(name, value, 1) }
            let before = podmanLocks()
            let code = try body(scratch)
            endChildren()
            // podman keeps its locks outside of everything that it can be told.
            for lock in podmanLocks() where !before.contains(lock) { unlink("/dev/shm/" + lock) }
            return code
        } catch {
            _ = try? writeAll(2, Array("Error: \(error)\n".utf8))
            endChildren()
            return 125
        }
    }

    private static func podmanLocks() -> [String] {
        ((try? Directory.entries(at: "/dev/shm")) ?? []).map(\.name).filter { $0.hasPrefix("libpod_") }
    }

    /// What programs find in their environment: nothing of the caller's but the search path and the language.
    var environment: [(name: String, value: String)] {
        var path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        // Debian keeps runc where only root looks.
        if !path.hasSuffix(":/usr/sbin:/sbin") { path += ":/usr/sbin:/sbin" }
        return [
            ("PATH", path), ("LANG", "C.UTF-8"), ("HOME", self.path + "/home"), ("XDG_RUNTIME_DIR", self.path + "/run"),
            ("XDG_DATA_HOME", self.path + "/data"), ("XDG_CONFIG_HOME", self.path + "/home/.config"),
        ]
    }

    /// A program on the search path.
    func program(_ name: String) -> String? {
        let path = environment.first { $0.name == "PATH" }?.value ?? ""
        for directory in path.split(separator: ":") where access("\(directory)/\(name)", X_OK) == 0 {
            return "\(directory)/\(name)"
        }
        return nil
    }

    private static func find(_ user: String) throws -> (uid: UInt32, gid: UInt32) {
        for line in try File.read("/etc/passwd").split(separator: 0x0a) {
            let fields = line.split(separator: 0x3a, omittingEmptySubsequences: false)
            guard fields.count > 3, fields[0].elementsEqual(user.utf8),
                let uid = UInt32(String(decoding: fields[2], as: UTF8.self)),
                let gid = UInt32(String(decoding: fields[3], as: UTF8.self))
            else { continue }
            return (uid, gid)
        }
        throw BenchError("no user \(user): name one with --user, or make it: useradd -m \(user)")
    }

    /// Reaps what has ended meanwhile and came to this process.
    static func reap() {
        while waitpid(-1, nil, WNOHANG) > 0 {}
    }

    /// Kills and reaps every child that is left, adopted ones included.
    static func endChildren() {
        for _ in 0..<500 {
            reap()
            let children = ProcessTree.children(of: getpid())
            if children.isEmpty { return }
            for child in children { kill(child, SIGKILL) }
            usleep(10_000)
        }
    }

    private static func remove(_ path: String) {
        // Processes that were just killed let go of their mounts a little later.
        for _ in 0..<20 {
            if (try? Directory.removeTree(path)) != nil { return }
            usleep(50_000)
        }
        _ = try? writeAll(2, Array("Warning: left behind: \(path)\n".utf8))
    }
}

/// Who is whose child.
enum ProcessTree {
    static func children(of pid: Int32) -> [Int32] {
        let text = (try? File.read("/proc/self/task/\(pid)/children", limit: 1 << 20)) ?? []
        return text.split(separator: 0x20).compactMap { Int32(String(decoding: $0, as: UTF8.self)) }
    }

    /// All processes below a process.
    static func descendants(of pid: Int32) -> [Int32] {
        var parents: [(pid: Int32, parent: Int32)] = []
        for entry in (try? Directory.entries(at: "/proc")) ?? [] {
            guard let number = Int32(entry.name), let stat = ProcessStat(pid: number) else { continue }
            parents.append((number, stat.parent))
        }
        var found: [Int32] = [pid]
        var next = 0
        while next < found.count {
            for process in parents where process.parent == found[next] { found.append(process.pid) }
            next += 1
        }
        return Array(found.dropFirst())
    }
}
