import CShims
import Glibc
import Launch
import LinuxKernel
import OCISpec

extension OCIRuntime {
    /// Lets the process of a created container execute its command.
    /// - Throws: `.commandNotFound` and `.cannotInvoke` where it cannot, else what went wrong; the container has ended
    ///   then.
    public func start(_ id: String) throws(EngineError) {
        _ = try store.container(id)
        let (container, spec, readiness) = try beginLocked(id)
        try finish(container, spec: spec, waitsFor: readiness)
    }

    /// Two that start the same container come one after the other, and the second finds it running. Until it is ready
    /// nobody is kept from it.
    private func beginLocked(_ id: String) throws(EngineError) -> (OCIContainer, RuntimeSpec, OCIReadiness?) {
        let lock = try doing("start container \(id)") { () throws(SyscallError) in
            try FileLock(store.directory(id) + "/lock")
        }
        defer { withExtendedLifetime(lock) {} }
        let container = try store.container(id)
        guard container.status == .created else {
            throw EngineError(
                .invalid, "start container \(id): it is \(container.status.rawValue), not created")
        }
        let spec = try container.spec()
        let readiness = try listen(container)
        try begin(container, spec: spec)
        return (container, spec, readiness)
    }

    private func begin(_ container: OCIContainer, spec: RuntimeSpec) throws(EngineError) {
        let state = OCIState(container, spec: spec)
        do {
            for hook in spec.hooks?.startContainer ?? [] {
                try OCIHook(hook, kind: "startContainer").run(state: state, joining: state.pid, insideRoot: true)
            }
            // By descriptor: a socket's path has room for 107 bytes.
            let directory = try OwnedDescriptor.open(container.directory, O_RDONLY | O_DIRECTORY)
            try startPrepared(
                socket: "\(directory.procPath)/start", command: spec.process?.args.first ?? ""
            ) { listener in
                try OCISeccompListener.send(listener, of: state.pid, spec.linux?.seccomp, state: state)
            }
            unlink(container.startSocket)
        } catch {
            try? end(container)
            throw OCIRuntime.explain(error, "start container \(container.id)")
        }
    }

    /// - Parameter readiness: waited for: only then the container counts as started.
    private func finish(
        _ container: OCIContainer, spec: RuntimeSpec, waitsFor readiness: OCIReadiness?
    ) throws(EngineError) {
        if let readiness, let process = container.record.process {
            try doing("wait for container \(container.id) to be ready") { () throws(SyscallError) in
                try readiness.wait(for: process)
            }
        }
        var state = OCIState(container, spec: spec)
        state.status = .running
        for hook in spec.hooks?.poststart ?? [] {
            do throws(EngineError) {
                try OCIHook(hook, kind: "poststart").run(state: state)
            } catch {
                // As the specification has it: the container is stopped and destroyed.
                try? delete(container.id, force: true)
                throw error
            }
        }
    }

    private func listen(_ container: OCIContainer) throws(EngineError) -> OCIReadiness? {
        try doing("start container \(container.id)") { () throws(SyscallError) in
            try OCIReadiness(container, warn: settings.warn)
        }
    }

    /// Creates and starts a container. Unless it is detached, waits for its end and removes it.
    ///
    /// - Parameters:
    ///   - keep: it is not removed.
    ///   - io: the caller's streams. Without a terminal the process has them as they are.
    ///   - beforeWaiting: called when the command runs, and told whether its terminal is passed through here.
    /// - Returns: how it ended; nil when detached.
    public func run(
        _ id: String, bundle: String, config: String?, options: StartOptions, keep: Bool, io: AttachedStreams,
        beforeWaiting: (_ hasTerminal: Bool) -> Void = { _ in }
    ) throws(EngineError) -> ExitStatus? {
        var made = try make(id, bundle: bundle, config: config, options: options)
        let container = made.container
        let readiness: OCIReadiness?
        do throws(EngineError) {
            readiness = try listen(container)
            let spec = try container.spec()
            try begin(container, spec: spec)
            try finish(container, spec: spec, waitsFor: options.detach ? readiness : nil)
        } catch {
            try? remove(container)
            throw error
        }
        if options.detach { return nil }
        beforeWaiting(made.process.terminal != nil)
        let status = try doing("wait for container \(id)") { () throws(SyscallError) in
            try OCIRuntime.wait(&made.process, io, readiness)
        }
        if !keep { try remove(container) }
        return status
    }

    private func remove(_ container: OCIContainer) throws(EngineError) {
        try delete(container.id, force: true)
    }

    /// Passes signals on, and what goes through the terminal where there is one.
    static func wait(
        _ process: inout LaunchedProcess, _ io: AttachedStreams, _ readiness: OCIReadiness? = nil
    ) throws(SyscallError) -> ExitStatus {
        var loop = swiftpod_supervision()
        loop.pidfd = process.pidfd.raw
        loop.output = (-1, -1)
        loop.attached = (-1, -1)
        loop.input = -1
        loop.input_sink = -1
        loop.size_source = -1
        loop.log = -1
        loop.exit_file = -1
        loop.proxy = 1
        loop.notes = -1
        loop.manager = -1
        readiness?.watch(in: &loop)
        defer { withExtendedLifetime(readiness) {} }
        loop.terminal = process.terminal.take()?.release() ?? -1
        defer { if loop.terminal >= 0 { close(loop.terminal) } }
        if loop.terminal >= 0 {
            loop.attached.0 = io.stdout ?? -1
            loop.input = io.stdin ?? -1
            loop.size_source = io.terminal ?? -1
        }
        try check("waitid") { swiftpod_supervise(&loop) }
        return loop.end_kind == 1 ? .exited(loop.end_status) : .signaled(loop.end_status)
    }
}
