import Cgroups
import Glibc
import Launch
import LinuxKernel
import OCISpec

extension Engine {
    /// Runs a further process in a running container.
    /// - Returns: how it ended; nil when detached.
    public func exec(
        _ container: Container, _ configuration: ExecConfiguration, io: AttachedStreams
    ) throws(EngineError) -> ExitStatus? {
        guard let now = try refreshed(container) else { throw Engine.gone(container) }
        guard !now.status.isPaused, let process = now.facts.livingProcess(bootID: session.bootID),
            let pidfd = try doing("exec", { () throws(SyscallError) in try ProcessDescriptor.open(process) })
        else {
            throw EngineError(
                .invalid,
                "can only create exec sessions on running containers: container state improper")
        }
        try session.becomePrivileged(over: process.pid)
        let spec = now.record.specification
        let (described, warnings) = try spec.process(
            for: configuration, root: RootView(directory: "/proc/\(process.pid)/root"), caller: session.caller)
        for warning in warnings { settings.warn(warning) }

        let foreign = try doing("exec") { () throws(SyscallError) in try Namespaces.foreign(of: process.pid) }
        var options = LaunchOptions()
        options.joined = [.init(foreign, descriptor: pidfd.raw)]
        options.preservedDescriptors = configuration.preserveDescriptors
        options.createsWorkingDirectory = false
        options.guarded = true
        if !configuration.privileged {
            options.seccompFilter = try SeccompPolicy.filter(
                for: spec.seccomp, capabilities: described.capabilities?.bounding ?? [],
                cacheDirectory: session.layout.cache)
        }
        options.keepGroups = spec.keepGroups && configuration.user == nil
        let place = now.cgroupToJoin(process)
        let attach = place.flatMap { ContainerScope.attachment(to: $0, of: now.record, session) }
        if attach != nil { options.moments.insert(.created) }
        let cgroup =
            attach != nil ? nil : place.flatMap { try? OwnedDescriptor.open($0, O_RDONLY | O_DIRECTORY).release() }
        options.cgroup = cgroup
        // What limits the container limits what joins it, or it does not join.
        options.requiresCgroup = now.record.hasLimits && cgroup != nil
        defer { if let cgroup { close(cgroup) } }
        let owner = Engine.owner(described.user, spec)

        if configuration.detach {
            let session = ExecSession(process: described, options: options, owner: owner, attach: attach)
            try detached { report throws(EngineError) in
                _ = try start(session, interactive: false, io: nil, output: .dropped)
                report.succeed()
            }
            return nil
        }
        var attached = ExecSession(process: described, options: options, owner: owner, attach: attach)
        attached.options.parentDeathSignal = SIGKILL
        let running = try start(attached, interactive: configuration.interactive, io: io, output: .piped)
        defer { running.close() }
        // Without detach keys it does not end before the process.
        return try doing("wait for exec session") { () throws(SyscallError) in try running.superviseAttached(io)! }
    }

    private struct ExecSession {
        var process: RuntimeSpec.Process
        var options: LaunchOptions
        var owner: (uid: UInt32, gid: UInt32)
        /// Brings the process into the container's cgroup, where that is systemd's to do.
        var attach: ((Int32) throws(EngineError) -> Void)?
    }

    private func start(
        _ exec: ExecSession, interactive: Bool, io: AttachedStreams?, output: SupervisedStreams.Output
    ) throws(EngineError) -> SupervisedProcess {
        let streams = try doing("connect streams") { () throws(SyscallError) in
            try SupervisedStreams.make(
                terminal: exec.process.terminal, interactive: interactive, io: io, output: output, owner: exec.owner)
        }
        defer { streams.closeProcessEnds() }
        var options = exec.options
        options.input = streams.input
        options.output = streams.output
        options.error = streams.error
        var process = exec.process
        if process.terminal { process.consoleSize = Engine.size(of: io?.terminal) }
        do {
            let launched = try launch(try LaunchPlan(exec: process, facts: .gather(), options: options)) {
                moment, pid in
                if moment == .created { try exec.attach?(pid) }
            }
            let (pid, pidfd, terminal) = launched.release()
            return SupervisedProcess(
                pid: pid, pidfd: pidfd, terminal: terminal, streams: streams, log: nil, timeout: 0)
        } catch {
            streams.closeAll()
            throw Engine.explain(error, "exec")
        }
    }
}

extension Container {
    /// Where a further process belongs. A container that has divided its cgroup among children of it (systemd's do) holds
    /// no processes in the cgroup itself: then to the first process's.
    fileprivate func cgroupToJoin(_ first: ProcessIdentity) -> String? {
        guard let own = facts.state?.cgroup, record.hasLimits else { return facts.state?.cgroup }
        guard let path = CgroupHierarchy.find().cgroup(of: first.pid)?.path, path.hasPrefix(own + "/") else {
            return own
        }
        return path
    }
}
