import Glibc
import LinuxKernel
import OCISpec

extension Planner {
    /// stdin, stdout and stderr of a process without a terminal; /dev/null is opened while the host's is in sight.
    mutating func planStreams(_ process: RuntimeSpec.Process) -> [(slot: Slot, source: Int32?)] {
        if process.terminal { return [] }
        planGift(uid: process.user.uid)
        return [options.input, options.output, options.error].map { source in
            if let source { return (inherit(source), source) }
            let slot = newSlot()
            add(.open("/dev/null", .readWrite, in: nil, into: slot))
            return (slot, nil)
        }
    }

    /// The same of a command that is told later, with those of its streams that are not /dev/null.
    mutating func planToldStreams() -> [(slot: Slot, source: Int32?)] {
        // Their numbers are not known, but are above those of their places.
        let number: Int32 = 3
        plan.told = (0..<3).map { _ in newSlot() }
        for slot in plan.told { add(.open("/dev/null", .readWrite, in: nil, into: slot), isFallback: true) }
        return plan.told.map { ($0, number) }
    }

    /// Real root's pipes belong to an id that a container with shifted ids does not have: neither its root nor its user
    /// could open /dev/stdout.
    private mutating func planGift(uid: UInt32) {
        guard !facts.inUserNamespace, facts.writesAnyMap, let maps = plan.maps,
            let range = maps.uid.first(where: { uid >= $0.inside && uid - $0.inside < $0.count })
        else { return }
        plan.gift = LaunchPlan.Gift(
            descriptors: [options.input, options.output, options.error].compactMap { $0 },
            uid: range.outside &+ (uid - range.inside))
    }

    /// A terminal of the container's own devpts; the host's would be seen, and could be typed into, from outside.
    mutating func planTerminal(_ process: RuntimeSpec.Process, bindsConsole: Bool) -> Slot? {
        guard process.terminal else { return nil }
        let master = newSlot()
        let slave = newSlot()
        add(.open("/dev/pts/ptmx", .readWrite, in: root, into: master))
        let size = process.consoleSize.map { TerminalSize(rows: $0.height, columns: $0.width) }
        add(.openTerminal(master, size: size, into: slave))
        if process.user.uid != 0 { add(.own(slave, uid: process.user.uid, gid: nil, pipesOnly: false)) }
        if bindsConsole {
            let console = newSlot()
            add(.takeTree(.slot(slave), recursive: false, into: console))
            add(.attach(console, at: "/dev/console", in: root))
        }
        return slave
    }

    /// From the container's root to its command. Each privilege goes when the last step that needs it is done.
    mutating func planProcess(
        _ process: RuntimeSpec.Process, streams: [(slot: Slot, source: Int32?)], terminal: Slot?
    ) throws(PlanError) {
        try planIdentity(process)
        try planCommand(try Planner.command(process), process, streams: streams, terminal: terminal)
    }

    /// Whom the process runs as and where, still with the privileges that the last steps need.
    mutating func planIdentity(_ process: RuntimeSpec.Process) throws(PlanError) {
        for limit in process.rlimits { add(.setLimit(try Planner.limit(limit))) }
        let capabilities = try capabilities(process)
        // Needs CAP_SETPCAP, so it comes before the rest is given up.
        if let bounding = capabilities?.bounding { add(.bound(to: bounding, last: facts.lastCapability)) }
        planUser(process.user)
        // As the user, but with all capabilities: a directory may be open to one or to the other only.
        add(.changeDirectory(process.cwd))
        // Every change of user up to here would have cleared it; the capabilities that are given up below do not.
        if let signal = options.parentDeathSignal {
            add(.control(.parentDeathSignal(signal)))
            if let parent = options.parent { add(.expectParent(parent, signal: signal)) }
        }
        if options.reaper {
            add(.reap(capabilities?.effective ?? CapabilityMask(bits: .max)))
        }
    }

    private func capabilities(_ process: RuntimeSpec.Process) throws(PlanError) -> CapabilitySets? {
        try process.capabilities.map { sets throws(PlanError) in try CapabilitySets(sets, facts, isInUserNamespace) }
    }

