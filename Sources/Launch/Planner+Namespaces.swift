import Glibc
import LinuxKernel
import OCISpec

extension Planner {
    /// Which namespaces are new and which are joined, and how to get into them.
    mutating func planNamespaces(_ linux: RuntimeSpec.Linux, oomScore: Int?) throws(PlanError) {
        var joins = options.joined.map { join in (kinds: join.kinds, slot: inherit(join.descriptor)) }
        var joined = options.joined.reduce(into: NamespaceKinds()) { $0.formUnion($1.kinds) }
        for namespace in linux.namespaces {
            let kind = namespace.type.kind
            if joined.contains(kind) { continue }
            if own.contains(kind) { throw PlanError("namespace \(namespace.type.rawValue) is named twice") }
            if let path = namespace.path {
                joins.append((kind, inherit(path: path)))
                joined.formUnion(kind)
            } else {
                own.formUnion(kind)
            }
        }
        guard own.contains(.mount) else { throw PlanError("a container needs a mount namespace of its own") }
        if own.contains(.user) || joined.contains(.user) { isInUserNamespace = true }
        if own.contains(.user) { try planMaps(linux) }
        // The user namespace comes last: from outside of it we may join what belongs to others, too.
        joins.sort { !$0.kinds.contains(.user) && $1.kinds.contains(.user) }

        // What the caller puts into a cgroup before it goes on must see that one as the root of its own view.
        let cgroupLater = own.contains(.cgroup) && options.cgroup == nil && options.moments.contains(.created)
        // A process that is born in a time namespace cannot set its clocks any more: it makes its own, which holds from
        // the exec on (Linux 6.1).
        let made = (cgroupLater ? own.subtracting(.cgroup) : own).subtracting(.time)
        if options.inPlace {
            try planIsolation(made, joining: !joins.isEmpty)
            planOOMScore(oomScore)
            add(.setUmask(0))
            return
        }
        plan.cgroup = options.cgroup
        plan.requiresCgroup = options.requiresCgroup
        // A pid namespace takes effect for children; and what is joined from inside a new user namespace would be out
        // of reach. Then a first child joins, and clones the one that counts.
        if !joins.isEmpty, own.contains(.user) || !joined.isDisjoint(with: [.user, .pid]) {
            for join in joins { add(.enter(join.kinds, join.slot)) }
            planSibling(made)
            planCreated()
        } else {
            plan.cloned = made
            planCreated()
            for join in joins { add(.enter(join.kinds, join.slot)) }
        }
        if cgroupLater { add(.unshare(.cgroup)) }
        try planClocks(linux)
        planOOMScore(oomScore)
        // Modes are meant as they are written until the process gets its own umask.
        add(.setUmask(0))
    }

    /// In the launcher's own process. What takes effect for children only, or by a child only, cannot be had.
    private mutating func planIsolation(_ made: NamespaceKinds, joining: Bool) throws(PlanError) {
        guard made.isDisjoint(with: [.pid, .time]), !joining, !options.reaper, options.moments.isEmpty else {
            throw PlanError("a process that becomes the container has its pid namespace, and joins none")
        }
        plan.isInPlace = true
        add(.isolate(made, plan.maps))
    }

    /// The namespaces of a running container, and a process in them.
    mutating func planJoining(oomScore: Int?) {
        let kinds = options.joined.reduce(into: NamespaceKinds()) { $0.formUnion($1.kinds) }
        let joins = options.joined.map { join in (kinds: join.kinds, slot: inherit(join.descriptor)) }
        if kinds.contains(.user) { isInUserNamespace = true }
        // Here, where /proc is the host's and this process is still the caller's.
        planOOMScore(oomScore)
        // CVE-2016-9962: what is in the container may look at who joins, and at what he has open.
        add(.control(.notDumpable))
        plan.cgroup = options.cgroup
        plan.requiresCgroup = options.requiresCgroup
        for join in joins where !join.kinds.subtracting(.cgroup).isEmpty {
            add(.enter(join.kinds.subtracting(.cgroup), join.slot))
        }
        if kinds.contains(.pid) { planSibling([]) }
        if options.moments.contains(.created) { add(.awaitLauncher) }
        // Last: who stands in a cgroup namespace comes into no cgroup from outside of it ("nsdelegate").
        for join in joins where join.kinds.contains(.cgroup) { add(.enter(.cgroup, join.slot)) }
        root = newSlot()
        add(.open("/", .directory, in: nil, into: root))
    }

    private mutating func planSibling(_ kinds: NamespaceKinds) {
        let cgroup = options.cgroup.map { inherit($0) }
        plan.cgroup = nil
        add(.cloneSibling(kinds, cgroup: cgroup))
    }

    private mutating func planCreated() {
        if plan.maps != nil || options.moments.contains(.created) { add(.awaitLauncher) }
    }

    private mutating func planMaps(_ linux: RuntimeSpec.Linux) throws(PlanError) {
        func ranges(_ mappings: [RuntimeSpec.IDMapping]) -> [IDRange] {
            mappings.map { IDRange(inside: $0.containerID, outside: $0.hostID, count: $0.size) }
        }
        guard !linux.uidMappings.isEmpty, !linux.gidMappings.isEmpty else {
            throw PlanError("a new user namespace needs uid and gid mappings")
        }
        // An unprivileged writer may map his own group only where setgroups is out of reach.
        plan.maps = LaunchPlan.Maps(
            uid: ranges(linux.uidMappings), gid: ranges(linux.gidMappings), denySetgroups: !facts.writesAnyMap)
    }

