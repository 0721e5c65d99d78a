import Glibc
import Launch
import LinuxKernel
import OCISpec

/// A further process of a container: what `exec` is asked for.
public struct OCIExec: Sendable {
    /// `process` of the specification as JSON; what follows is not looked at then.
    public var document: [UInt8]?
    public var arguments: [String] = []
    /// `NAME=VALUE`, added to the container's own.
    public var environment: [String] = []
    public var workingDirectory: String?
    /// `UID[:GID]`.
    public var user: String?
    public var additionalGroups: [UInt32] = []
    /// Capabilities beyond the container's, with or without `CAP_`.
    public var capabilities: [String] = []
    public var terminal: Bool = false
    public var noNewPrivileges: Bool?
    public var apparmorProfile: String?
    public var selinuxLabel: String?
    /// Where the container is paused the process waits with it.
    public var evenPaused: Bool = false
    /// Below the container's cgroup.
    public var cgroup: String?

    public init() {}
}

extension OCIRuntime {
    /// Runs a further process in a container that runs (or was created).
    /// - Returns: how it ended; nil when detached.
    public func exec(
        _ id: String, _ exec: OCIExec, options: StartOptions, io: AttachedStreams,
        beforeWaiting: (_ hasTerminal: Bool) -> Void = { _ in }
    ) throws(EngineError) -> ExitStatus? {
        let container = try store.container(id)
        var possible: [OCIStatus] = [.running, .created]
        if exec.evenPaused { possible.append(.paused) }
        guard possible.contains(container.status), let first = container.record.process,
            let pidfd = try doing(
                "exec in container \(id)",
                { () throws(SyscallError) in
                    try ProcessDescriptor.open(first)
                })
        else {
            throw EngineError(
                .invalid, "exec in container \(id): it is \(container.status.rawValue), not running")
        }
        let spec = try container.spec()
        let process = try described(exec, spec, root: "/proc/\(first.pid)/root")
        if process.terminal, options.detach, options.consoleSocket == nil {
            throw EngineError(.invalid, "a detached process with a terminal needs --console-socket")
        }
        var launchOptions = LaunchOptions()
        launchOptions.preservedDescriptors = options.preservedDescriptors
        launchOptions.createsWorkingDirectory = false
        launchOptions.guarded = true
        try setFilter(spec, &launchOptions)
        launchOptions.keepGroups = OCIRuntime.keepsGroups(spec)
        if !options.keepsKeyring { launchOptions.keyring = "_ses.\(id)" }
        let cgroup = try openCgroup(container, exec.cgroup)
        launchOptions.cgroup = cgroup
        launchOptions.requiresCgroup = cgroup != nil && container.record.isLimited
        defer { if let cgroup { close(cgroup) } }
        do {
            launchOptions.joined = [.init(try Namespaces.foreign(of: first.pid), descriptor: pidfd.raw)]
            if !options.detach { launchOptions.parentDeathSignal = SIGKILL }
            let plan = try LaunchPlan(exec: process, facts: .gather(), options: launchOptions)
            let state = OCIState(container, spec: spec)
            let seccomp = spec.linux?.seccomp
            var made = try launch(plan, work: { _, _ in }) { listener, pid in
                try OCISeccompListener.send(listener, of: pid, seccomp, state: state)
            }
            try handOver(&made, options)
            if options.detach { return nil }
            beforeWaiting(made.terminal != nil)
            return try OCIRuntime.wait(&made, io)
        } catch {
            throw OCIRuntime.explain(error, "exec in container \(id)")
        }
    }

    /// What the caller wants to have of the process; where it cannot get it there is no process either.
    private func handOver(_ made: inout LaunchedProcess, _ options: StartOptions) throws {
        do {
            if let path = options.consoleSocket, let terminal = made.terminal.take() {
                try ConsoleSocket.send(terminal.raw, to: path)
            }
            try options.sendDescriptor(made.pidfd.raw, "setns")
            if let path = options.pidFile {
                try File.writeAtomically("\(made.pid)".utf8, to: path, mode: 0o644)
            }
        } catch {
            try? ProcessDescriptor.signal(made.pidfd.raw, SIGKILL)
            _ = try? ProcessDescriptor.wait(made.pidfd.raw)
            throw error
        }
    }