    /// The streams, the last privileges, the exec.
    mutating func planCommand(
        _ command: Command, _ process: RuntimeSpec.Process, streams: [(slot: Slot, source: Int32?)], terminal: Slot?
    ) throws(PlanError) {
        let capabilities = try capabilities(process)
        let guardian = planGuard(process, command)
        // CVE-2016-9962: what waits to be started is a copy of the launcher, and whoever shares its pid namespace could
        // look at it. Below a keeper's namespace even those that may would be kept out, `exec` among them.
        if options.startSocket != nil, !facts.inUserNamespace { add(.control(.notDumpable)) }
        planDescriptors(streams, terminal: terminal, uid: process.user.uid, gid: process.user.gid)
        add(.setUmask(process.user.umask ?? 0o022))
        if options.moments.contains(.starting) { add(.reach(.starting)) }
        if let socket = options.startSocket {
            let listener = inherit(socket)
            add(.probe(command))
            add(.announceStart)
            add(.acceptStarter(listener, closing: 3 + Int32(options.preservedDescriptors), keeping: guardian))
        }
        // Without no_new_privs a filter takes CAP_SYS_ADMIN; with it, it can wait until nothing else is left.
        if !process.noNewPrivileges, !options.seccompFilter.isEmpty { add(filter) }
        if let capabilities {
            add(
                .setCapabilities(
                    effective: capabilities.effective, permitted: capabilities.permitted,
                    inheritable: capabilities.inheritable))
            add(.setAmbient(capabilities.ambient, last: facts.lastCapability))
        }
        if process.noNewPrivileges {
            add(.control(.noNewPrivileges))
        }
        let filtersLast = process.noNewPrivileges && !options.seccompFilter.isEmpty
        if filtersLast, options.seccompListener { add(filter) }
        add(.announceStart)
        if let guardian {
            add(.executeGuarded(command, guard: guardian, channel: 3 + Int32(options.preservedDescriptors)))
        }
        // Without a guard, or on a kernel that would not have it.
        if filtersLast, !options.seccompListener { add(filter) }
        add(.execute(command))
    }

    var filter: Step.Action {
        .filter(options.seccompFilter, flags: options.seccompFlags, hasListener: options.seccompListener)
    }

    /// Labels hold from the first exec on, and what a labelled process may execute is the label's business. Who becomes
    /// the container in place has no channel for the guard to report by, and shares the host's pid namespace, where the
    /// link of every other process of the same user shows as much.
    private mutating func planGuard(_ process: RuntimeSpec.Process, _ command: Command) -> Slot? {
        guard options.guarded, !options.inPlace, (process.apparmorProfile ?? "").isEmpty,
            (process.selinuxLabel ?? "").isEmpty
        else {
            return nil
        }
        var image = Guard(command: command, channel: 3 + Int32(options.preservedDescriptors))
        if process.noNewPrivileges, !options.seccompListener {
            image.filter = options.seccompFilter
            image.filterFlags = options.seccompFlags
        }
        let slot = newSlot()
        plan.inherited.append(.init(slot: slot, source: .guarding(image)))
        return slot
    }

    private mutating func planUser(_ user: RuntimeSpec.User) {
        // Without it the change of user would drop what the next steps need.
        add(.control(.keepCapabilities))
        let denied = !facts.setgroupsAllowed || plan.maps?.denySetgroups ?? false
        if !options.keepGroups, !denied {
            // Whether a joined namespace denies it, nobody has told us; having no groups to set, we can do without.
            let isUnknown = user.additionalGids.isEmpty && options.joined.contains { $0.kinds.contains(.user) }
            add(.setGroups(user.additionalGids), tolerating: isUnknown ? [EPERM] : [])
        }
        add(.becomeUser(uid: user.uid, gid: user.gid))
        add(.raiseCapabilities)
    }

