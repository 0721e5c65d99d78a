import Glibc
import LinuxKernel

extension CgroupPlacement {
    /// Makes a cgroup of that name and sets its limits. The caller has written its path down before.
    ///
    /// What is optional and cannot be set is passed over and returned. On failure nothing is left behind.
    public func make(
        _ name: String, _ settings: [CgroupSetting]
    ) throws(CgroupError) -> (cgroup: Cgroup, omitted: [CgroupSetting]) {
        let wanted = settings.filter { !$0.isOptional }.controllers
        let absent = wanted.count == settings.controllers.count ? [] : offer(settings.controllers, except: wanted)
        let cgroup = parent.child(name)
        do throws(CgroupError) {
            if !wanted.isEmpty { try parent.delegate(wanted, movingProcesses: mayMoveProcesses) }
            do throws(SyscallError) {
                try cgroup.create()
            } catch {
                throw CgroupError(error.isRefusal ? .notDelegated : .failed, "create cgroup: \(error)")
            }
            let omitted = settings.filter { setting in setting.controller.map(absent.contains) ?? false }
            if omitted.isEmpty { return (cgroup, try cgroup.apply(settings)) }
            return (cgroup, omitted + (try cgroup.apply(settings.filter { !omitted.contains($0) })))
        } catch {
            cgroup.remove()
            throw error
        }
    }
}

extension CgroupPlacement {
    /// Lets children have all the controllers that there are, for their statistics. Nobody asked for them: nothing is
    /// moved about, and where that would be needed there are none.
    public func offerControllers() {
        var path: [Cgroup] = []
        var at: Cgroup? = parent
        while let cgroup = at {
            path.append(cgroup)
            at = cgroup.parent
        }
        for cgroup in path.reversed() where !cgroup.holdsProcesses {
            let enabled = cgroup.words("cgroup.subtree_control")
            for controller in cgroup.words("cgroup.controllers") where !enabled.contains(controller) {
                try? cgroup.write("+\(controller)", to: "cgroup.subtree_control")
            }
        }
    }

    /// The controllers that a cgroup made here can have: those that stand ready, and those that the caller may bring
    /// down from above.
    public var usableControllers: [String] {
        var names: [String] = []
        var at: Cgroup? = parent
        while let cgroup = at, cgroup == parent || access(cgroup.path + "/cgroup.subtree_control", W_OK) == 0 {
            for name in cgroup.words("cgroup.controllers") where !names.contains(name) { names.append(name) }
            at = cgroup.parent
        }
        return names
    }

    /// Lets children have the controllers that nobody asked for, if that takes no more than a word: nothing is moved
    /// about for them. Returns those that they will not have.
    private func offer(_ controllers: [String], except wanted: [String]) -> [String] {
        let enabled = parent.words("cgroup.subtree_control")
        let missing = controllers.filter { !wanted.contains($0) && !enabled.contains($0) }
        if missing.isEmpty { return [] }
        if parent.holdsProcesses { return missing }
        let available = parent.words("cgroup.controllers")
        return missing.filter { controller in
            guard available.contains(controller) else { return true }
            return (try? parent.write("+\(controller)", to: "cgroup.subtree_control")) == nil
        }
    }
}

extension Cgroup {
    /// Limits of a cgroup that stands, its controllers first: systemd lets down those that it knows and no others.
    public func limit(
        _ settings: [CgroupSetting], movingProcesses: Bool = false
    ) throws(CgroupError) -> [CgroupSetting] {
        try parent?.delegate(settings.filter { !$0.isOptional }.controllers, movingProcesses: movingProcesses)
        return try apply(settings)
    }

    /// Writes limits, in order. Returns the optional ones that could not be written.
    public func apply(_ settings: [CgroupSetting]) throws(CgroupError) -> [CgroupSetting] {
        var omitted: [CgroupSetting] = []
        for setting in settings {
            do throws(CgroupError) {
                try apply(setting)
            } catch {
                guard setting.isOptional else { throw error }
                omitted.append(setting)
            }
        }
        return omitted
    }

