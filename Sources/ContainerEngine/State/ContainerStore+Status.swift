import Cgroups
import Glibc
import LinuxKernel
import OCISpec

/// What a container's directory says about its last run.
package struct RunFacts: Equatable, Sendable {
    package var state: RunState?
    package var exit: ExitRecord?
    /// `stop` has been asked for since it was started.
    package var stopRequested = false

    package init(in directory: Int32) {
        if let bytes = try? File.readIfPresent("state.json", in: directory, limit: 1 << 16) {
            state = try? RunState(parsing: bytes)
        }
        guard state != nil else { return }
        exit = RunFacts.readExit(in: directory)
        stopRequested = faccessat(directory, "stop", F_OK, 0) == 0
    }

    package static func readExit(in directory: Int32) -> ExitRecord? {
        ((try? File.readIfPresent("exit", in: directory, limit: 4096)) ?? nil).flatMap(ExitRecord.init(parsing:))
    }

    /// The first process of the container, while it lives.
    package func livingProcess(bootID: String) -> ProcessIdentity? {
        guard let state, exit == nil, state.bootID == bootID, state.process.isRunning else { return nil }
        return state.process
    }

    package func status(bootID: String, in directory: Int32) -> ContainerStatus {
        guard let state else { return .created }
        if let exit { return .exited(code: exit.code, at: exit.at) }
        if livingProcess(bootID: bootID) != nil {
            let pid = state.process.pid
            if let cgroup = state.cgroup, Cgroup(recorded: cgroup).isFrozen {
                return .paused(pid: pid, since: state.startedAt)
            }
            return stopRequested
                ? .stopping(pid: pid, since: state.startedAt) : .running(pid: pid, since: state.startedAt)
        }
        // Its supervisor may be about to write the record: the look at the process came before this one at the file.
        if let exit = RunFacts.readExit(in: directory) { return .exited(code: exit.code, at: exit.at) }
        if state.bootID == bootID, state.supervisor.isRunning {
            return .stopping(pid: state.process.pid, since: state.startedAt)
        }
        return .exited(code: RunFacts.lostCode, at: state.startedAt)
    }

    /// The code of a container whose supervisor was killed: it was killed with it.
    package static let lostCode: Int32 = 137
}

extension ContainerStore {
    package func facts(_ id: String) -> RunFacts? {
        guard let directory = try? OwnedDescriptor.open(layout.container(id), O_RDONLY | O_DIRECTORY) else {
            return nil
        }
        return RunFacts(in: directory.raw)
    }

    /// nil where it has gone.
    package func container(_ id: String, bootID: String) throws(EngineError) -> Container? {
        try container(id, bootID: bootID) { (bytes) throws(DocumentError) in try ContainerRecord(parsing: bytes) }
    }

    /// As ``container(_:bootID:)``, for a list: of the specification only the command is read.
    package func listed(_ id: String, bootID: String) throws(EngineError) -> Container? {
        try container(id, bootID: bootID) { (bytes) throws(DocumentError) in try ContainerRecord(listing: bytes) }
    }

    private func container(
        _ id: String, bootID: String, _ parse: ([UInt8]) throws(DocumentError) -> ContainerRecord
    ) throws(EngineError) -> Container? {
        let path = layout.container(id)
        guard let directory = try? OwnedDescriptor.open(path, O_RDONLY | O_DIRECTORY) else { return nil }
        let record: ContainerRecord
        do {
            guard let bytes = try File.readIfPresent("container.json", in: directory.raw) else { return nil }
            record = try parse(bytes)
        } catch {
            throw EngineError(.failed, "read container \(id.prefix(12)): \(error)", cause: error)
        }
        let facts = RunFacts(in: directory.raw)
        return Container(
            record: record, status: facts.status(bootID: bootID, in: directory.raw), facts: facts, directory: path)
    }
}
