import Cgroups
import Glibc
import LinuxKernel

extension Engine {
    /// - Throws: `.invalid` where it does not run.
    public func kill(_ container: Container, signal: Int32) throws(EngineError) {
        guard let now = try refreshed(container) else { throw Engine.gone(container) }
        guard let process = now.facts.livingProcess(bootID: session.bootID) else {
            throw EngineError(
                .invalid,
                "can only kill running containers. \(container.id) is in state \(now.status.name): "
                    + "container state improper")
        }
        try session.becomePrivileged(over: process.pid)
        try send(signal, to: process, of: container)
        note(.kill, container.record)
    }

    /// Asks with the container's stop signal, and kills after `timeout` seconds (nil: the container's own). One that
    /// does not run is left as it is.
    /// - Throws: `.invalid` where it is paused: nothing in it can answer.
    public func stop(_ container: Container, timeout: UInt32?) throws(EngineError) {
        guard let now = try refreshed(container) else { throw Engine.gone(container) }
        guard !now.status.isPaused else {
            throw EngineError(
                .invalid,
                "can only stop created or running containers. \(now.id) is in state paused: container state improper")
        }
        try end(now, timeout: timeout)
    }

    /// Stops one in whatever state, a frozen one at once.
    func end(_ container: Container, timeout: UInt32?) throws(EngineError) {
        guard let process = container.facts.livingProcess(bootID: session.bootID) else {
            // It may be waiting to be restarted.
            if container.record.restart != .no { try markStopped(container) }
            return
        }
        guard
            let pidfd = try doing("stop container", { () throws(SyscallError) in try ProcessDescriptor.open(process) })
        else { return }
        try session.becomePrivileged(over: process.pid)
        try markStopped(container)
        let spec = container.record.specification
        let seconds = container.status.isPaused ? 0 : timeout ?? spec.stopTimeout
        if seconds > 0 {
            try send(spec.stopSignal, to: process, of: container)
            let limit = Int32(clamping: UInt64(seconds) * 1000)
            let ended = try doing("stop container") { () throws(SyscallError) in
                try ProcessDescriptor.waitForEnd(pidfd.raw, milliseconds: limit)
            }
            if !ended {
                settings.warn(
                    "StopSignal \(SignalNumber.name(spec.stopSignal)) failed to stop container \(container.name) "
                        + "in \(seconds) seconds, resorting to SIGKILL")
            }
        }
        if (try? ProcessDescriptor.waitForEnd(pidfd.raw, milliseconds: 0)) != true {
            try send(SIGKILL, to: process, of: container)
            if let cgroup = container.facts.state?.cgroup { Cgroup(recorded: cgroup).kill() }
            _ = try doing("stop container") { () throws(SyscallError) in
                try ProcessDescriptor.waitForEnd(pidfd.raw, milliseconds: 30_000)
            }
        }
        awaitSupervisor(container.facts.state, milliseconds: 5000)
        note(.stop, container.record)
    }

    /// No restart policy brings it back.
    private func markStopped(_ container: Container) throws(EngineError) {
        let path = container.directory + "/stop"
        if mknod(path, S_IFREG | 0o600, 0) == 0 || errno == EEXIST || errno == ENOENT { return }
        throw EngineError(.failed, "stop container: \(SyscallError("mknod", path))")
    }

    private func send(_ signal: Int32, to process: ProcessIdentity, of container: Container) throws(EngineError) {
        do {
            guard let pidfd = try ProcessDescriptor.open(process) else { return }
            try ProcessDescriptor.signal(pidfd.raw, signal)
        } catch  where error.errno == ESRCH {
            // Ended in between, which is what was wanted or what any signal would have met.
        } catch {
            throw EngineError(.failed, "send signal \(signal) to container \(container.name): \(error)", cause: error)
        }
    }

    /// Its supervisor still writes the end down, takes down the network, removes it.
    func awaitSupervisor(_ state: RunState?, milliseconds: Int32) {
        guard let state, state.supervisor != session.identity,
            let pidfd = (try? ProcessDescriptor.open(state.supervisor)) ?? nil
        else { return }
        _ = try? ProcessDescriptor.waitForEnd(pidfd.raw, milliseconds: milliseconds)
    }
}
