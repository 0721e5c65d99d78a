import Glibc
import LinuxKernel

extension Engine {
    /// Returns the exit code when the condition holds; -1 for a condition without one.
    public func wait(_ container: Container, for condition: WaitCondition = .stopped) throws(EngineError) -> Int32 {
        switch condition {
        case .stopped, .exited: return try waitForEnd(container)
        case .removing:
            while store.exists(container.id) { usleep(50_000) }
            return -1
        case .created, .running, .paused, .stopping:
            while let now = try refreshed(container) {
                if now.status.name == condition.rawValue { return -1 }
                usleep(50_000)
            }
            throw Engine.gone(container)
        }
    }

    private func waitForEnd(_ container: Container) throws(EngineError) -> Int32 {
        // Open before the look: the record can be read from it when `--rm` has removed the container.
        let directory: OwnedDescriptor
        do {
            directory = try OwnedDescriptor.open(container.directory, O_RDONLY | O_DIRECTORY)
        } catch {
            throw Engine.gone(container)
        }
        while true {
            let record = (try? File.openRaw("exit", in: directory.raw, O_RDONLY, mode: 0)) ?? -1
            defer { close(record) }
            let facts = RunFacts(in: directory.raw)
            switch facts.status(bootID: session.bootID, in: directory.raw) {
            case .exited(let code, _): return code
            case .created, .removing:
                // podman waits for one that was never started, too: until it has been, and has ended.
                if !store.exists(container.id) { throw Engine.gone(container) }
                usleep(50_000)
            case .running, .paused, .stopping:
                if let state = facts.state, let code = try end(of: state, record: record) { return code }
            }
        }
    }

    /// Waits for a run to end; nil where that cannot be seen, and a new look is needed.
    private func end(of state: RunState, record: Int32) throws(EngineError) -> Int32? {
        if let pidfd = (try? ProcessDescriptor.open(state.process)) ?? nil {
            _ = try doing("wait for container") { () throws(SyscallError) in
                try ProcessDescriptor.waitForEnd(pidfd.raw)
            }
        }
        if record < 0 { return nil }
        // The supervisor writes the end once it has passed on all output; without supervisor nobody does.
        let supervisor = (try? ProcessDescriptor.open(state.supervisor)) ?? nil
        for turn in 0... {
            if let exit = ExitRecord(reading: record) { return exit.code }
            guard supervisor != nil, state.supervisor.isRunning else { break }
            usleep(turn < 50 ? 1000 : 20_000)
        }
        return ExitRecord(reading: record)?.code
    }
}

extension ExitRecord {
    /// From an open file, whose name may be gone by now.
    init?(reading descriptor: Int32) {
        var buffer = [UInt8](repeating: 0, count: 256)
        let got = pread(descriptor, &buffer, buffer.count, 0)
        guard got > 0 else { return nil }
        self.init(parsing: Array(buffer.prefix(got)))
    }
}
