import Glibc
import LinuxKernel

/// What the supervisor starts this program with when its container has ended, and a worker's witness when it has failed.
enum InternalCommand {
    static let word = "__finish"

    /// Arguments for ``Engine/internalCommand(_:)``.
    static func finish(_ id: String, _ session: EngineSession) -> [String] {
        [
            "swiftpod", word, id, session.layout.data, session.layout.runtime, "\(session.uid)", "\(session.gid)",
            "\(session.settings.keeperIdleTimeout)",
        ]
    }
}

extension Engine {
    /// First statement of a program that uses an engine: a container's clean-up starts this program again with
    /// arguments of the engine's own. Returns the exit status in that case, nil otherwise.
    public static func internalCommand(_ arguments: [String]) -> Int32? {
        guard arguments.count == 8, arguments[1] == InternalCommand.word, let uid = UInt32(arguments[5]),
            let gid = UInt32(arguments[6]), let idle = UInt32(arguments[7])
        else { return nil }
        var settings = EngineSettings(dataRoot: arguments[3], runtimeRoot: arguments[4])
        settings.keeperIdleTimeout = idle
        do {
            let engine = try Engine(settings, session: EngineSession(settings, caller: (uid, gid)))
            try engine.finish(arguments[2])
            return 0
        } catch {
            return 125
        }
    }

    /// What is to be done when a detached container has ended, or a worker has failed to start. This process was the
    /// supervisor of the one and the witness of the other.
    private func finish(_ id: String) throws(EngineError) {
        // What may have been inherited as opened before is no terminal of ours; nothing is ever said here.
        signal(SIGPIPE, SIG_IGN)
        var mark = ActiveMark(owner: session.identity, container: id)
        var restarts: UInt32 = 0
        while true {
            guard let directory = try store.lock(id), let record = try store.record(id) else {
                mark.clear(in: session.layout)
                return
            }
            let facts = RunFacts(in: directory.raw)
            if let state = facts.state {
                // This process, or the one that failed to become the container.
                mark.owner = state.supervisor
                endRun(record, state)
            }
            restarts = (facts.state?.restarts ?? 0) + 1
            let status: ExitStatus =
                facts.exit.map { $0.signal == 0 ? .exited($0.code) : .signaled($0.signal) } ?? .signaled(SIGKILL)
            let decision = RestartDecision(record.restart, status: status, facts: facts)
            guard decision.restarts else {
                leave(record, in: directory.raw, mark: mark)
                return
            }
            // Nobody is kept waiting meanwhile: it may be stopped or removed.
            flock(directory.raw, LOCK_UN)
            decision.pause(after: facts.state?.startedAt ?? Timestamp.now())
            guard let again = try store.lock(id) else { continue }
            let now = RunFacts(in: again.raw)
            if now.stopRequested || now.state != facts.state {
                leave(record, in: again.raw, mark: mark)
                return
            }
            do throws(EngineError) {
                try startDetached(record, in: again.raw, report: nil, restarts: restarts)
            } catch {
                // The end of the run before stands: what cannot be started again stays ended.
                restoreEnd(facts, in: again.raw)
                leave(record, in: again.raw, mark: mark)
                return
            }
        }
    }

    private func restoreEnd(_ facts: RunFacts, in directory: Int32) {
        guard let state = facts.state, let exit = facts.exit else { return }
        try? File.writeAtomically(exit.line, to: "exit", in: directory, mode: 0o600)
        try? File.writeAtomically(state.encoded(), to: "state.json", in: directory, mode: 0o600)
    }
}
