import Cgroups
import Glibc
import LinuxKernel
import OCISpec

/// The OCI runtime: containers made from bundles, as the runtime specification and its callers (podman, containerd) want
/// them. It shares the launch with the engine and nothing of its store. See README.md.
public struct OCIRuntime {
    public let settings: Settings
    let store: OCIStore

    public struct Settings {
        /// Where the state of containers is kept, one directory each.
        public var root: String
        /// Who makes cgroups.
        public var cgroupManager: CgroupManager = .cgroupfs
        /// Receives warnings, one line each.
        public var warn: (String) -> Void = { _ in }
        /// Where the namespace keeper of an unprivileged caller leaves its record.
        public var keeperRoot: String
        /// While this directory has an entry, the keeper stays.
        public var keeperActive: String
        /// Seconds after which an unused keeper leaves; 0 is never.
        public var keeperIdleTimeout: UInt32 = 600

        public init(root: String, keeperRoot: String) {
            self.root = root
            self.keeperRoot = keeperRoot
            keeperActive = keeperRoot + "/active"
        }
    }

    /// The values of `--cgroup-manager`.
    public enum CgroupManager: String, Sendable {
        case cgroupfs, systemd, disabled
    }

    public init(_ settings: Settings) {
        self.settings = settings
        store = OCIStore(root: settings.root)
    }

    /// A process as `create`, `run` and `exec` start it: what their options say.
    public struct StartOptions: Sendable {
        /// A local socket that receives the master of the process's terminal.
        public var consoleSocket: String?
        /// A local socket that receives a pidfd of the process.
        public var pidfdSocket: String?
        /// A file to write the process's pid into, as the caller counts.
        public var pidFile: String?
        /// So many descriptors from 3 up are the process's too.
        public var preservedDescriptors: Int = 0
        /// The caller's session keyring is kept.
        public var keepsKeyring: Bool = false
        /// The root is moved over `/` instead of pivoted to: for a root in an initramfs, where pivot_root(2) cannot work.
        public var noPivot: Bool = false
        /// Nobody waits for the process.
        public var detach: Bool = false

        public init() {}
    }

    // MARK: - Looking

    /// The state of a container in the specification's words.
    public func state(_ id: String) throws(EngineError) -> OCIState {
        var container = try store.container(id)
        // A caller that polls takes the first answer for the last: one that is just being made is waited for a little,
        // no longer than the hooks of its making, which may ask too, can bear.
        for _ in 0..<30 where container.status == .creating {
            usleep(10_000)
            container = try store.container(id)
        }
        return OCIState(container, spec: try? container.spec())
    }

    /// All containers, by name.
    public func list() throws(EngineError) -> [OCIState] {
        try store.ids().compactMap { id in
            guard let container = try? store.container(id) else { return nil }
            return OCIState(container, spec: try? container.spec())
        }
    }

    /// The pids of a container's processes, as the caller counts.
    public func processes(_ id: String) throws(EngineError) -> [Int32] {
        let container = try store.container(id)
        guard container.status != .stopped else { return [] }
        if let cgroup = container.cgroup { return cgroup.processes().sorted() }
        return container.record.process.map { [$0.pid] } ?? []
    }

    // MARK: - Signals

    /// Sends a signal to a container's first process, or to all of them.
    /// - Throws: `.invalid` where it does not run.
    public func kill(_ id: String, signal: Int32, all: Bool) throws(EngineError) {
        let container = try store.container(id)
        if all, let cgroup = container.cgroup { return cgroup.signal(signal) }
        guard container.status != .stopped, let process = container.record.process,
            let pidfd = try doing(
                "kill container \(id)", { () throws(SyscallError) in try ProcessDescriptor.open(process) })
        else {
            throw EngineError(.invalid, "kill container \(id): container not running")
        }
        try doing("kill container \(id)") { () throws(SyscallError) in
            try ProcessDescriptor.signal(pidfd.raw, signal)
        }
    }

    /// Freezes all processes of a container, or lets them go on.
    public func setPaused(_ paused: Bool, _ id: String) throws(EngineError) {
        let container = try store.container(id)
        let verb = paused ? "pause" : "resume"
        guard container.status == (paused ? .running : .paused) else {
            throw EngineError(.invalid, "\(verb) container \(id): it is \(container.status.rawValue)")
        }
        guard let cgroup = container.cgroup else {
            throw EngineError(.unsupported, "\(verb) container \(id): it has no cgroup to freeze")
        }
        do { try paused ? cgroup.freeze() : cgroup.thaw() } catch { throw EngineError(error) }
    }

    // MARK: - The end

    /// Removes a container that has ended or was never started; with `force` one that runs, too, and none is no error.
    public func delete(_ id: String, force: Bool) throws(EngineError) {
        guard store.exists(id) else {
            if force { return }
            throw OCIStore.missing(id)
        }
        // What was left half-made by a killed `create` has no record, or one without a process.
        guard let container = try? store.container(id) else {
            guard force else { throw EngineError(.invalid, "delete container \(id): its state cannot be read") }
            store.remove(id)
            return
        }
        switch container.status {
        case .stopped: break
        case .created: break
        case .creating, .running, .paused:
            guard force else {
                throw EngineError(
                    .invalid,
                    "delete container \(id): it is \(container.status.rawValue): kill it first, or use --force")
            }
        }
        try end(container)
        runPoststopHooks(container)
        container.cgroup?.remove()
        ResourceControl.remove(container.record.resourceGroupsMade)
        store.remove(id)
    }

    /// Kills what is left of a container and waits until it is gone.
    func end(_ container: OCIContainer) throws(EngineError) {
        if let process = container.record.process, container.status != .stopped {
            try doing("kill container \(container.id)") { () throws(SyscallError) in
                guard let pidfd = try ProcessDescriptor.open(process) else { return }
                do throws(SyscallError) {
                    try ProcessDescriptor.signal(pidfd.raw, SIGKILL)
                } catch  where error.errno == ESRCH {}
                if container.status == .paused { try? container.cgroup?.thaw() }
                _ = try ProcessDescriptor.waitForEnd(pidfd.raw, milliseconds: 10_000)
            }
        }
        // Without a pid namespace of its own its other processes do not end with the first.
        container.cgroup?.kill()
    }

    private func runPoststopHooks(_ container: OCIContainer) {
        guard let spec = try? container.spec(), let hooks = spec.hooks?.poststop, !hooks.isEmpty else { return }
        var state = OCIState(container, spec: spec)
        state.status = .stopped
        state.pid = 0
        for hook in hooks {
            do throws(EngineError) {
                try OCIHook(hook, kind: "poststop").run(state: state)
            } catch {
                // As the specification has it: the rest goes on as if it had succeeded.
                settings.warn(error.message)
            }
        }
    }
}