    private func openCgroup(_ container: OCIContainer, _ below: String?) throws(EngineError) -> Int32? {
        if let below {
            guard let own = container.cgroup else {
                throw EngineError(.invalid, "--cgroup \(below): the container has no cgroup")
            }
            if below.split(separator: "/").contains("..") {
                throw EngineError(.invalid, "--cgroup \(below): leaves the container's cgroup")
            }
            do throws(SyscallError) {
                return try own.child(below).open().release()
            } catch { throw EngineError(.notFound, "open cgroup: \(error)", cause: error) }
        }
        // A container's own may be gone, or belong to somebody else.
        return try? container.cgroupToJoin()?.open().release()
    }

    private func described(
        _ exec: OCIExec, _ spec: RuntimeSpec, root: String
    ) throws(EngineError) -> RuntimeSpec.Process {
        var process: RuntimeSpec.Process
        if let document = exec.document {
            do {
                process = try RuntimeSpec.Process(parsing: document)
            } catch {
                throw EngineError(.invalid, "read process: \(error)", cause: error)
            }
        } else {
            process = spec.process ?? RuntimeSpec.Process()
            process.args = exec.arguments
            process.terminal = exec.terminal
            process.consoleSize = nil
            var variables = VariableList(process.env)
            for entry in exec.environment { variables.set(entry: entry) }
            process.env = variables.entries
            if let directory = exec.workingDirectory { process.cwd = directory }
            if let word = exec.user { process.user = try OCIRuntime.user(word, process.user) }
            process.user.additionalGids += exec.additionalGroups
            // As runc and crun have it: it is the first process's own, and a further one asks anew.
            process.noNewPrivileges = exec.noNewPrivileges ?? false
            if let profile = exec.apparmorProfile { process.apparmorProfile = profile }
            if let label = exec.selinuxLabel { process.selinuxLabel = label }
            OCIRuntime.add(exec.capabilities, to: &process)
        }
        OCIRuntime.setHome(&process, root: RootView(directory: root))
        return process
    }

    /// `UID[:GID]`, numbers only: names are the caller's business.
    private static func user(_ word: String, _ own: RuntimeSpec.User) throws(EngineError) -> RuntimeSpec.User {
        let parts = word.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        // CVE-2026-30892: digits and nothing else; Swift itself would take +0 for a number.
        func number(_ text: Substring) -> UInt32? {
            text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? UInt32(text) : nil
        }
        guard let uid = number(parts[0]), let gid = parts.count == 2 ? number(parts[1]) : own.gid else {
            throw EngineError(.invalid, "--user \(word): must be UID[:GID]")
        }
        return RuntimeSpec.User(uid: uid, gid: gid, umask: own.umask, additionalGids: own.additionalGids)
    }

    private static func add(_ names: [String], to process: inout RuntimeSpec.Process) {
        if names.isEmpty { return }
        var sets = process.capabilities ?? RuntimeSpec.Capabilities()
        for name in names {
            let upper = name.uppercased()
            let full = upper.hasPrefix("CAP_") ? upper : "CAP_" + upper
            for path in [\RuntimeSpec.Capabilities.bounding, \.effective, \.permitted]
            where !sets[keyPath: path].contains(full) {
                sets[keyPath: path].append(full)
            }
        }
        process.capabilities = sets
    }

    /// HOME of the user's entry in the container's passwd file, as the common runtimes set it where it is missing.
    static func setHome(_ process: inout RuntimeSpec.Process, root: RootView) {
        if process.env.contains(where: { $0.hasPrefix("HOME=") }) { return }
        let home = AccountFiles(root: root).user(process.user.uid)?.home ?? ""
        process.env.append("HOME=\(home.isEmpty ? "/" : home)")
    }
}
