import Cgroups
import CShims
import Glibc
import Launch
import LinuxKernel
import OCISpec

extension Engine {
    /// A container's process that has just been started, and what is to be done when it ends.
    struct Started {
        var record: ContainerRecord
        var process: SupervisedProcess
        var state: RunState
    }

    /// Starts a container whose lock is held. This process is its parent and supervises it from then on.
    ///
    /// - Parameter io: the caller's streams; in a process that is going to be a supervisor of its own, only what
    ///   `passthrough` needs.
    func launchContainer(
        _ record: ContainerRecord, in directory: Int32, io: AttachedStreams?, detached: Bool, restarts: UInt32 = 0
    ) throws(EngineError) -> Started {
        StartTrace.enter(.plan)
        let spec = record.specification
        var options = try launchOptions(record)
        let streams = try doing("connect container's streams") { () throws(SyscallError) in
            try SupervisedStreams.make(
                terminal: record.hasTerminal, interactive: record.interactive, io: detached ? nil : io,
                output: Engine.output(record), owner: Engine.owner(spec.runtime.process?.user, spec))
        }
        // What a detached container passes through are this process's own streams.
        if detached, record.log.driver == .passthrough { streams.passThrough(io) }
        defer { streams.closeProcessEnds() }
        options.input = streams.input
        options.output = streams.output
        options.error = streams.error

        let joins = try openJoins(spec.joins)
        for join in joins { options.joined.append(.init(join.kinds, descriptor: join.descriptor)) }
        defer { for join in joins { close(join.descriptor) } }
        try shareMemory(record, &options)
        defer { for tree in options.trees { close(tree.descriptor) } }
        let scope = try ContainerScope.choose(for: record, in: directory, session)
        var cgroup = scope == nil ? try ContainerCgroup.make(for: record, in: directory, session) : nil
        options.cgroup = cgroup?.descriptor
        options.requiresCgroup = cgroup?.hasLimits ?? false
        let network = NetworkConnection(record, layout: session.layout)
        if network.isNeeded || scope != nil { options.moments.insert(.created) }
        let hooks = ContainerHooks(record, layout: session.layout)
        let handover = try DeviceHandover(record, root: settings.deviceRoot)
        for moment in hooks.moments + handover.moments { options.moments.insert(moment) }

        let plan = try plan(record, options, terminal: io?.terminal)
        let exitFile = try clearLastRun(directory)
        var helper: ProcessIdentity?
        var resourceGroups: [String] = []
        do {
            let log = try openLog(record)
            let nearness = Nearness(spec.numaNode, root: settings.deviceRoot, warn: settings.warn)
            defer { nearness.restore() }
            let launched = try launch(plan) { moment, pid in
                if moment == .created {
                    if let scope { cgroup = try scope.start(pid: pid) }
                    if network.isNeeded { helper = try network.connect(pid) }
                    resourceGroups = try handover.enterResourceGroup(pid)
                }
                if moment == .mounted { try handover.moveInterfaces(to: pid) }
                try hooks.run(at: moment, pid: pid)
            }
            let refusal = launched.cgroupRefusal
            let (pid, pidfd, terminal) = launched.release()
            let process = SupervisedProcess(
                pid: pid, pidfd: pidfd, terminal: terminal, streams: streams, log: log, timeout: record.timeout)
            process.exitFile = exitFile
            if refusal == nil, let cgroup {
                process.setMemoryEvents(cgroup.openMemoryEvents(), vanishes: scope != nil)
            }
            let spaces = spec.runtime.linux?.namespaces ?? []
            if !spaces.contains(where: { $0.type == .pid && $0.path == nil }) { process.endsWithGroup() }
            var state = RunState(
                process: ProcessIdentity(runningAs: pid) ?? ProcessIdentity(pid: pid, startTime: 0),
                supervisor: session.identity, bootID: session.bootID, startedAt: Timestamp.now())
            state.networkHelper = helper
            state.restarts = restarts
            state.resourceGroups = resourceGroups
            state.cgroup = refusal == nil ? cgroup?.path : nil
            if state.process.startTime == 0 { state.process.startTime = Engine.startTimeOfEnded(pid) }
            try File.writeAtomically(state.encoded(), to: "state.json", in: directory, mode: 0o600)
            cgroup?.closeDescriptor()
            if refusal != nil { cgroup?.cgroup.remove() }
            note(.start, record)
            hooks.runPoststart(pid: pid, warn: settings.warn)
            return Started(record: record, process: process, state: state)
        } catch {
            close(exitFile)
            streams.closeAll()
            network.disconnect(helper)
            cgroup?.remove()
            ResourceControl.remove(resourceGroups)
            throw Engine.explain(error, "start container \(record.id.prefix(12))", spec.runtime.process)
        }
    }