    mutating func planDescriptors(
        _ streams: [(slot: Slot, source: Int32?)], terminal: Slot?, uid: UInt32, gid: UInt32
    ) {
        let first = 3 + Int32(options.preservedDescriptors)
        if options.startsSession { add(.startSession) }
        var placed = streams
        if let terminal {
            add(.controlTerminal(terminal))
            placed = [(terminal, nil), (terminal, nil), (terminal, nil)]
        }
        // A program that opens /dev/stdout again must be allowed to.
        if uid != 0 {
            for stream in streams where stream.source != nil {
                add(.own(stream.slot, uid: uid, gid: gid, pipesOnly: true), tolerating: [EPERM, EINVAL, EROFS])
            }
        }
        // Streams that trade places (2>&1 1>…) are moved out of the way first.
        for index in placed.indices {
            guard let source = placed[index].source, source < 3, source != index else { continue }
            let copy = newSlot()
            add(.copy(placed[index].slot, above: first, into: copy))
            placed[index].slot = copy
        }
        for (index, stream) in placed.enumerated() { add(.place(stream.slot, as: Int32(index))) }
        if first > 3 { add(.keep(from: 3, to: first - 1)) }
        add(.seal(from: first))
    }

    private static func command(_ process: RuntimeSpec.Process) throws(PlanError) -> Command {
        try check(directory: process.cwd)
        return try Command(arguments: process.args, environment: process.env)
    }

    static func check(directory: String) throws(PlanError) {
        guard directory.hasPrefix("/") else {
            throw PlanError("working directory \(directory): not an absolute path")
        }
    }

    private static func limit(_ limit: RuntimeSpec.ResourceLimit) throws(PlanError) -> ResourceLimit {
        guard let index = limitNames.firstIndex(of: limit.type) else {
            throw PlanError("unknown resource limit \(limit.type)")
        }
        if limit.soft > limit.hard { throw PlanError("\(limit.type): soft limit above the hard one") }
        return ResourceLimit(name: limit.type, number: Int32(index), soft: limit.soft, hard: limit.hard)
    }

    /// By number, as x86 and arm64 have them.
    private static let limitNames = [
        "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_DATA", "RLIMIT_STACK", "RLIMIT_CORE", "RLIMIT_RSS", "RLIMIT_NPROC",
        "RLIMIT_NOFILE", "RLIMIT_MEMLOCK", "RLIMIT_AS", "RLIMIT_LOCKS", "RLIMIT_SIGPENDING", "RLIMIT_MSGQUEUE",
        "RLIMIT_NICE", "RLIMIT_RTPRIO", "RLIMIT_RTTIME",
    ]
}

/// The five sets as bits, limited to what this kernel knows and this process has to give.
struct CapabilitySets: Equatable, Sendable {
    var bounding: CapabilityMask
    var effective: CapabilityMask
    var permitted: CapabilityMask
    var inheritable: CapabilityMask
    var ambient: CapabilityMask

    init(_ sets: RuntimeSpec.Capabilities, _ facts: HostFacts, _ isInUserNamespace: Bool) throws(PlanError) {
        // In a user namespace of its own the first process has them all.
        let known: UInt64 = facts.lastCapability >= 63 ? .max : 1 << UInt64(facts.lastCapability + 1) - 1
        let held = isInUserNamespace ? known : known & facts.capabilities
        func mask(_ names: [String]) throws(PlanError) -> CapabilityMask {
            var bits: UInt64 = 0
            for name in names {
                guard let number = Capability.number(of: name) else { throw PlanError("unknown capability \(name)") }
                bits |= 1 << UInt64(number)
            }
            return CapabilityMask(bits: bits & held)
        }
        bounding = try mask(sets.bounding)
        permitted = try mask(sets.permitted)
        inheritable = try mask(sets.inheritable)
        // The kernel would refuse sets that contradict each other.
        effective = CapabilityMask(bits: try mask(sets.effective).bits & permitted.bits)
        ambient = CapabilityMask(bits: try mask(sets.ambient).bits & permitted.bits & inheritable.bits)
    }
}
