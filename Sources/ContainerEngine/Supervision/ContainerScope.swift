import Cgroups
import Glibc
import LinuxKernel
import OCISpec

/// A container's cgroup from systemd's hand: where it is asked for, and where limits are and systemd runs, which would
/// undo what it does not know of.
struct ContainerScope {
    private let scope: SystemdScope
    private let bus: String
    private let maker: CgroupMaker
    private let session: EngineSession

    /// nil where cgroupfs is to make it. podman's words where systemd was asked for and is not there.
    ///
    /// Where cgroupfs was asked for, and limits that it cannot set in this session, systemd is better than no limits: Ray's
    /// worker line always says cgroupfs, and the sessions that systemd makes for a plain user's login are root's.
    static func choose(
        for record: ContainerRecord, in directory: Int32, _ session: EngineSession
    ) throws(EngineError) -> ContainerScope? {
        let options = record.cgroups
        switch (options.mode, options.manager) {
        case (.disabled, _), (.split, _): return nil
        case (_, .systemd): break
        case (_, .cgroupfs):
            guard session.isRootless, record.hasLimits, options.parent == nil,
                !CgroupMaker(record, directory, session).hasPlaceForLimits
            else { return nil }
        case (_, nil):
            // Nobody is asked for a cgroup that limits nothing.
            guard record.hasLimits, options.parent == nil || options.parent?.hasSuffix(".slice") == true else {
                return nil
            }
        }
        let caller = session.caller
        guard
            let bus = SystemdScope.bus(isRoot: !session.isRootless, uid: session.uid, variable: { caller.variable($0) })
        else {
            if options.manager == .systemd {
                session.settings.warn(
                    "The cgroupv2 manager is set to systemd but there is no systemd "
                        + "\(session.isRootless ? "user session" : "") available, falling back to cgroupfs")
            }
            return nil
        }
        let maker = CgroupMaker(record, directory, session)
        guard maker.hierarchy.kind == .unified else { return nil }
        if options.manager == .cgroupfs {
            session.settings.warn(
                "cgroupfs has no cgroup of the caller's for the limits, falling back to systemd")
        }
        do throws(CgroupError) {
            let name = CgroupPlacement.name(record.id, stateDirectory: session.layout.data)
            let scope = SystemdScope(
                unit: name + ".scope", slice: options.parent, description: "swiftpod container \(record.name)",
                settings: try maker.limits())
            return ContainerScope(scope: scope, bus: bus, maker: maker, session: session)
        } catch { throw EngineError(error) }
    }

    /// Tells systemd of new limits, where the cgroup is a scope that it made.
    static func update(
        _ cgroup: Cgroup, _ settings: [CgroupSetting], of record: ContainerRecord, _ session: EngineSession
    ) throws(CgroupError) {
        let unit = CgroupPlacement.name(record.id, stateDirectory: session.layout.data) + ".scope"
        guard cgroup.name == unit else { return }
        let caller = session.caller
        guard
            let bus = SystemdScope.bus(isRoot: !session.isRootless, uid: session.uid, variable: { caller.variable($0) })
        else {
            throw CgroupError(.failed, "update \(unit): systemd, which made it, cannot be reached over its message bus")
        }
        try SystemdScope.update(unit, settings, bus: bus, uid: session.uid)
    }

    /// What brings a further process of a plain user's to a cgroup in the container's scope: his session and his manager
    /// have nothing in common that is his. nil where the files do it.
    static func attachment(
        to cgroup: String, of record: ContainerRecord, _ session: EngineSession
    ) -> ((Int32) throws(EngineError) -> Void)? {
        let unit = CgroupPlacement.name(record.id, stateDirectory: session.layout.data) + ".scope"
        let caller = session.caller
        let parts = cgroup.split(separator: "/")
        guard session.isRootless, let place = parts.firstIndex(where: { $0 == unit }),
            let bus = SystemdScope.bus(isRoot: false, uid: session.uid, variable: { caller.variable($0) })
        else { return nil }
        let below = parts[(place + 1)...].map { "/" + $0 }.joined()
        let uid = session.uid
        return { pid throws(EngineError) in
            do throws(CgroupError) {
                try SystemdScope.attach(pid, to: unit, subgroup: below, bus: bus, uid: uid)
            } catch { throw EngineError(error) }
        }
    }

    /// Moves a process into the scope. Its limits hold, or this throws: systemd itself passes over what it may not set.
    func start(pid: Int32) throws(EngineError) -> ContainerCgroup {
        do throws(CgroupError) {
            try scope.start(pid: pid, bus: bus, uid: session.uid)
            guard let cgroup = maker.hierarchy.cgroup(of: pid) else {
                throw CgroupError(.failed, "start \(scope.unit): the process has ended")
            }
            _ = try cgroup.limit(scope.settings)
            let descriptor: Int32
            do { descriptor = try cgroup.open().release() } catch {
                throw CgroupError(.failed, "open cgroup: \(error)")
            }
            try maker.filterDevices(descriptor)
            return ContainerCgroup(cgroup, descriptor: descriptor, scope.settings)
        } catch { throw EngineError(error) }
    }
}