    func rootFilesystem(_ record: ContainerRecord) -> RootFilesystem {
        let directory = session.layout.container(record.id)
        switch record.root {
        case .tree(let path, let objects):
            return .overlay(lower: path, objects: objects, upper: directory + "/upper", work: directory + "/work")
        case .directory(let path):
            return .directory(path)
        }
    }

    func plan(
        _ record: ContainerRecord, _ options: LaunchOptions, terminal: Int32?
    ) throws(EngineError) -> LaunchPlan {
        var runtime = record.specification.runtime
        if record.hasTerminal { runtime.process?.consoleSize = Engine.size(of: terminal) }
        do {
            return try LaunchPlan(
                spec: runtime, rootfs: rootFilesystem(record), facts: .gather(), options: options)
        } catch {
            throw EngineError(.invalid, error.description, cause: error)
        }
    }

    func launchOptions(_ record: ContainerRecord) throws(EngineError) -> LaunchOptions {
        let spec = record.specification
        var options = LaunchOptions()
        options.preservedDescriptors = record.preservedDescriptors
        options.reaper = record.initProcess
        options.guarded = true
        options.keyring = "swiftpod-\(record.id)"
        // A container does not outlive what supervises it: nobody would know its end, nor read what it writes.
        options.parentDeathSignal = SIGKILL
        options.seccompFilter = try SeccompPolicy.filter(
            for: spec.seccomp, capabilities: spec.runtime.process?.capabilities?.bounding ?? [],
            cacheDirectory: session.layout.cache)
        options.keepGroups = spec.keepGroups
        options.deviceLinks = spec.deviceLinks.map { .init(path: $0.path, target: $0.target) }
        return options
    }

    /// No trace of the run before: a container that is being started has no state. Opens the file that its end will
    /// be written to.
    private func clearLastRun(_ directory: Int32) throws(EngineError) -> Int32 {
        unlinkat(directory, "state.json", 0)
        unlinkat(directory, "stop", 0)
        return try doing("open exit record") { () throws(SyscallError) in
            try File.openRaw("exit", in: directory, O_RDWR | O_CREAT | O_TRUNC, mode: 0o600)
        }
    }

    private func openLog(_ record: ContainerRecord) throws(SyscallError) -> ContainerLog? {
        guard record.log.driver ?? .k8sFile == .k8sFile else { return nil }
        return try ContainerLog(path: logPath(record), limit: record.log.maximumSize ?? 0)
    }

    func logPath(_ record: ContainerRecord) -> String {
        record.log.path ?? session.layout.container(record.id) + "/ctr.log"
    }

    private static func output(_ record: ContainerRecord) -> SupervisedStreams.Output {
        record.log.driver == .passthrough ? .passedThrough : .piped
    }

