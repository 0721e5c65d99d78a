import Cgroups
import LinuxKernel
import OCISpec

extension Engine {
    /// Changes limits, of a running container at once and of any for its next start. What `changes` does not name stays.
    /// - Throws: `.permission` where a limit cannot hold; nothing is changed then.
    public func update(_ container: Container, _ changes: ResourceOptions) throws(EngineError) {
        let change = try ResourcePolicy.resources(changes, isNew: false)
        guard let directory = try store.lock(container.id), let now = try refreshed(container) else {
            throw Engine.gone(container)
        }
        var record = now.record
        let before = record.specification.runtime.linux?.resources ?? .object([])
        let after = ResourcePolicy.merge(change, over: before)
        var linux = record.specification.runtime.linux ?? RuntimeSpec.Linux()
        linux.resources = after
        record.specification.runtime.linux = linux
        if let limit = changes.pidsLimit { record.cgroups.limitsProcesses = limit > 0 }
        if now.status.isRunning {
            let cgroup = try cgroup(of: now)
            var old: [CgroupSetting] = []
            do throws(CgroupError) {
                old = try ResourceTranslation.settings(before)
                let new = try ResourceTranslation.settings(after).filter { !old.contains($0) }
                // First: systemd enables the controllers that its properties need.
                try ContainerScope.update(cgroup, new, of: record, session)
                _ = try cgroup.limit(new, movingProcesses: record.cgroups.parent == nil)
            } catch {
                try? ContainerScope.update(cgroup, old, of: record, session)
                for setting in old { _ = try? cgroup.apply([setting]) }
                throw EngineError(error)
            }
        }
        try doing("write container \(container.id.prefix(12))") { () throws(SyscallError) in
            try File.writeAtomically(record.encoded(), to: "container.json", in: directory.raw, mode: 0o600)
        }
        note(.update, record)
    }
}
