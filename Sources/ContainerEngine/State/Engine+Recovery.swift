import CShims
import Glibc
import LinuxKernel

extension Engine {
    /// Puts right what killed processes have left: half-made and half-removed containers, containers whose supervisor
    /// is gone. Reads one directory that is empty when nothing runs.
    ///
    /// - Parameter entirely: whatever is left goes before this returns. Else, where that is much, it goes by and by, and
    ///   ``isGone(_:)`` tells what is to be passed over until then.
    package func cleanUpAfterTheDead(entirely: Bool = false, glancing: Bool = false) throws(EngineError) {
        let orphans = ActiveMark.orphaned(in: session.layout, glancing: glancing)
        if orphans.isEmpty { return }
        if orphans.count > 4, !entirely { return try cleanUpAside(orphans) }
        // Their files belong to users of theirs.
        try session.becomePrivileged()
        for mark in orphans { cleanUp(after: mark) }
    }

    /// A container that goes with its process, and whose process has gone together with whoever would remove it.
    func isGone(_ container: Container) -> Bool {
        guard container.removeOnExit, case .exited = container.status, let state = container.facts.state else {
            return false
        }
        return state.bootID != session.bootID || !state.supervisor.isRunning
    }

    /// Of the many that a raylet starts, each looks at a few.
    func cleanUpAside() throws(EngineError) {
        let orphans = ActiveMark.orphaned(in: session.layout, glancing: true, checking: 4)
        if !orphans.isEmpty { try cleanUpAside(orphans) }
    }

    /// By a process of its own, which nobody waits for: this one pays for a fork.
    private func cleanUpAside(_ orphans: [ActiveMark]) throws(EngineError) {
        try session.becomePrivileged()
        try doing("clean up") { () throws(SyscallError) in
            // No child: what this process becomes must not find one that it did not start.
            let made = try check("fork") { swiftpod_fork_orphan() }
            if made == 0 { cleanUpAlone(orphans) }
        }
    }

    private func cleanUpAlone(_ orphans: [ActiveMark]) -> Never {
        setsid()
        chdir("/")
        let null = open("/dev/null", O_RDWR)
        for number: Int32 in 0...2 { dup2(null, number) }
        swiftpod_close_from(3)
        _ = nice(10)
        // Who starts many workers at once needs one of these.
        if let directory = try? OwnedDescriptor.open(session.layout.active, O_RDONLY | O_DIRECTORY),
            flock(directory.raw, LOCK_EX | LOCK_NB) == 0
        {
            for mark in orphans { cleanUp(after: mark) }
        }
        _exit(0)
    }

    private func cleanUp(after mark: ActiveMark) {
        let id = mark.container
        if access(session.layout.unborn(id), F_OK) == 0 {
            // Whoever else is at it, too, removes the same things.
            releaseNames(of: id)
            try? Directory.removeTree(session.layout.unborn(id))
        }
        if access(session.layout.leaving(id), F_OK) == 0 {
            releaseNames(of: id)
            try? Directory.removeTree(session.layout.leaving(id))
        }
        guard store.exists(id) else {
            mark.clear(in: session.layout)
            return
        }
        // Locked: somebody does something to it right now, and the next command will look again.
        guard let directory = (try? store.lock(id, waiting: false)) ?? nil else { return }
        if let record = (try? store.ending(id, in: directory.raw)) ?? nil {
            let facts = RunFacts(in: directory.raw)
            // It has been taken up by somebody who lives.
            let isOthers = facts.state.map { $0.bootID == session.bootID && $0.supervisor.isRunning } ?? false
            if !isOthers { bury(record, facts, in: directory.raw) }
            if !isOthers, record.removeOnExit { try? removeWithVolumes(record, volumes: true) }
        }
        mark.clear(in: session.layout)
    }

    /// Ends what a dead supervisor has left of a container, and writes the end that it could not.
    private func bury(_ record: ContainerRecord, _ facts: RunFacts, in directory: Int32) {
        guard let state = facts.state else {
            NetworkConnection.endLost(in: directory)
            // Killed after it had made a cgroup and before it could say whose.
            ContainerCgroup.removeRemembered(in: directory)
            (try? DeviceHandover(record, root: settings.deviceRoot))?.removeLost()
            return
        }
        if state.bootID == session.bootID {
            if let process = (try? ProcessDescriptor.open(state.process)) ?? nil {
                try? ProcessDescriptor.signal(process.raw, SIGKILL)
                _ = try? ProcessDescriptor.waitForEnd(process.raw, milliseconds: 2000)
            }
        }
        if facts.exit == nil {
            var end = ExitRecord(code: RunFacts.lostCode, signal: SIGKILL, at: Timestamp.now())
            // The cgroup knows, as long as it is there.
            end.oomKilled = ranOutOfMemory(state)
            try? File.writeAtomically(end.line, to: "exit", in: directory, mode: 0o600)
        }
        if state.bootID == session.bootID { endRun(record, state) }
    }

    /// Names lead to ids and not back; this is only for what was killed.
    private func releaseNames(of id: String) {
        for entry in (try? Directory.entries(at: session.layout.names)) ?? [] {
            store.release(entry.name, of: id)
        }
    }
}
