import Foundation
import Testing

/// A world of its own for one test: home, runtime directory, store, scratch files. It ends with the test, and what the
/// runtime has left behind then is the test's failure.
final class Pod: @unchecked Sendable {
    let account: Account
    /// Everything below.
    let directory: String
    /// Owned by the account; for bind mounts, files and archives.
    let files: String
    /// The binary, under a path that is this fixture's alone: `/proc/PID/exe` tells whose process one is.
    let binary: String
    var environment: [String: String]
    private var globals: [String] = []
    private var counted = 0

    static let tiny = "localhost/tiny:latest"

    /// Runs the test's body in a new world.
    static func with(_ account: Account, _ images: String..., body: (Pod) throws -> Void) throws {
        let pod = try Pod(account)
        do {
            try pod.load(images.isEmpty ? ["tiny"] : images.filter { $0 != "none" })
            try body(pod)
        } catch {
            pod.end()
            throw error
        }
        pod.end()
    }

    private init(_ account: Account) throws {
        self.account = account
        directory = Machine.scratch + "/" + Pod.nextName()
        files = directory + "/f"
        binary = Machine.isPodman ? Machine.binary : directory + "/bin/swiftpod"
        environment = [
            "PATH": directory + "/bin:" + Machine.path, "HOME": directory + "/home", "TERM": "xterm",
            "USER": account.login, "XDG_RUNTIME_DIR": directory + "/run", "LC_ALL": "C.UTF-8",
        ]
        for (name, mode) in [("", 0o755), ("bin", 0o755), ("home", 0o700), ("run", 0o700), ("f", 0o755)] {
            let path = directory + "/" + name
            guard mkdir(path, mode_t(mode)) == 0, chmod(path, mode_t(mode)) == 0 else {
                throw Failure("make \(path): \(String(cString: strerror(errno)))")
            }
            if account.uid != geteuid() { chown(path, account.uid, account.gid) }
        }
        if account.isRoot {
            globals = ["--root", directory + "/data", "--runroot", directory + "/run/root"]
        }
        if Machine.isPodman {
            preparePodman()
        } else {
            try installBinary()
        }
    }

    private static let names = NameCounter()
    private static func nextName() -> String { "\(names.next())" }

    /// One copy in the scratch directory, a hard link of it for every fixture.
    private static let master: String = {
        let copy = Machine.scratch + "/swiftpod"
        Machine.tool("install", "-m", "755", Machine.binary, copy)
        return copy
    }()

    private func installBinary() throws {
        guard link(Pod.master, binary) == 0 else {
            throw Failure("install \(Machine.binary): \(String(cString: strerror(errno)))")
        }
        symlink("swiftpod", directory + "/bin/podman")
    }

    private func preparePodman() {
        if account.isRoot {
            globals += ["--storage-driver=overlay", "--cgroup-manager=cgroupfs", "--events-backend=file"]
        }
        let configuration = directory + "/home/.config/containers"
        Machine.tool("mkdir", "-p", configuration)
        try? "[storage]\ndriver = \"overlay\"\n".write(
            toFile: configuration + "/storage.conf", atomically: false, encoding: .utf8)
        try? "[engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n".write(
            toFile: configuration + "/containers.conf", atomically: false, encoding: .utf8)
        Machine.tool("chown", "-R", "\(account.uid):\(account.gid)", directory + "/home")
    }

    // Commands

    /// The command line, ready to run.
    func command(_ words: [String]) -> Command {
        var all = account.prefix + [binary] + globals
        var rest = words[...]
        if Machine.isPodman, account.isRoot, let verb = rest.first, verb == "run" || verb == "create" {
            all += [verb, "--cgroups=disabled", "--ulimit=nofile=1024:1024", "--ulimit=nproc=10000:10000"]
            rest = rest.dropFirst()
        }
        return Command(words: all + rest, environment: environment, directory: files)
    }

    /// Runs the runtime with these words.
    @discardableResult
    func callAsFunction(_ words: [String], input: String? = nil, seconds: Double = 60) -> Output {
        var command = command(words)
        if let input { command.input = .text(input) }
        command.seconds = seconds
        return clean(command.run())
    }

