import CShims
import Glibc

/// A helper program of the host: newuidmap, pasta.
public struct HelperProgram: Sendable {
    public let path: String

    /// The first executable file of that name on PATH, then in the directories where distributions put helpers that
    /// an unprivileged PATH may lack.
    public init?(named name: String) {
        var directories = (getenv("PATH").map { String(cString: $0) } ?? "").split(separator: ":").map(String.init)
        directories += ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin"]
        for directory in directories {
            let candidate = "\(directory)/\(name)"
            if directory.hasPrefix("/"), access(candidate, X_OK) == 0 {
                self.path = candidate
                return
            }
        }
        return nil
    }

    public init(path: String) {
        self.path = path
    }

    /// Starts it with an empty signal mask. `descriptors` are the child's: source to number; its stdin, unless named,
    /// is /dev/null, and so are stdout and stderr.
    public func start(
        _ arguments: [String], name: String? = nil, descriptors: [(source: Int32, number: Int32)] = []
    ) throws(SyscallError) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        for number: Int32 in 0...2 where !descriptors.contains(where: { $0.number == number }) {
            posix_spawn_file_actions_addopen(&actions, number, "/dev/null", number == 0 ? O_RDONLY : O_WRONLY, 0)
        }
        // Above all the numbers that are given out: the first would overwrite the next one's source otherwise.
        let floor = (descriptors.map(\.number).max() ?? 2) + 1
        var moved: [Int32] = []
        defer { for descriptor in moved { close(descriptor) } }
        for (source, number) in descriptors {
            let copy = try check("fcntl", "F_DUPFD_CLOEXEC") { swiftpod_fcntl(source, F_DUPFD_CLOEXEC, Int(floor)) }
            moved.append(copy)
            posix_spawn_file_actions_adddup2(&actions, copy, number)
        }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var words: [UnsafeMutablePointer<CChar>?] = ([name ?? path] + arguments).map { strdup($0) }
        words.append(nil)
        defer { for word in words { free(word) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, path, &actions, &attributes, words, environ)
        guard code == 0 else { throw SyscallError("posix_spawn", path, errno: code) }
        return pid
    }

    /// Runs it to its end, with `input` as its stdin. Returns how it ended and what it wrote to stderr by then.
    public func run(
        _ arguments: [String], input: Int32? = nil
    ) throws(SyscallError) -> (status: ExitStatus, diagnostics: String) {
        // A file rather than a pipe: a helper that leaves a daemon behind leaves it our descriptor too, and a pipe
        // would not end.
        let text = try OwnedDescriptor.memoryFile(named: "diagnostics")
        var descriptors: [(source: Int32, number: Int32)] = [(text.raw, 2)]
        if let input { descriptors.append((input, 0)) }
        let pid = try start(arguments, descriptors: descriptors)
        let pidfd = try ProcessDescriptor.open(pid)
        let status = try ProcessDescriptor.wait(pidfd.raw)
        try check("lseek", "diagnostics") { lseek(text.raw, 0, SEEK_SET) }
        return (status, String(decoding: try text.readAll(limit: 1 << 20), as: UTF8.self))
    }
}
