import Cgroups
import Glibc
import LinuxKernel
import OCISpec

extension Engine {
    /// Creates, starts and supervises a container till it ends. Where nothing needs a supervisor this process becomes the
    /// container instead and this does not return, see ``becomeWorker(_:io:options:onCreate:)`` and ``WorkerPolicy``.
    /// - Parameters:
    ///   - onCreate: called with the id when the container stands, before it runs (`--cidfile`).
    ///   - onDetach: called when the detach keys were typed. This process is the container's supervisor from then on
    ///     and does not come back: the caller forks before he runs a container that can be left, and tells whoever
    ///     waits for this process.
    public func run(
        _ configuration: ContainerConfiguration, io: AttachedStreams,
        onCreate: (String) throws(EngineError) -> Void = { _ throws(EngineError) in }, onDetach: () -> Void = {}
    ) throws(EngineError) -> ExitStatus {
        let probe = RayProbe(configuration, images: images, layout: session.layout)
        if let probe, probe.isAnswered() { return .exited(0) }
        // Of a process that has become another nobody could tell what its start took.
        if StartTrace.memory == nil, WorkerPolicy.obstacle(to: configuration, io) == nil {
            let origin = try prepareWorkersOrigin(configuration)
            if !origin.needsSupervisor {
                try becomeWorker(configuration, origin, io: io, isWitnessed: true, onCreate: onCreate)
            }
        }
        let origin = try prepare(configuration)
        let id = ContainerID.make()
        let mark = ActiveMark(owner: session.identity, container: id)
        let new = try give(birthTo: id, configuration, origin, mark: mark)
        do {
            try onCreate(id)
            let status = try startAttached(
                new.record, in: new.directory.raw, io: io, mark: mark, onDetach: onDetach)
            if status == .exited(0) { probe?.keepAnswer() }
            return status
        } catch {
            giveUpStart(new.record, in: new.directory.raw, mark: mark)
            throw error
        }
    }

    /// Creates and starts a container that a process of its own supervises. Returns the id once it runs.
    /// - Parameter onCreate: as in `run`; called in the process of its own.
    public func runDetached(
        _ configuration: ContainerConfiguration,
        onCreate: (String) throws(EngineError) -> Void = { _ throws(EngineError) in }
    ) throws(EngineError) -> String {
        let origin = try prepare(configuration)
        let id = ContainerID.make()
        try detached { report throws(EngineError) in
            let mark = ActiveMark(owner: session.identity, container: id)
            let new = try give(birthTo: id, configuration, origin, mark: mark)
            do throws(EngineError) {
                try onCreate(id)
                try startDetached(new.record, in: new.directory.raw, report: report)
            } catch {
                giveUpStart(new.record, in: new.directory.raw, mark: mark)
                throw error
            }
        }
        return id
    }

    /// Starts a created or exited container. With `attach` it is supervised by this process and its end is returned;
    /// otherwise by a process of its own, and the result is nil. A container that runs already is left as it is.
    /// - Parameter onDetach: as in `run`.
    public func start(
        _ container: Container, attach: AttachedStreams?, onDetach: () -> Void = {}
    ) throws(EngineError) -> ExitStatus? {
        if let other = container.record.specification.joins.first?.container,
            let process = store.facts(other)?.livingProcess(bootID: session.bootID)
        {
            try session.becomePrivileged(over: process.pid)
        } else {
            try session.becomePrivileged()
        }
        if let attach {
            guard let directory = try lockForStart(container) else {
                throw EngineError(.invalid, "you cannot attach to a container that is already running")
            }
            let mark = ActiveMark(owner: session.identity, container: container.id)
            try mark.set(in: session.layout)
            do {
                return try startAttached(
                    container.record, in: directory.raw, io: attach, mark: mark, onDetach: onDetach)
            } catch {
                giveUpStart(container.record, in: directory.raw, mark: mark)
                throw error
            }
        }
        try detached { report throws(EngineError) in
            guard let directory = try lockForStart(container) else { return report.succeed() }
            let mark = ActiveMark(owner: session.identity, container: container.id)
            try mark.set(in: session.layout)
            do throws(EngineError) {
                try startDetached(container.record, in: directory.raw, report: report)
            } catch {
                giveUpStart(container.record, in: directory.raw, mark: mark)
                throw error
            }
        }
        return nil
    }

