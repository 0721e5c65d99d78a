import Cgroups
import CShims
import Glibc
import LinuxKernel
import OCISpec

/// A container's own cgroup: its limits, and what its processes cannot leave, so that they end with it.
struct ContainerCgroup {
    let cgroup: Cgroup
    /// The directory, opened; closed by ``closeDescriptor()``.
    let descriptor: Int32
    /// The user asked for limits: outside of it the container must not run.
    let hasLimits: Bool
    private let accountsMemory: Bool

    var path: String { cgroup.path }

    /// Makes it, with the limits of the specification, and writes its path down before.
    ///
    /// Limits are judged here, at the launch: what was delegated at the create may not be any more. nil where there is
    /// to be none, and where none can be made and none was asked for: most sessions of a plain user may not.
    static func make(
        for record: ContainerRecord, in directory: Int32, _ session: EngineSession
    ) throws(EngineError) -> ContainerCgroup? {
        if record.cgroups.mode == .disabled { return nil }
        let maker = CgroupMaker(record, directory, session)
        do throws(CgroupError) {
            return try maker.make(try maker.limits())
        } catch  where error.kind == .notDelegated {
            // A limit that nobody asked for is no reason to fail.
            if maker.isAsked {
                guard
                    ResourcePolicy.goesOnWithoutLimits(
                        isRootless: session.isRootless, maker.hierarchy.kind, record.cgroups.manager)
                else { throw EngineError(error) }
                session.settings.warn(ResourcePolicy.ignored(maker.hierarchy.kind, error))
            }
            return try? maker.make([])
        } catch {
            throw EngineError(error)
        }
    }

    init(_ cgroup: Cgroup, descriptor: Int32, _ settings: [CgroupSetting]) {
        self.cgroup = cgroup
        self.descriptor = descriptor
        hasLimits = settings.contains { !$0.isOptional }
        accountsMemory = settings.contains { $0.controller == "memory" }
    }

    func closeDescriptor() { close(descriptor) }

    /// -1 where memory is not limited: nothing asks the machine's own OOM killer whom it took.
    func openMemoryEvents() -> Int32 {
        guard accountsMemory else { return -1 }
        return (try? File.openRaw("memory.events", in: descriptor, O_RDONLY, mode: 0)) ?? -1
    }

    func remove() {
        close(descriptor)
        cgroup.remove()
    }

    // MARK: - Its name on disk

    /// A link in the container's directory: one call, whole or not at all.
    private static let link = "cgroup"

    static func remember(_ cgroup: Cgroup, in directory: Int32) throws(CgroupError) {
        if symlinkat(cgroup.path, directory, link) == 0 { return }
        // The run before has left it, and perhaps more than the name.
        removeRemembered(in: directory)
        guard symlinkat(cgroup.path, directory, link) == 0 else {
            throw CgroupError(.failed, "write down cgroup: \(SyscallError("symlinkat", cgroup.path))")
        }
    }

    /// Removes the cgroup that a launch has written down, with all that runs in it.
    static func removeRemembered(in directory: Int32) {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes {
            readlinkat(directory, link, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
        }
        guard count > 0 else { return }
        let path = String(decoding: buffer.prefix(count), as: UTF8.self)
        if path.hasPrefix("/") { Cgroup(recorded: path).remove() }
        unlinkat(directory, link, 0)
    }
}

/// One launch's wishes and what the machine has for them.
struct CgroupMaker {
    let record: ContainerRecord
    let directory: Int32
    let session: EngineSession
    let hierarchy = CgroupHierarchy.find()

    init(_ record: ContainerRecord, _ directory: Int32, _ session: EngineSession) {
        self.record = record
        self.directory = directory
        self.session = session
    }

    private var resources: JSON { record.specification.runtime.linux?.resources ?? .object([]) }

    /// podman's default is not the user's wish.
    func limits() throws(CgroupError) -> [CgroupSetting] {
        var settings = try ResourceTranslation.settings(resources)
        if !record.cgroups.limitsProcesses {
            for index in settings.indices where settings[index].file == "pids.max" { settings[index].isOptional = true }
        }
        return settings
    }

    var isAsked: Bool { ((try? limits()) ?? []).contains { !$0.isOptional } }

    /// The caller has a cgroup, by the files' rights, in which the controllers that limits were asked for can be had.
    var hasPlaceForLimits: Bool {
        guard let place = (try? CgroupPlacement.find(in: hierarchy, isRoot: !session.isRootless)) ?? nil else {
            return false
        }
        let wanted = ((try? limits()) ?? []).filter { !$0.isOptional }.controllers
        return Set(wanted).isSubset(of: place.usableControllers)
    }

    func make(_ settings: [CgroupSetting]) throws(CgroupError) -> ContainerCgroup? {
        let options = record.cgroups
        let place = try CgroupPlacement.find(
            in: hierarchy, asked: options.parent, isRoot: !session.isRootless, split: options.mode == .split)
        guard let place else {
            let wanted = settings.filter { !$0.isOptional }
            if wanted.isEmpty { return nil }
            throw Delegation.nowhere(wanted.controllers, hierarchy, uid: session.uid).error
        }
        let name = CgroupPlacement.name(record.id, stateDirectory: session.layout.data)
        try ContainerCgroup.remember(place.parent.child(name), in: directory)
        let made = try place.make(name, settings)
        if made.omitted.contains(where: { $0.file == "memory.swap.max" }) {
            session.settings.warn(
                "Your kernel does not support swap limit capabilities or the cgroup is not mounted. "
                    + "Memory limited without swap.")
        }
        do {
            let descriptor = try made.cgroup.open().release()
            try filterDevices(descriptor)
            return ContainerCgroup(made.cgroup, descriptor: descriptor, settings)
        } catch let error as CgroupError {
            made.cgroup.remove()
            throw error
        } catch {
            made.cgroup.remove()
            throw CgroupError(.failed, "open cgroup: \(error)")
        }
    }

    /// Root's only: nobody else may load such a program, and nobody else's containers can make a node that works.
    func filterDevices(_ descriptor: Int32) throws(CgroupError) {
        guard !session.isRootless, let filter = try DeviceFilter(resources: resources) else { return }
        do {
            try filter.attach(to: descriptor)
        } catch {
            // Root of a container may not either. The nodes that a container has are those that it was given.
            if error.errno == EPERM || error.errno == ENOSYS || error.errno == EINVAL { return }
            throw CgroupError(.failed, "filter devices: \(error)")
        }
    }
}

extension ContainerRecord {
    /// The user asked for limits, apart from podman's default of processes and the rules of devices.
    var hasLimits: Bool {
        for member in specification.runtime.linux?.resources?.members ?? [] {
            switch member.name {
            case "devices": continue
            case "pids": if cgroups.limitsProcesses { return true }
            default: return true
            }
        }
        return false
    }
}

extension DeviceFilter {
    /// What `linux.resources` says of devices, and above it what every container may do. nil where it allows everything.
    init?(resources: JSON) throws(CgroupError) {
        guard let list = resources["devices"]?.array, !list.isEmpty else { return nil }
        var rules: [DeviceRule] = []
        for json in list { rules.append(try DeviceRule(json)) }
        guard let last = rules.last, last != DeviceRule(allows: true) else { return nil }
        self.init(rules + ResourcePolicy.standardDevices)
    }
}