    @discardableResult
    func callAsFunction(_ words: String..., input: String? = nil, seconds: Double = 60) -> Output {
        self(words, input: input, seconds: seconds)
    }

    /// `run --rm --network=none OPTIONS tiny sh -c SCRIPT`.
    func sh(_ options: [String] = [], _ script: String, image: String = Pod.tiny, input: String? = nil) -> Output {
        self(["run", "--rm", "--network=none"] + options + [image, "/bin/sh", "-c", script], input: input)
    }

    /// Starts the runtime and comes back at once.
    func start(_ words: String..., input: Command.Input = .null) throws -> RunningCommand {
        try start(words, input: input)
    }

    func start(_ words: [String], input: Command.Input = .null) throws -> RunningCommand {
        var command = command(words)
        command.input = input
        return try command.start()
    }

    /// A program of the machine, as this account.
    @discardableResult
    func tool(_ words: String..., input: String? = nil, seconds: Double = 120) -> Output {
        var command = Command(words: account.prefix + words, environment: environment, directory: files)
        command.seconds = seconds
        if let input { command.input = .text(input) }
        return command.run()
    }

    /// podman warns of this machine, which says nothing about the tests.
    private func clean(_ output: Output) -> Output {
        guard Machine.isPodman else { return output }
        var output = output
        output.err = output.err.split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !$0.contains("level=warning") }.joined(separator: "\n")
        return output
    }

    func load(_ images: [String]) throws {
        for image in images {
            let loaded = self("load", "-q", "-i", archive(image))
            guard loaded.ok else { throw Failure("load: \(loaded)") }
        }
    }

    func archive(_ image: String) -> String { "\(Machine.archives)/\(image).tar" }

    /// A file of the account's in `files`.
    @discardableResult
    func write(_ name: String, _ text: String, mode: mode_t = 0o644) -> String {
        let path = files + "/" + name
        _ = FileManager.default.createFile(atPath: path, contents: Data(text.utf8))
        chmod(path, mode)
        if account.uid != geteuid() { chown(path, account.uid, account.gid) }
        return path
    }

    @discardableResult
    func makeDirectory(_ name: String, mode: mode_t = 0o755) -> String {
        let path = files + "/" + name
        mkdir(path, mode)
        chmod(path, mode)
        if account.uid != geteuid() { chown(path, account.uid, account.gid) }
        return path
    }

    func read(_ name: String) -> String? {
        (FileManager.default.contents(atPath: files + "/" + name)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// A container in the background that does nothing, gone with the fixture.
    func background(_ options: [String] = [], _ script: String = "trap 'exit 0' TERM; while :; do sleep 0.1; done")
        throws -> String
    {
        let started = self(["run", "-d", "--network=none"] + options + [Pod.tiny, "/bin/sh", "-c", script])
        guard started.ok else { throw Failure("run -d: \(started)") }
        return started.text
    }

    /// One value of `inspect`, by podman's template.
    func inspect(_ container: String, _ template: String) -> String {
        self("inspect", "--format", template, container).text
    }

    /// The host's pid of a running container.
    func hostPID(_ container: String) -> pid_t { pid_t(inspect(container, "{{.State.Pid}}")) ?? 0 }

    // The end

    private func end() {
        let removed = self("rm", "-a", "-f", "-t", "0", seconds: 60)
        if !removed.ok { Issue.record("rm -af: \(removed)") }
        let volumes = self("volume", "prune", "-f")
        _ = volumes
        if Machine.isPodman {
            self("system", "migrate")
            for process in Leaks.processes(of: self) { kill(process.pid, SIGKILL) }
        } else {
            Leaks.check(self)
        }
        for mount in Leaks.mounts(below: directory) {
            if !Machine.isPodman { Issue.record("left mounted: \(mount)") }
            umount2(mount, Int32(MNT_DETACH))
        }
        Machine.erase(directory)
        if access(directory, F_OK) == 0 { Issue.record("cannot remove \(directory)") }
    }
}

/// Numbers that no two fixtures share.
private final class NameCounter: @unchecked Sendable {
    private let lock = NSLock()
    private var value = 0
    func next() -> Int {
        lock.lock()
        defer { lock.unlock() }
        value += 1
        return value
    }
}