    private func apply(_ setting: CgroupSetting) throws(CgroupError) {
        var wordings = [setting]
        if let other = setting.also { wordings.append(CgroupSetting(other.file, other.value)) }
        var refusal: (error: SyscallError, wording: CgroupSetting)?
        var isWritten = false
        for wording in wordings {
            do throws(SyscallError) {
                try write(wording.value, to: wording.file)
                isWritten = true
            } catch {
                // A file that is not there says least.
                if refusal == nil || refusal?.error.errno == ENOENT { refusal = (error, wording) }
            }
        }
        if !isWritten, let refusal { throw explain(refusal.error, refusal.wording) }
    }

    private func explain(_ error: SyscallError, _ setting: CgroupSetting) -> CgroupError {
        if error.errno == ENOENT || error.isRefusal, let controller = setting.controller {
            if words("cgroup.controllers").contains(controller) {
                return CgroupError(
                    error.errno == ENOENT ? .unsupported : .notDelegated,
                    "set \(setting): \(SyscallError.reason(error.errno)) (\(path)/\(setting.file))")
            }
            return lacks([controller])
        }
        return CgroupError(
            error.errno == EINVAL || error.errno == ERANGE ? .invalid : .failed,
            "set \(setting): \(SyscallError.reason(error.errno))")
    }

    /// Lets children have these controllers: here, and above where they have not come down to here.
    ///
    /// - Parameter movingProcesses: where processes in this very cgroup stand in the way, they go to a leaf of it.
    public func delegate(_ controllers: [String], movingProcesses: Bool) throws(CgroupError) {
        let enabled = words("cgroup.subtree_control")
        let missing = controllers.filter { !enabled.contains($0) }
        if missing.isEmpty { return }
        let available = words("cgroup.controllers")
        let lacking = missing.filter { !available.contains($0) }
        if !lacking.isEmpty {
            guard let parent, access(parent.path + "/cgroup.subtree_control", W_OK) == 0 else { throw lacks(lacking) }
            try parent.delegate(lacking, movingProcesses: false)
        }
        let words = missing.map { "+\($0)" }.joined(separator: " ")
        do throws(SyscallError) {
            if holdsProcesses {
                guard movingProcesses else { throw SyscallError("write", path, errno: EBUSY) }
                try moveProcesses(to: child(CgroupPlacement.supervisorName))
            }
            try write(words, to: "cgroup.subtree_control")
        } catch {
            if error.errno == EBUSY {
                throw CgroupError(
                    .notDelegated,
                    "cgroup \(kernelPath) holds processes, so its children can have no "
                        + "\(missing.joined(separator: ", ")) controller")
            }
            if error.isRefusal || error.errno == ENOENT { throw lacks(missing) }
            throw CgroupError(.failed, "enable \(words) for children of cgroup \(kernelPath): \(error)")
        }
    }

    /// Processes stand in the way of children with controllers. Asked, and not left to the kernel's EBUSY: controllers of
    /// threads (cpu, cpuset, pids) it would enable all the same, and make the children places for threads alone. The root
    /// of the hierarchy, which has no type, may hold both.
    ///
    /// The list of processes is not asked for whole: the kernel would write down a thousand for each start.
    fileprivate var holdsProcesses: Bool {
        access(path + "/cgroup.type", F_OK) == 0
            && (try? File.beginning(of: path + "/cgroup.procs", count: 1)).map { !$0.isEmpty } ?? false
    }

    /// "No internal processes": everything here goes to a leaf; what is forked meanwhile is found by looking again.
    private func moveProcesses(to leaf: Cgroup) throws(SyscallError) {
        try leaf.create()
        for _ in 0..<100 {
            let all = words("cgroup.procs")
            if all.isEmpty { return }
            for word in all {
                do throws(SyscallError) {
                    try leaf.write(word, to: "cgroup.procs")
                } catch  where error.errno == ESRCH {
                    continue
                }
            }
        }
    }

    private func lacks(_ controllers: [String]) -> CgroupError {
        Delegation(of: controllers, at: self).error
    }
}
