import Glibc
import LinuxKernel
import OCISpec

/// Turns a specification into a plan. Pure: it reads nothing and touches nothing.
///
/// The order of the steps is the content of this type and its extensions; each says why its steps stand where they do.
struct Planner {
    let facts: HostFacts
    let options: LaunchOptions
    var plan = LaunchPlan()
    /// The container's processes are in another user namespace than the machine's first: no device nodes, no removal
    /// of flags that mounts came with.
    var isInUserNamespace: Bool
    /// The namespaces that this container has for itself.
    var own: NamespaceKinds = []
    /// A file system of device nodes that the launcher made.
    var nodeSystem: Slot?
    /// A /proc of our own, once something was to be written to it.
    var proc: Slot?
    /// The root, once it is mounted.
    var root = Slot(index: -1)

    init(facts: HostFacts, options: LaunchOptions) {
        self.facts = facts
        self.options = options
        isInUserNamespace = facts.inUserNamespace
        plan.moments = options.moments
    }

    mutating func newSlot() -> Slot {
        defer { plan.slotCount += 1 }
        return Slot(index: Int16(plan.slotCount))
    }

    mutating func add(_ action: Step.Action, tolerating tolerated: [Int32] = [], isFallback: Bool = false) {
        plan.steps.append(Step(action, tolerating: tolerated, isFallback: isFallback))
    }

    /// A slot for a descriptor of the caller's.
    mutating func inherit(_ descriptor: Int32) -> Slot {
        let slot = newSlot()
        plan.inherited.append(.init(slot: slot, source: .descriptor(descriptor)))
        return slot
    }

    /// A slot for a path that the launcher opens, because the child may no longer be allowed to.
    mutating func inherit(path: String) -> Slot {
        let slot = newSlot()
        plan.inherited.append(.init(slot: slot, source: .path(path)))
        return slot
    }
}

extension LaunchPlan {
    /// The plan of a container's first process. Throws for what the specification cannot mean; nothing is touched.
    public init(
        spec: RuntimeSpec, rootfs: RootFilesystem, facts: HostFacts, options: LaunchOptions
    ) throws(PlanError) {
        let process = try LaunchPlan.process(of: spec)
        var planner = Planner(facts: facts, options: options)
        let ends = try planner.planContainer(spec, process, rootfs)
        try planner.planProcess(process, streams: ends.streams, terminal: ends.terminal)
        self = planner.plan
    }

    /// The plan of a container without its command, for this very process (``LaunchOptions/inPlace``): what follows is
    /// the plan of its command.
    public init(
        sandbox spec: RuntimeSpec, rootfs: RootFilesystem, facts: HostFacts, options: LaunchOptions
    ) throws(PlanError) {
        let process = try LaunchPlan.process(of: spec)
        guard options.inPlace, !process.terminal else {
            throw PlanError("a sandbox is made in the launching process, without a terminal")
        }
        try Planner.check(directory: process.cwd)
        var planner = Planner(facts: facts, options: options)
        _ = try planner.planContainer(spec, process, rootfs)
        try planner.planIdentity(process)
        // The privileges that this takes go with the command.
        if options.filtersSandbox, !options.seccompFilter.isEmpty { planner.add(planner.filter) }
        self = planner.plan
    }

    /// The plan of the command of a sandbox that this process is to become, which is told later: see
    /// ``become(_:toldOver:pagemap:whenReady:)``. `facts` are those the sandbox was planned with; the specification's arguments and
    /// environment and the streams of the options mean nothing.
    public init(
        commandToldInSandboxOf spec: RuntimeSpec, facts: HostFacts, options: LaunchOptions
    ) throws(PlanError) {
        let process = try LaunchPlan.process(of: spec)
        var options = options
        if options.filtersSandbox { options.seccompFilter = [] }
        var planner = Planner(facts: facts, options: options)
        planner.plan.isInPlace = true
        if spec.linux?.namespaces.contains(where: { $0.type == .user }) ?? false { planner.isInUserNamespace = true }
        let streams = planner.planToldStreams()
        try planner.planCommand(Command.told, process, streams: streams, terminal: nil)
        self = planner.plan
    }

