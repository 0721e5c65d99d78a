import CShims
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

    /// Of a container that has never run.
    package init() {}

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
        guard let directory = try? OwnedDescriptor.open(layout.container(id), O_RDONLY | O_DIRECTORY) else {
            return nil
        }
        return container(id, in: directory.raw, bootID: bootID, try whole(id, in: directory.raw))
    }

    /// As ``container(_:bootID:)``, for a list: of the specification only the command is read.
    /// - Parameter containers: the directory of all of them.
    package func listed(_ id: String, in containers: Int32, bootID: String) throws(EngineError) -> Container? {
        // Most of many have never run, or else their directory is opened for more files than one. Asked before the record
        // is read: there was none while the container stood.
        let hasRun = faccessat(containers, id + "/state.json", F_OK, 0) == 0
        guard
            let beginning = try? File.beginning(
                of: id + "/container.json", in: containers, count: ContainerStore.beginning),
            let record = try? ContainerRecord(listing: beginning)
        else { return try container(id, bootID: bootID) }
        if !hasRun {
            return Container(record: record, status: .created, facts: RunFacts(), directory: layout.container(id))
        }
        let raw = swiftpod_openat(containers, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
        if raw < 0 { return nil }
        let directory = OwnedDescriptor(adopting: raw)
        return container(id, in: directory.raw, bootID: bootID, record)
    }

    /// What whoever takes a container away has to know of it; nil where it has gone.
    package func ending(_ id: String, in directory: Int32) throws(EngineError) -> ContainerRecord? {
        // Once for every worker that there was: the whole record would be most of the work.
        if let beginning = try? File.beginning(
            of: "container.json", in: directory, count: ContainerStore.beginning),
            let record = try? ContainerRecord(ending: beginning)
        {
            return record
        }
        return try whole(id, in: directory)
    }

    /// What a list reads of a record. Few have so many labels that the specification begins later.
    private static let beginning = 2048

    private func whole(_ id: String, in directory: Int32) throws(EngineError) -> ContainerRecord? {
        do {
            guard let bytes = try File.readIfPresent("container.json", in: directory) else { return nil }
            return try ContainerRecord(parsing: bytes)
        } catch {
            throw EngineError(.failed, "read container \(id.prefix(12)): \(error)", cause: error)
        }
    }

    private func container(
        _ id: String, in directory: Int32, bootID: String, _ record: ContainerRecord?
    ) -> Container? {
        guard let record else { return nil }
        let facts = RunFacts(in: directory)
        return Container(
            record: record, status: facts.status(bootID: bootID, in: directory), facts: facts,
            directory: layout.container(id))
    }
}
