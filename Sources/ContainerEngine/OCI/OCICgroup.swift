import Cgroups
import Glibc
import LinuxKernel
import OCISpec

/// The cgroup of a container that is to be made: where its caller wants it, and what it may use. The rules are crun's;
/// README.md has them.
struct OCICgroup {
    private let id: String
    private let stateDirectory: String
    /// `linux.cgroupsPath`; nil where the caller leaves it to us.
    private let path: String?
    private let manager: OCIRuntime.CgroupManager
    private let isRootless: Bool
    private let hierarchy = CgroupHierarchy.find()
    private let settings: [CgroupSetting]
    private let filter: DeviceFilter?
    private let owner: UInt32?
    private let warn: (String) -> Void

    /// Reads the specification's wishes; what no kernel could do is an error before anything is made.
    init(
        for id: String, _ spec: RuntimeSpec, isRootless: Bool, _ runtime: OCIRuntime
    ) throws(EngineError) {
        let linux = spec.linux
        self.id = id
        self.isRootless = isRootless
        stateDirectory = runtime.store.root
        manager = runtime.settings.cgroupManager
        warn = runtime.settings.warn
        path = linux?.cgroupsPath.flatMap { $0.isEmpty ? nil : $0 }
        owner = hierarchy.kind == .unified ? OCICgroup.owner(spec) : nil
        let resources = linux?.resources ?? .object([])
        do throws(CgroupError) {
            settings = try OCICgroup.settings(resources)
            let filter = try DeviceFilter(resources: resources)
            // Nobody else may load one, and nobody else's containers can make a node that works.
            self.filter = isRootless ? nil : filter
        } catch { throw EngineError(error) }
    }

    /// What holds in a cgroup that nobody has written anything to.
    static func isEverybodys(_ setting: CgroupSetting) -> Bool {
        setting.value == "max"
            || setting.file == "cpu.weight" && setting.value == String(ResourceTranslation.weight(shares: 1024))
    }

    /// The limits as values of files. That there is no limit needs no controller, nor does the share of CPU time that
    /// everybody has, which ctr of containerd asks for; and podman's default number of processes comes whether or not
    /// somebody asked for it.
    static func settings(_ resources: JSON) throws(CgroupError) -> [CgroupSetting] {
        var settings = try ResourceTranslation.settings(resources)
        let standard = CgroupSetting("pids.max", String(ResourcePolicy.processLimit))
        for index in settings.indices
        where OCICgroup.isEverybodys(settings[index]) || settings[index] == standard {
            settings[index].isOptional = true
        }
        return settings
    }

    /// Something was asked for that would not hold outside of it.
    var isRequired: Bool { !asked.isEmpty || filter != nil }

    private var asked: [CgroupSetting] { settings.filter { !$0.isOptional } }

    // MARK: - By hand

    /// Makes it, with its limits. nil where systemd makes it, and where there is none to be had and none was asked for: an
    /// unprivileged caller mostly has no cgroup that is his.
    /// - Parameter remember: writes the path down before it is there.
    func make(remember: (String) throws -> Void) throws -> Cgroup? {
        if manager == .systemd { return nil }
        guard let (place, name) = try place() else {
            try goWithout()
            return nil
        }
        let cgroup = place.parent.child(name)
        // It ends with the container, and so would what is in it.
        if cgroup.exists, !cgroup.isEmpty {
            throw CgroupError(.invalid, "cgroup \(cgroup.kernelPath) is in use: it holds processes")
        }
        try remember(cgroup.path)
        place.offerControllers()
        do {
            try fill(try place.make(name, settings))
        } catch let error as CgroupError where error.kind == .notDelegated && path == nil && !isRequired {
            return nil
        }
        return cgroup
    }

    /// nil where the caller may make none.
    private func place() throws(CgroupError) -> (CgroupPlacement, name: String)? {
        guard manager != .disabled, hierarchy.kind != .absent else { return nil }
        guard let path else {
            let place = try CgroupPlacement.find(in: hierarchy, isRoot: !isRootless)
            return place.map { ($0, CgroupPlacement.name(id, stateDirectory: stateDirectory)) }
        }
        let parts = path.split(separator: "/")
        guard let name = parts.last, !parts.contains(".."), !parts.contains("."), !path.utf8.contains(0) else {
            throw CgroupError(.invalid, "invalid cgroupsPath \"\(path.escapingControls)\"")
        }
        let parent = parts.dropLast().joined(separator: "/")
        let place = try CgroupPlacement.find(in: hierarchy, asked: "/" + parent, isRoot: !isRootless)
        return place.map { ($0, String(name)) }
    }

