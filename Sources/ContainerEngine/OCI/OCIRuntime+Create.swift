import CShims
import Cgroups
import Glibc
import Launch
import LinuxKernel
import OCISpec

extension OCIRuntime {
    /// Makes a container from a bundle; its process waits for ``start(_:)``.
    ///
    /// Whatever fails, nothing of it is left.
    public func create(
        _ id: String, bundle directory: String, config: String?, options: StartOptions
    ) throws(EngineError) {
        let process = try make(id, bundle: directory, config: config, options: options)
        _ = consume process
    }

    /// A container that has been made: its process is a child of this one.
    struct Made: ~Copyable {
        var container: OCIContainer
        var process: LaunchedProcess
    }

    func make(
        _ id: String, bundle directory: String, config: String?, options: StartOptions
    ) throws(EngineError) -> Made {
        try OCIStore.check(id)
        if store.exists(id) { throw EngineError(.exists, "container \(id) already exists") }
        let bundle = try OCIBundle(directory, config: config)
        try checkTerminal(bundle.spec.process ?? RuntimeSpec.Process(), options)
        let identity = ProcessIdentity(runningAs: getpid()) ?? ProcessIdentity(pid: getpid(), startTime: 0)
        var record = OCIRecord(
            id: id, bundle: bundle.path, rootfs: bundle.rootfs, created: Timestamp.now().description,
            owner: OCIRuntime.userName(geteuid()), bootID: Boot.id(), creator: identity)
        var spec = bundle.spec
        record.addedUserNamespace = try enterUserNamespace(&spec)
        var launchOptions = LaunchOptions()
        launchOptions.preservedDescriptors = options.preservedDescriptors
        launchOptions.moments = [.created, .mounted]
        launchOptions.noPivot = options.noPivot
        launchOptions.guarded = true
        if !options.keepsKeyring { launchOptions.keyring = "_ses.\(id)" }
        try setFilter(spec, &launchOptions)
        launchOptions.keepGroups = OCIRuntime.keepsGroups(spec)
        if var process = spec.process {
            OCIRuntime.setHome(&process, root: RootView(directory: bundle.rootfs))
            OCIRuntime.passSockets(&process, &launchOptions)
            spec.process = process
        }
        let notify = OCIReadiness.directory(of: store.directory(id), spec)
        if let notify { OCIReadiness.announce(notify, in: &spec) }
        var birth = OCIBirth(
            runtime: self, record: record, bundle: bundle, spec: spec, options: options, notify: notify,
            facts: .gather())
        return try birth.make(&launchOptions)
    }

    func setFilter(_ spec: RuntimeSpec, _ options: inout LaunchOptions) throws(EngineError) {
        guard let profile = spec.linux?.seccomp else { return }
        options.seccompListener = try SeccompPolicy.asksListener(profile)
        options.seccompFlags = try SeccompPolicy.flags(profile, hasListener: options.seccompListener)
        options.seccompFilter = try SeccompPolicy.compile(profile)
    }

    /// podman's `--group-add keep-groups`, which it says in this annotation of crun's.
    static func keepsGroups(_ spec: RuntimeSpec) -> Bool { spec.annotations[keepGroupsAnnotation] == "1" }

    static let keepGroupsAnnotation = "run.oci.keep_original_groups"

    /// Sockets that the caller was given by its service manager are the container's: sd_listen_fds(3).
    private static func passSockets(_ process: inout RuntimeSpec.Process, _ options: inout LaunchOptions) {
        guard let text = getenv("LISTEN_FDS").map({ String(cString: $0) }), let count = Int(text),
            (1...1024).contains(count)
        else { return }
        options.preservedDescriptors += count
        process.env += ["LISTEN_FDS=\(count)", "LISTEN_PID=1"]
        if let names = getenv("LISTEN_FDNAMES") { process.env.append("LISTEN_FDNAMES=\(String(cString: names))") }
    }

    private func checkTerminal(_ process: RuntimeSpec.Process, _ options: StartOptions) throws(EngineError) {
        if process.terminal, options.detach, options.consoleSocket == nil {
            throw EngineError(.invalid, "a detached process with a terminal needs --console-socket")
        }
        if !process.terminal, options.consoleSocket != nil {
            throw EngineError(.invalid, "--console-socket: the process has no terminal")
        }
    }

    /// The name in the host's passwd file, or the number.
    static func userName(_ uid: UInt32) -> String {
        if uid == 0 { return "root" }
        let text = (try? File.readIfPresent("/etc/passwd")) ?? nil
        for line in (text ?? []).split(separator: 0x0a) {
            let fields = line.split(separator: UInt8(ascii: ":"), maxSplits: 3, omittingEmptySubsequences: false)
            if fields.count > 3, String(decoding: fields[2], as: UTF8.self) == "\(uid)" {
                return String(decoding: fields[0], as: UTF8.self)
            }
        }
        return "\(uid)"
    }
}

/// The making of one container, step by step, each undone when a later one fails.
private struct OCIBirth {
    let runtime: OCIRuntime
    var record: OCIRecord
    let bundle: OCIBundle
    let spec: RuntimeSpec
    let options: OCIRuntime.StartOptions
    /// The directory of its socket of sd_notify(3), where it gets one.
    let notify: String?
    let facts: HostFacts
    private var cgroup: Cgroup?

    init(
        runtime: OCIRuntime, record: OCIRecord, bundle: OCIBundle, spec: RuntimeSpec,
        options: OCIRuntime.StartOptions, notify: String?, facts: HostFacts
    ) {
        self.runtime = runtime
        self.record = record
        self.bundle = bundle
        self.spec = spec
        self.options = options
        self.notify = notify
        self.facts = facts
    }

    private var store: OCIStore { runtime.store }
    private var id: String { record.id }