    /// A terminal begins with the size of the caller's: programs look at once.
    static func size(of terminal: Int32?) -> RuntimeSpec.ConsoleSize? {
        var size = winsize()
        guard let terminal, swiftpod_ioctl(terminal, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0 else { return nil }
        return RuntimeSpec.ConsoleSize(height: size.ws_row, width: size.ws_col)
    }

    /// The user's ids in this process's namespace.
    static func owner(_ user: RuntimeSpec.User?, _ spec: Specification) -> (uid: UInt32, gid: UInt32) {
        let linux = spec.runtime.linux ?? RuntimeSpec.Linux()
        return (
            UserNamespacePlan.outside(user?.uid ?? 0, linux.uidMappings) ?? 0,
            UserNamespacePlan.outside(user?.gid ?? 0, linux.gidMappings) ?? 0
        )
    }

    /// The other containers' namespaces, as descriptors of this process.
    func openJoins(
        _ joins: [Specification.Join]
    ) throws(EngineError) -> [(kinds: NamespaceKinds, descriptor: Int32)] {
        var opened: [(kinds: NamespaceKinds, descriptor: Int32)] = []
        for join in joins {
            guard let process = store.facts(join.container)?.livingProcess(bootID: session.bootID) else {
                for other in opened { close(other.descriptor) }
                throw EngineError(
                    .invalid,
                    "cannot join \(join.kind.rawValue) namespace of container \(join.container.prefix(12)): it is not running"
                )
            }
            let file = join.kind.procFile
            let descriptor = try doing("join \(join.kind.rawValue) namespace") { () throws(SyscallError) in
                try OwnedDescriptor.open("/proc/\(process.pid)/ns/\(file)").release()
            }
            opened.append((join.kind.kinds, descriptor))
        }
        return opened
    }

    /// Who joins another's ipc namespace gets its /dev/shm, too, unless something else was asked for there.
    private func shareMemory(_ record: ContainerRecord, _ options: inout LaunchOptions) throws(EngineError) {
        let spec = record.specification
        guard let join = spec.joins.first(where: { $0.kind == .ipc }),
            spec.runtime.mounts.contains(where: BaseMounts.isOwnMemory),
            let process = store.facts(join.container)?.livingProcess(bootID: session.bootID)
        else { return }
        let tree = try doing("share memory of container \(join.container.prefix(12))") { () throws(SyscallError) in
            try DetachedMount.copy(of: BaseMounts.sharedMemoryPath, in: process.pid).release()
        }
        options.trees.append(.init(destination: BaseMounts.sharedMemoryPath, descriptor: tree))
    }

    /// A process that ended at once is a zombie, whose start time still stands.
    private static func startTimeOfEnded(_ pid: Int32) -> UInt64 { ProcessStat(pid: pid)?.startTime ?? 0 }

    /// Launch errors in the words and codes that podman's callers know.
    /// - Parameter process: what was to be started.
    static func explain(
        _ error: any Error, _ doing: String, _ process: RuntimeSpec.Process? = nil
    ) -> EngineError {
        switch error {
        case let error as EngineError: return error
        case let error as LaunchError where error.isCommandNotFound && process.map(isLookedUp) ?? false:
            let path = process?.env.last { $0.hasPrefix("PATH=") }?.dropFirst(5)
            return EngineError(
                .commandNotFound,
                "\(error): not in PATH (\(path ?? "unset")): the image has to have it there, or --env PATH=DIR:… has to "
                    + "name its directory", cause: error)
        case let error as LaunchError:
            let code: EngineError.Code =
                error.isCommandNotFound ? .commandNotFound : error.isCannotInvoke ? .cannotInvoke : .failed
            return EngineError(code, error.description, cause: error)
        case let error as CgroupError: return EngineError(error)
        case let error as PlanError: return EngineError(.invalid, error.description, cause: error)
        default: return EngineError(.failed, "\(doing): \(error)", cause: error)
        }
    }
}

/// Its command is a name, to be found in PATH.
private func isLookedUp(_ process: RuntimeSpec.Process) -> Bool {
    process.args.first.map { !$0.utf8.contains(UInt8(ascii: "/")) } ?? false
}

extension RuntimeSpec.NamespaceKind {
    var kinds: NamespaceKinds {
        switch self {
        case .pid: .pid
        case .network: .network
        case .mount: .mount
        case .ipc: .ipc
        case .uts: .uts
        case .user: .user
        case .cgroup: .cgroup
        case .time: .time
        }
    }

    /// Its name under /proc/PID/ns.
    var procFile: String {
        switch self {
        case .network: "net"
        case .mount: "mnt"
        default: rawValue
        }
    }
}
