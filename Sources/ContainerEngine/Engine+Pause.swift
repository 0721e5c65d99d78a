import Cgroups
import LinuxKernel

extension Engine {
    /// Freezes every process of the container.
    /// - Throws: `.invalid` where it does not run, `.unsupported` where it has no cgroup of its own.
    public func pause(_ container: Container) throws(EngineError) {
        guard let now = try refreshed(container) else { throw Engine.gone(container) }
        guard case .running = now.status else {
            throw EngineError(
                .invalid, "\"\(now.status.name)\" is not running, can't pause: container state improper")
        }
        try setFrozen(true, now)
    }

    /// Lets a paused container go on.
    /// - Throws: `.invalid` where it is not paused.
    public func unpause(_ container: Container) throws(EngineError) {
        guard let now = try refreshed(container) else { throw Engine.gone(container) }
        guard now.status.isPaused else {
            throw EngineError(
                .invalid, "\"\(container.id)\" is not paused, can't unpause: container state improper")
        }
        try setFrozen(false, now)
    }

    private func setFrozen(_ frozen: Bool, _ container: Container) throws(EngineError) {
        let cgroup = try cgroup(of: container)
        do throws(CgroupError) {
            if frozen { try cgroup.freeze() } else { try cgroup.thaw() }
        } catch { throw EngineError(error) }
        note(frozen ? .pause : .unpause, container.record)
    }

    /// The cgroup of a container that runs.
    func cgroup(of container: Container) throws(EngineError) -> Cgroup {
        guard let path = container.facts.state?.cgroup else {
            throw EngineError(
                .unsupported,
                "container \(container.name) has no cgroup of its own: cgroup v2 with a subtree that the caller may "
                    + "write is needed when it is started")
        }
        return Cgroup(recorded: path)
    }
}