    /// nil where it runs already.
    private func lockForStart(_ container: Container) throws(EngineError) -> OwnedDescriptor? {
        guard let directory = try store.lock(container.id) else { throw Engine.gone(container) }
        switch RunFacts(in: directory.raw).status(bootID: session.bootID, in: directory.raw) {
        case .running, .paused, .stopping: return nil
        case .created, .exited, .removing: return directory
        }
    }

    static func gone(_ container: Container) -> EngineError {
        EngineError(.notFound, "no container with name or ID \"\(container.name)\" found: no such container")
    }

    // MARK: - In this process

    private func startAttached(
        _ record: ContainerRecord, in directory: Int32, io: AttachedStreams, mark: ActiveMark, onDetach: () -> Void
    ) throws(EngineError) -> ExitStatus {
        var restarts: UInt32 = 0
        while true {
            let started = try launchContainer(record, in: directory, io: io, detached: false, restarts: restarts)
            // Others may stop it, look at it, wait for it.
            flock(directory, LOCK_UN)
            defer { started.process.close() }
            let ended = try doing("wait for container") { () throws(SyscallError) in
                try started.process.superviseAttached(io)
            }
            guard let status = ended else {
                onDetach()
                setsid()
                throw superviseAlone(started)
            }
            StartTrace.enter(.remove)
            flock(directory, LOCK_EX)
            endRun(record, started.state)
            let again =
                record.restart == .no
                ? nil : RestartDecision(record.restart, status: status, facts: RunFacts(in: directory))
            guard let again, again.restarts else {
                leave(record, in: directory, mark: mark)
                return status
            }
            again.pause(after: started.state.startedAt)
            restarts += 1
        }
    }

    // MARK: - After the end

    /// Takes down what stood beside the container while it ran.
    func endRun(_ record: ContainerRecord, _ state: RunState) {
        noteEnd(record)
        NetworkConnection.end(state.networkHelper)
        if let cgroup = state.cgroup { Cgroup(recorded: cgroup).remove() }
        ResourceControl.remove(state.resourceGroups)
        ContainerHooks(record, layout: session.layout).runPoststop(warn: settings.warn)
    }

    /// The container has ended for good: `--rm` takes it away, and this process has nothing more to do with it.
    func leave(_ record: ContainerRecord, in directory: Int32, mark: ActiveMark) {
        if record.removeOnExit {
            do {
                try removeWithVolumes(record, volumes: true)
            } catch {
                settings.warn("\(error)")
            }
        }
        flock(directory, LOCK_UN)
        mark.clear(in: session.layout)
    }

    /// A container that could not be started stays as created, as podman leaves it; with `--rm` it goes.
    func giveUpStart(_ record: ContainerRecord, in directory: Int32, mark: ActiveMark) {
        leave(record, in: directory, mark: mark)
    }

    func removeWithVolumes(_ record: ContainerRecord, volumes: Bool) throws(EngineError) {
        try store.remove(record.id, name: record.name)
        note(.remove, record)
        guard volumes else { return }
        let all = VolumeStore(root: session.layout.volumes)
        for name in record.anonymousVolumes { try? all.remove(name) }
    }
}

/// What a restart policy says when a container has ended.
struct RestartDecision: Equatable {
    var restarts: Bool

    init(_ policy: ContainerConfiguration.RestartPolicy, status: ExitStatus, facts: RunFacts) {
        let count = facts.state?.restarts ?? 0
        // `stop` and `rm` mean it.
        if facts.stopRequested {
            restarts = false
            return
        }
        switch policy {
        case .no: restarts = false
        case .always, .unlessStopped: restarts = true
        case .onFailure(let maximum): restarts = status.code != 0 && (maximum.map { $0 == 0 || count < $0 } ?? true)
        }
    }

    /// A container that ends as soon as it starts must not take the machine: half a second, unless it ran for ten.
    func pause(after started: Timestamp) {
        if Timestamp.now().seconds - started.seconds < 10 { usleep(500_000) }
    }
}