    private static func process(of spec: RuntimeSpec) throws(PlanError) -> RuntimeSpec.Process {
        guard let process = spec.process else { throw PlanError("specification has no process") }
        return process
    }

    /// The plan of a further process in a running container: `options.joined` names its namespaces, normally all of
    /// them by a pidfd of its first process.
    public init(
        exec process: RuntimeSpec.Process, facts: HostFacts, options: LaunchOptions
    ) throws(PlanError) {
        var planner = Planner(facts: facts, options: options)
        let processors = try planner.planAffinity(process)
        try planner.planScheduling(process).forEach { planner.add(.call($0)) }
        planner.planJoining(oomScore: process.oomScoreAdj)
        if let processors { planner.add(.call(processors)) }
        planner.planKeyring()
        try planner.planLabels(process)
        let streams = planner.planStreams(process)
        let terminal = planner.planTerminal(process, bindsConsole: false)
        try planner.planProcess(process, streams: streams, terminal: terminal)
        self = planner.plan
    }

    /// A hook of the specification: what is executed, by its path in the launcher's root.
    public struct HookCommand: Equatable, Sendable {
        public var path: String
        public var arguments: [String]
        public var environment: [String]
        /// Where it begins, if there is such a directory.
        public var directory: String = "/"

        public init(path: String, arguments: [String], environment: [String]) {
            self.path = path
            self.arguments = arguments
            self.environment = environment
        }
    }

    /// The plan of a hook, in the namespaces that `options.joined` names.
    public init(hook: HookCommand, options: LaunchOptions) throws(PlanError) {
        var planner = Planner(
            facts: HostFacts(
                kernel: KernelVersion(0, 0), inUserNamespace: false, capabilities: 0, lastCapability: 0,
                setgroupsAllowed: false), options: options)
        var process = RuntimeSpec.Process()
        process.args = hook.arguments
        process.env = hook.environment
        let streams = planner.planStreams(process)
        planner.planJoining(oomScore: nil)
        if options.joined.contains(where: { $0.kinds.contains(.user) }) {
            planner.add(.becomeUser(uid: 0, gid: 0), tolerating: [EINVAL])
        }
        if let signal = options.parentDeathSignal { planner.add(.control(.parentDeathSignal(signal))) }
        planner.add(.changeDirectory(hook.directory))
        planner.planDescriptors(streams, terminal: nil, uid: 0, gid: 0)
        planner.add(.announceStart)
        planner.add(
            .execute(Command(path: hook.path, arguments: hook.arguments, environment: hook.environment)))
        self = planner.plan
    }
}

extension Planner {
    /// From the host to the container's root, and what the process's streams are there.
    fileprivate mutating func planContainer(
        _ spec: RuntimeSpec, _ process: RuntimeSpec.Process, _ rootfs: RootFilesystem
    ) throws(PlanError) -> (streams: [(slot: Slot, source: Int32?)], terminal: Slot?) {
        let linux = spec.linux ?? RuntimeSpec.Linux()
        try planNamespaces(linux, oomScore: process.oomScoreAdj)
        try planPlacement(process, linux)
        let streams = planStreams(process)
        var mounts = try planSources(spec.mounts, linux)
        let layers = try planLayers(rootfs)
        let nodes = try planDeviceSources(linux.devices, mounts: spec.mounts)
        let covers = linux.maskedPaths.isEmpty ? nil : planMaskFile()
        planPrivileges(linux)
        try planNames(spec, sysctls: linux.sysctl)
        try planRoot(layers, propagation: linux.rootfsPropagation, masks: covers)
        for index in mounts.indices { planMount(&mounts[index]) }
        planDevices(nodes)
        planWorkingDirectory(process)
        let terminal = planTerminal(process, bindsConsole: true)
        if options.moments.contains(.mounted) { add(.reach(.mounted)) }
        planProtection(linux, masks: covers)
        try planEntry(spec, propagation: linux.rootfsPropagation)
        return (streams, terminal)
    }
}
