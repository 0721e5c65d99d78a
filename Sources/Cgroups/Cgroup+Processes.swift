import Glibc
import LinuxKernel

extension Cgroup {
    /// The processes in it and in all below it. Those of other pid namespaces are 0 to the kernel and left out.
    public func processes() -> [Int32] {
        var found = words("cgroup.procs").compactMap { Int32($0) }.filter { $0 > 0 }
        for child in children() { found += child.processes() }
        return found
    }

    /// The cgroups right below.
    public func children() -> [Cgroup] {
        ((try? Directory.entries(at: path)) ?? []).filter { $0.kind == .directory }.map { child($0.name) }
    }

    /// Nothing runs in it or below it.
    public var isEmpty: Bool { value("populated", in: "cgroup.events") == 0 }

    // MARK: - Freezing

    public var isFrozen: Bool { read("cgroup.freeze") == "1" }

    /// Stops everything in it where it stands, and returns when it has.
    public func freeze() throws(CgroupError) { try setFrozen(true) }

    /// Lets everything in it go on.
    public func thaw() throws(CgroupError) { try setFrozen(false) }

    private func setFrozen(_ frozen: Bool) throws(CgroupError) {
        do throws(SyscallError) {
            try write(frozen ? "1" : "0", to: "cgroup.freeze")
        } catch {
            throw CgroupError(.failed, "\(frozen ? "freeze" : "thaw") cgroup: \(error)")
        }
        // A task in the kernel freezes when it comes out of it; ten seconds is what runc gives it.
        for turn in 0..<1000 where value("frozen", in: "cgroup.events") != (frozen ? 1 : 0) {
            usleep(turn < 50 ? 500 : 10_000)
        }
        guard value("frozen", in: "cgroup.events") == (frozen ? 1 : 0) else {
            if frozen { try? write("0", to: "cgroup.freeze") }
            throw CgroupError(.failed, "\(frozen ? "freeze" : "thaw") cgroup: some task does not come to rest")
        }
    }

    // MARK: - The end

    /// Kills everything in it and below it, forks that are under way included.
    public func kill() {
        do throws(SyscallError) {
            // Linux 5.14.
            try write("1", to: "cgroup.kill")
        } catch  where error.errno == ENOENT && exists {
            killOneByOne()
        } catch {}
    }

    /// Before 5.14: what forks while it is being killed is held still first.
    private func killOneByOne() {
        try? write("1", to: "cgroup.freeze")
        for _ in 0..<20 {
            let all = processes()
            if all.isEmpty { break }
            for pid in all { _ = Glibc.kill(pid, SIGKILL) }
            // A frozen task dies of SIGKILL all the same.
            usleep(1000)
        }
        try? write("0", to: "cgroup.freeze")
    }

    /// Sends a signal to everything in it and below it.
    public func signal(_ number: Int32) {
        if number == SIGKILL { return kill() }
        for pid in processes() { _ = Glibc.kill(pid, number) }
    }

    /// Kills what is left in it, and removes it with all below it; what others have removed is no error.
    public func remove() {
        if name.hasSuffix(".scope") { return waitForRemoval() }
        if rmdir(path) == 0 || errno == ENOENT { return }
        kill()
        removeEmptied()
    }

    /// A scope's directory is systemd's to remove, when it has seen that nothing runs in it: were it gone before, it would
    /// see nothing and keep the unit for good.
    private func waitForRemoval() {
        kill()
        for turn in 0..<600 where exists { usleep(turn < 20 ? 1000 : 10_000) }
        removeEmptied()
    }

    private func removeEmptied() {
        // Killed processes leave the cgroup a little later; children of the container's own making stand in the way.
        for turn in 0..<400 {
            removeChildren()
            if rmdir(path) == 0 || (errno != EBUSY && errno != ENOTEMPTY) { return }
            usleep(turn < 20 ? 1000 : 10_000)
        }
    }

    private func removeChildren() {
        for child in children() {
            child.removeChildren()
            rmdir(child.path)
        }
    }

    /// How many of its processes any OOM killer has taken; nil where memory is not accounted here.
    public var oomKills: UInt64? { value("oom_kill", in: "memory.events") }
}
