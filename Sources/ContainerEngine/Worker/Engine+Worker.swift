import CShims
import Glibc
import Launch
import LinuxKernel
import OCISpec

extension Engine {
    /// Pulls the image where it is missing and lays its files out for the mapping that the request needs: what a start
    /// would do first. Returns the image's files, for whoever looks for something in them.
    public func prepareWorker(_ configuration: ContainerConfiguration) throws(EngineError) -> RootView {
        try prepare(configuration).view
    }

    /// This process becomes the container: pid, parent, exit status and signals are the container's own, and nothing of
    /// this program stays. Returns only by throwing, and when the container stood already this process can do no more
    /// than say so and end. It must have a single thread.
    ///
    /// The container goes with its process, as with `--rm`: what is left of it is cleaned up by the next command. See
    /// README.md beside this file.
    ///
    /// - Parameter onCreate: called with the id when the container stands, before it runs.
    public func becomeWorker(
        _ configuration: ContainerConfiguration, io: AttachedStreams, options: WorkerOptions = WorkerOptions(),
        onCreate: (String) throws(EngineError) -> Void = { _ throws(EngineError) in }
    ) throws(EngineError) -> Never {
        let origin = try prepareWorkersOrigin(configuration)
        if origin.needsSupervisor {
            throw EngineError(
                .unsupported,
                "a device of this container has hooks, network interfaces or intelRdt, which a worker without a supervisor "
                    + "cannot have")
        }
        try becomeWorker(configuration, origin, io: io, options: options, onCreate: onCreate)
    }

    /// What a worker is made from.
    func prepareWorkersOrigin(_ configuration: ContainerConfiguration) throws(EngineError) -> Origin {
        var configuration = configuration
        configuration.removeOnExit = true
        return try prepare(configuration, cleansAside: true)
    }

    /// - Parameter isWitnessed: somebody stays outside to clean up when this fails; a launcher process does so itself.
    func becomeWorker(
        _ configuration: ContainerConfiguration, _ origin: Origin, io: AttachedStreams,
        options: WorkerOptions = WorkerOptions(), isWitnessed: Bool = false,
        onCreate: (String) throws(EngineError) -> Void = { _ throws(EngineError) in }
    ) throws(EngineError) -> Never {
        var configuration = configuration
        configuration.removeOnExit = true
        // Half a worker answers nobody, and nobody watches it. Without a limit it has no cgroup that this could be said of.
        configuration.resources.endsAsWhole = configuration.resources.memory ?? 0 > 0
        let id = ContainerID.make()
        let mark = ActiveMark(owner: session.identity, container: id)
        let new = try give(birthTo: id, configuration, origin, mark: mark)
        let worker: Worker
        do {
            try onCreate(id)
            worker = try self.worker(new.record, io: io, options: options)
            let cgroup = try enterCgroup(new.record, in: new.directory.raw)
            try writeWorkerState(in: new.directory.raw, cgroup: cgroup)
        } catch {
            giveUpStart(new.record, in: new.directory.raw, mark: mark)
            throw error
        }
        flock(new.directory.raw, LOCK_UN)
        // What fails from here on cannot be taken down by this process.
        let witness = isWitnessed ? startWitness(of: id) : -1
        _ = Nearness(new.record.specification.numaNode, root: settings.deviceRoot, warn: settings.warn)
        do throws(EngineError) {
            try run(worker, options)
        } catch {
            if witness >= 0 { swiftpod_witness_call(witness) }
            throw error
        }
    }