    mutating func make(_ launchOptions: inout LaunchOptions) throws(EngineError) -> OCIRuntime.Made {
        // Planned before anything is made, with a stand-in for the socket: what cannot be planned leaves nothing.
        var probe = launchOptions
        probe.startSocket = -1
        _ = try plan(probe)
        let maker = try OCICgroup(for: id, spec, isRootless: facts.inUserNamespace, runtime)
        record.isLimited = maker.isRequired
        try store.claim(record)
        let directory = store.directory(id)
        do {
            let made = try maker.make { path in
                record.cgroup = path
                try store.write(record)
            }
            if made == nil { record.cgroup = nil }
            cgroup = made
            try File.writeAtomically(bundle.text, to: directory + "/config.json", mode: 0o600)
            if let notify { try Directory.create(notify, mode: 0o755) }
            let listener = OwnedDescriptor(adopting: try listen(directory))
            launchOptions.startSocket = listener.raw
            let cgroupDirectory = try cgroup?.open().release()
            defer { if let cgroupDirectory { close(cgroupDirectory) } }
            launchOptions.cgroup = cgroupDirectory
            launchOptions.requiresCgroup = cgroupDirectory != nil && maker.isRequired
            let plan = try plan(launchOptions)
            let process = try launch(plan) { moment, pid in
                if moment == .created, let scope = try maker.start(pid: pid) {
                    cgroup = scope
                    record.isScope = true
                }
                try work(moment, pid)
            }
            return try finish(process)
        } catch {
            cgroup?.remove()
            ResourceControl.remove(record.resourceGroupsMade)
            store.remove(id)
            throw OCIRuntime.explain(error, "create container \(id)")
        }
    }

    private func listen(_ directory: String) throws -> Int32 {
        // By descriptor: a socket's path has room for 107 bytes.
        let parent = try OwnedDescriptor.open(directory, O_RDONLY | O_DIRECTORY)
        return try check("bind", "start socket") { swiftpod_listen("\(parent.procPath)/start") }
    }

    private func plan(_ launchOptions: LaunchOptions) throws(EngineError) -> LaunchPlan {
        do {
            return try LaunchPlan(
                spec: spec, rootfs: .directory(bundle.rootfs), facts: facts, options: launchOptions)
        } catch {
            throw EngineError(.invalid, error.description, cause: error)
        }
    }

    /// While the process waits. Killed here, this process takes it along: it ends when the channel does.
    private mutating func work(_ moment: LaunchMoment, _ pid: Int32) throws {
        switch moment {
        case .created:
            record.cgroup = cgroup?.path
            try enterResourceGroup(pid)
            record.process = ProcessIdentity(runningAs: pid)
            try store.write(record)
        case .mounted:
            // Late: what fails after it takes the devices along.
            try OCINetDevices(spec.linux).move(to: pid)
            let hooks = spec.hooks ?? RuntimeSpec.Hooks()
            var state = OCIState(
                OCIContainer(record: record, directory: store.directory(id), status: .creating), spec: spec)
            state.pid = pid
            for hook in hooks.prestart { try OCIHook(hook, kind: "prestart").run(state: state) }
            for hook in hooks.createRuntime { try OCIHook(hook, kind: "createRuntime").run(state: state) }
            for hook in hooks.createContainer {
                try OCIHook(hook, kind: "createContainer").run(state: state, joining: pid)
            }
        case .starting: break
        }
    }

    private mutating func enterResourceGroup(_ pid: Int32) throws(EngineError) {
        guard let request = try ResourceControl.Request(spec.linux?.intelRdt) else { return }
        let control = try ResourceControl.find()
        let group = try control.group(for: request, id: id)
        record.resourceGroup = group.path
        record.resourceGroupsMade = group.made
        try control.add(pid, to: group, id: id)
    }

    private mutating func finish(_ made: consuming LaunchedProcess) throws -> OCIRuntime.Made {
        do {
            if let path = options.consoleSocket, let terminal = made.terminal.take() {
                try ConsoleSocket.send(terminal.raw, to: path)
            }
            try options.sendDescriptor(made.pidfd.raw, "standard")
            record.isReady = true
            record.process = ProcessIdentity(runningAs: made.pid)
            try store.write(record)
            if let path = options.pidFile {
                try File.writeAtomically("\(made.pid)".utf8, to: path, mode: 0o644)
            }
        } catch {
            try? ProcessDescriptor.signal(made.pidfd.raw, SIGKILL)
            _ = try? ProcessDescriptor.wait(made.pidfd.raw)
            throw error
        }
        return OCIRuntime.Made(
            container: OCIContainer(record: record, directory: store.directory(id), status: .created), process: made)
    }
}

/// The socket that a caller listens at for the master of a container's terminal.
enum ConsoleSocket {
    static func send(_ terminal: Int32, to path: String) throws {
        let socket = OwnedDescriptor(adopting: try check("connect", path) { swiftpod_connect(path) })
        try socket.send(descriptors: [terminal])
    }
}

extension OCIRuntime.StartOptions {
    /// To `--pidfd-socket`, with runc's word for the kind of process.
    func sendDescriptor(_ pidfd: Int32, _ kind: String) throws {
        guard let path = pidfdSocket else { return }
        let socket = OwnedDescriptor(adopting: try check("connect", path) { swiftpod_connect(path) })
        let bytes = Array(kind.utf8)
        var descriptor = pidfd
        guard swiftpod_send_message(socket.raw, bytes, bytes.count, &descriptor, 1) == bytes.count else {
            throw SyscallError("sendmsg", path)
        }
    }
}

extension OCIRuntime {
    static func explain(_ error: any Error, _ doing: String) -> EngineError { Engine.explain(error, doing) }
}