    private mutating func planClocks(_ linux: RuntimeSpec.Linux) throws(PlanError) {
        guard own.contains(.time) else {
            if linux.timeOffsets != nil { throw PlanError("timeOffsets without a new time namespace") }
            return
        }
        add(.unshare(.time))
        guard let offsets = linux.timeOffsets else { return }
        guard facts.kernel >= KernelVersion(6, 1) else { throw PlanError("timeOffsets need Linux 6.1") }
        var lines = ""
        do throws(DocumentError) {
            for name in ["monotonic", "boottime"] {
                guard let clock: JSON = try offsets.optional(name) else { continue }
                let seconds: Int64 = try clock.optional("secs") ?? 0
                let nanoseconds: UInt32 = try clock.optional("nanosecs") ?? 0
                lines += "\(name) \(seconds) \(nanoseconds)\n"
            }
        } catch {
            throw PlanError("timeOffsets: \(error)")
        }
        if !lines.isEmpty { write(lines, to: "self/timens_offsets") }
    }

    /// Into our own /proc, which shows the namespaces that this process is in; where there may be none, the host's.
    mutating func write(_ text: String, to path: String, tolerating: [Int32] = []) {
        let proc = self.proc ?? newSlot()
        if self.proc == nil {
            self.proc = proc
            add(.mount(FileSystem(type: "proc", source: "proc"), into: proc), tolerating: [EPERM, EBUSY, EINVAL])
            add(.open("/proc", .directory, in: nil, into: proc), isFallback: true)
        }
        add(.write(text, to: path, in: proc), tolerating: tolerating)
    }

    private mutating func planOOMScore(_ score: Int?) {
        guard let score else { return }
        // Lowering it takes a privilege on the machine that a rootless caller lacks; it is a hint, not a promise.
        write(
            "\(score)", to: "self/oom_score_adj",
            tolerating: facts.inUserNamespace ? [EACCES, EPERM] : [])
    }

    /// Root of the container from here on: what is made belongs to it. Sources have been opened before, with what the
    /// caller may open.
    mutating func planPrivileges(_ linux: RuntimeSpec.Linux) {
        guard let maps = plan.maps else {
            if options.joined.contains(where: { $0.kinds.contains(.user) }) { add(.becomeUser(uid: 0, gid: 0)) }
            return
        }
        if maps.uid.contains(where: { $0.inside == 0 }), maps.gid.contains(where: { $0.inside == 0 }) {
            add(.becomeUser(uid: 0, gid: 0))
        }
    }

    /// While /proc is still the host's, whose sysctl files show the namespaces of whoever opens them.
    mutating func planNames(_ spec: RuntimeSpec, sysctls: [String: String]) throws(PlanError) {
        if own.contains(.network) { add(.raiseLoopback) }
        if let name = spec.hostname, !name.isEmpty { add(.setHostname(name)) }
        if let name = spec.domainname, !name.isEmpty { add(.setDomainname(name)) }
        for (name, value) in sysctls.sorted(by: { $0.key < $1.key }) {
            let path = Planner.sysctlPath(name)
            try checkSysctl(path, value, spec)
            write(value, to: "sys/\(path)")
        }
    }

    /// A parameter of a namespace that is the machine's would be set for the machine.
    private func checkSysctl(_ path: String, _ value: String, _ spec: RuntimeSpec) throws(PlanError) {
        let kind: NamespaceKinds
        let isOfIPC =
            path.hasPrefix("fs/mqueue/")
            || ["msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni", "shm_rmid_forced"].contains {
                path == "kernel/\($0)"
            }
        if path.split(separator: "/").contains("..") { throw PlanError("sysctl \(path): not a name") }
        if path.hasPrefix("net/") {
            kind = .network
        } else if isOfIPC {
            kind = .ipc
        } else if path == "kernel/domainname" {
            kind = .uts
            if let name = spec.domainname, name != value {
                throw PlanError("sysctl kernel.domainname: domainname says \(name)")
            }
        } else if path == "kernel/hostname" {
            throw PlanError("sysctl kernel.hostname: use hostname")
        } else if path.hasPrefix("user/") {
            kind = .user
        } else {
            throw PlanError("sysctl \(path): not of a namespace")
        }
        let joined = options.joined.contains { $0.kinds.contains(kind) }
        let named = spec.linux?.namespaces.contains { $0.type.kind == kind } ?? false
        guard joined || named else {
            throw PlanError("sysctl \(path): the container has no such namespace of its own")
        }
    }

    /// `net.ipv4.ip_forward` and `net/ipv4/ip_forward` mean the same; with slashes a dot is a dot.
    static func sysctlPath(_ name: String) -> String {
        guard !name.contains("/") else { return name }
        return String(name.map { $0 == "." ? "/" : $0 })
    }
}

extension RuntimeSpec.NamespaceKind {
    var kind: NamespaceKinds {
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
}
