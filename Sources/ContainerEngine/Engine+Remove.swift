import Glibc
import LinuxKernel

extension Engine {
    /// - Parameters:
    ///   - force: a running one is stopped first.
    ///   - timeout: seconds till it is killed; nil is the container's own.
    ///   - volumes: its anonymous volumes go too.
    public func remove(
        _ container: Container, force: Bool, timeout: UInt32? = nil, volumes: Bool = false
    ) throws(EngineError) {
        for _ in 0..<3 {
            guard let now = try refreshed(container) else { return }
            if now.status.isRunning {
                guard force else {
                    throw EngineError(
                        .invalid,
                        "cannot remove container \(container.id) as it is \(now.status.name) - running or paused "
                            + "containers cannot be removed without force: container state improper")
                }
                try end(now, timeout: timeout)
            }
            try session.becomePrivileged()
            guard let directory = try store.lock(container.id) else { return }
            // Somebody may have started it in between.
            let facts = RunFacts(in: directory.raw)
            if facts.livingProcess(bootID: session.bootID) != nil { continue }
            let mark = ActiveMark(owner: session.identity, container: container.id)
            try mark.set(in: session.layout)
            // A name that is free again once this returns, and nothing left that a restart policy could bring back.
            try removeWithVolumes(now.record, volumes: volumes || now.record.removeOnExit)
            mark.clear(in: session.layout)
            return
        }
        throw EngineError(.failed, "remove container \(container.name): it is started again and again")
    }
}