    /// Cleans up when this process has failed to become the container, and has ended. -1: the next command does.
    private func startWitness(of id: String) -> Int32 {
        var words: [UnsafeMutablePointer<CChar>?] = InternalCommand.finish(id, session).map { strdup($0) }
        words.append(nil)
        // As long as the witness may be there.
        let line = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: words.count)
        line.initialize(from: words, count: words.count)
        return swiftpod_witness_start(strdup("/proc/self/exe"), line, environ)
    }

    /// All that is decided before this process is no longer what it was.
    private struct Worker {
        var spec: RuntimeSpec
        /// With its command, or without one where that comes later.
        var plan: LaunchPlan
        /// The command that comes later.
        var command: LaunchPlan?
        /// With such a command: tells which pages of this program need not wait for it. -1: it could not be opened.
        var pagemap: Int32
        /// Where failures are told: the last steps put the container's streams in the place of ours.
        var errors: Int32
    }

    private func worker(
        _ record: ContainerRecord, io: AttachedStreams, options wishes: WorkerOptions
    ) throws(EngineError) -> Worker {
        let spec = record.specification.runtime
        var options = try launchOptions(record)
        options.inPlace = true
        options.input = record.interactive ? io.stdin : nil
        options.output = io.stdout
        options.error = io.stderr
        options.startsSession = Engine.leaveTerminal()
        // A profile of the user's may forbid what a sandbox does while it waits.
        options.filtersSandbox = record.specification.seccomp == .defaultProfile
        options.parentDeathSignal = nil
        let parent = getppid()
        if wishes.diesWithParent ?? WorkerPolicy.endsWith(parent: parent, environment: spec.process?.env ?? []) {
            options.parentDeathSignal = SIGKILL
            options.parent = parent
        }
        let facts = HostFacts.gather()
        let root = rootFilesystem(record)
        do {
            let isSandbox = wishes.sandbox != nil
            let plan =
                isSandbox
                ? try LaunchPlan(sandbox: spec, rootfs: root, facts: facts, options: options)
                : try LaunchPlan(spec: spec, rootfs: root, facts: facts, options: options)
            let command =
                isSandbox ? try LaunchPlan(commandToldInSandboxOf: spec, facts: facts, options: options) : nil
            let errors = swiftpod_fcntl(2, F_DUPFD_CLOEXEC, 64)
            // Opened as long as this process has not changed its user.
            let pagemap = isSandbox ? swiftpod_open_pagemap() : -1
            return Worker(spec: spec, plan: plan, command: command, pagemap: pagemap, errors: errors)
        } catch {
            throw EngineError(.invalid, error.description, cause: error)
        }
    }

    private func run(_ worker: Worker, _ wishes: WorkerOptions) throws(EngineError) -> Never {
        var process = worker.spec.process ?? RuntimeSpec.Process()
        let failure: LaunchError
        do throws(LaunchError) {
            try become(worker.plan)
            guard let command = worker.command, let sandbox = wishes.sandbox else {
                preconditionFailure("a command that returns")
            }
            let told = become(command, toldOver: sandbox.socket, pagemap: worker.pagemap) {
                sandbox.ready(WorkerCommand(arguments: process.args, environment: process.env))
            }
            guard let told else { _exit(0) }
            if let words = told.arguments { (process.args, process.env) = (words, told.environment) }
            failure = told.error
        } catch {
            failure = error
        }
        if worker.errors >= 0 { dup2(worker.errors, 2) }
        throw Engine.explain(failure, "start worker", process)
    }

    /// Moves this process to a cgroup of the worker's own, where the user asked for limits; that costs milliseconds, which
    /// a worker without limits need not spend. Before the cgroup namespace is made, whose root it is to be.
    private func enterCgroup(_ record: ContainerRecord, in directory: Int32) throws(EngineError) -> String? {
        guard record.hasLimits else { return nil }
        if let scope = try ContainerScope.choose(for: record, in: directory, session) {
            let own = try scope.start(pid: getpid())
            own.closeDescriptor()
            return own.path
        }
        guard let own = try ContainerCgroup.make(for: record, in: directory, session) else { return nil }
        own.closeDescriptor()
        do {
            try own.cgroup.add(getpid())
        } catch {
            own.cgroup.remove()
            throw EngineError(.permission, "enter cgroup: \(error)", cause: error)
        }
        return own.path
    }

    /// Who runs it is itself.
    private func writeWorkerState(in directory: Int32, cgroup: String?) throws(EngineError) {
        let identity = session.identity
        var state = RunState(
            process: identity, supervisor: identity, bootID: session.bootID, startedAt: Timestamp.now())
        state.cgroup = cgroup
        try doing("write worker's state") { () throws(SyscallError) in
            let file = try File.openRaw("state.json", in: directory, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
            defer { close(file) }
            try writeAll(file, state.encoded())
        }
    }

    /// A worker can be signalled as a group. One that leads a group already keeps what it was given; one that belongs
    /// to a terminal stays in its group, or the terminal's signals would not reach it. The terminal itself is left:
    /// TIOCSTI and TIOCLINUX type into that of a process, and /dev/tty is it.
    private static func leaveTerminal() -> Bool {
        let terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
        if terminal < 0 { return getpgrp() != getpid() }
        // The session's leader takes it from all of them, and they are told by SIGHUP.
        let before = signal(SIGHUP, SIG_IGN)
        _ = swiftpod_ioctl(terminal, UInt(TIOCNOTTY), nil)
        signal(SIGHUP, before)
        close(terminal)
        return false
    }
}