    /// Limits hold, or the container does not run. Devices are crun's exception: with its cgroups disabled, and on
    /// machines without any, a container has those nodes that it was given.
    private func goWithout() throws(CgroupError) {
        if !asked.isEmpty {
            if manager == .disabled {
                throw CgroupError(
                    .invalid, "cannot limit \(asked.controllers.joined(separator: ", ")): cgroups are disabled")
            }
            throw Delegation.nowhere(asked.controllers, hierarchy, uid: IDMaps.outsideUID()).error
        }
        report(settings.filter(\.isOptional))
        if filter != nil { warn("device rules are not in force: the container has no cgroup of v2") }
    }

    private func fill(_ made: (cgroup: Cgroup, omitted: [CgroupSetting])) throws {
        report(made.omitted)
        do {
            try filterDevices(made.cgroup)
            if let owner { try made.cgroup.give(to: owner) }
        } catch {
            made.cgroup.remove()
            throw error
        }
    }

    /// The specification's rule: a container that sees its own cgroup alone, and may write there, gets it for the user that
    /// its process has. nil where that changes nothing.
    private static func owner(_ spec: RuntimeSpec) -> UInt32? {
        guard let linux = spec.linux, linux.namespaces.contains(where: { $0.type == .cgroup && $0.path == nil }),
            let mount = spec.mounts.last(where: { $0.destination == "/sys/fs/cgroup" }),
            mount.type?.hasPrefix("cgroup") == true, !mount.options.contains("ro")
        else { return nil }
        let uid = spec.process?.user.uid ?? 0
        let isMapped = linux.namespaces.contains { $0.type == .user && $0.path == nil }
        guard isMapped else { return uid == 0 ? nil : uid }
        let range = linux.uidMappings.first { $0.containerID <= uid && uid - $0.containerID < $0.size }
        return range.map { $0.hostID &+ (uid - $0.containerID) }
    }

    private func report(_ omitted: [CgroupSetting]) {
        for setting in omitted where !OCICgroup.isEverybodys(setting) {
            warn("\(setting) is not in force: the controller is not there")
        }
    }

    private func filterDevices(_ cgroup: Cgroup) throws(CgroupError) {
        guard let filter else { return }
        do throws(SyscallError) {
            let directory = try cgroup.open()
            try filter.attach(to: directory.raw)
        } catch {
            throw CgroupError(.failed, "filter devices: \(error)")
        }
    }

    // MARK: - By systemd

    /// Has systemd make a scope with a process in it; nil with another manager.
    func start(pid: Int32) throws -> Cgroup? {
        guard manager == .systemd else { return nil }
        guard hierarchy.kind == .unified else {
            throw CgroupError(.unsupported, "cgroup manager systemd: needs a machine with cgroup v2 alone")
        }
        let (bus, uid) = try OCICgroup.bus(isRootless: isRootless)
        let (slice, unit) = try unit()
        let scope = SystemdScope(
            unit: unit, slice: slice, description: "swiftpod container \(id)", settings: settings)
        try scope.start(pid: pid, bus: bus, uid: uid)
        guard let cgroup = hierarchy.cgroup(of: pid) else {
            throw CgroupError(.failed, "start \(unit): the process has ended")
        }
        // systemd passes over in silence what it may not set.
        try fill((cgroup, try cgroup.limit(settings)))
        return cgroup
    }

    /// The manager's socket, and the caller's uid on the machine.
    static func bus(isRootless: Bool) throws(CgroupError) -> (path: String, uid: UInt32) {
        let uid = IDMaps.outsideUID()
        let variable: (String) -> String? = { name in getenv(name).map { String(cString: $0) } }
        guard let bus = SystemdScope.bus(isRoot: !isRootless, uid: uid, variable: variable) else {
            throw CgroupError(.unsupported, "cgroup manager systemd: there is no systemd to ask")
        }
        return (bus, uid)
    }

    /// `SLICE:PREFIX:NAME`, as systemd's users write the path.
    private func unit() throws(CgroupError) -> (slice: String, unit: String) {
        let standard = isRootless ? "user.slice" : "system.slice"
        guard let path else {
            return (standard, CgroupPlacement.name(id, stateDirectory: stateDirectory) + ".scope")
        }
        let parts = path.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[2].isEmpty, !path.contains("/") else {
            throw CgroupError(
                .invalid, "cgroupsPath \"\(path.escapingControls)\": must be SLICE:PREFIX:NAME with systemd")
        }
        let name = parts[1].isEmpty ? String(parts[2]) : "\(parts[1])-\(parts[2])"
        return (parts[0].isEmpty ? standard : String(parts[0]), name + ".scope")
    }
}

extension OCIContainer {
    var cgroup: Cgroup? { record.cgroup.map { Cgroup(recorded: $0) } }

    /// Where a further process belongs. One that has divided its cgroup among children of it (systemd does) holds no
    /// processes in the cgroup itself: then to the first process's.
    func cgroupToJoin() -> Cgroup? {
        guard let own = cgroup, !own.words("cgroup.subtree_control").isEmpty, let first = record.process,
            let actual = CgroupHierarchy.find().cgroup(of: first.pid), actual.path.hasPrefix(own.path + "/")
        else { return cgroup }
        return actual
    }
}
