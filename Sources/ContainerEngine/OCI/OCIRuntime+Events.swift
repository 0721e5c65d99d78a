import Cgroups
import Glibc
import LinuxKernel
import OCISpec

/// What `events` reports, in the shape of runc's.
public enum OCIEvent: Sendable {
    /// The container's figures.
    case statistics(JSON)
    /// An OOM killer has taken a process.
    case outOfMemory

    /// One line's object.
    public func json(_ id: String) -> JSON {
        switch self {
        case .statistics(let data): JSON(members: ["type": "stats", "id": id.json, "data": data])
        case .outOfMemory: JSON(members: ["type": "oom", "id": id.json])
        }
    }
}

extension OCIRuntime {
    /// What a container uses, as runc's `events` has it.
    /// - Throws: `.invalid` where it has ended, `.unsupported` where it has no cgroup.
    public func statistics(_ id: String) throws(EngineError) -> JSON {
        try accounted(id).cgroup.runcStatistics
    }

    private func accounted(_ id: String) throws(EngineError) -> (container: OCIContainer, cgroup: Cgroup) {
        let container = try store.container(id)
        guard container.status != .stopped else {
            throw EngineError(.invalid, "events of container \(id): it is not running")
        }
        guard let cgroup = container.cgroup else {
            throw EngineError(.unsupported, "events of container \(id): it has no cgroup")
        }
        return (container, cgroup)
    }

    /// Reports until the container ends: the figures each `interval` milliseconds, OOM kills as they happen.
    public func watch(_ id: String, interval: Int32, report: (OCIEvent) throws -> Void) throws {
        let (container, cgroup) = try accounted(id)
        guard let process = container.record.process, let pidfd = try ProcessDescriptor.open(process) else { return }
        // Changed files are told by inotify(7): 2 is IN_MODIFY.
        let notify = OwnedDescriptor(adopting: try check("inotify_init1", id) { inotify_init1(0o2000000) })
        inotify_add_watch(notify.raw, cgroup.path + "/memory.events", 2)
        var kills = cgroup.oomKills ?? 0
        var next = OCIRuntime.milliseconds() + Int64(interval)
        while true {
            var ready = [
                pollfd(fd: pidfd.raw, events: Int16(POLLIN), revents: 0),
                pollfd(fd: notify.raw, events: Int16(POLLIN), revents: 0),
            ]
            let rest = max(0, next - OCIRuntime.milliseconds())
            guard poll(&ready, 2, Int32(clamping: rest)) >= 0 || errno == EINTR else { throw SyscallError("poll", id) }
            var buffer = [UInt8](repeating: 0, count: 4096)
            if ready[1].revents != 0 { _ = read(notify.raw, &buffer, buffer.count) }
            let now = cgroup.oomKills ?? kills
            if now > kills { try report(.outOfMemory) }
            kills = now
            if ready[0].revents != 0 { return }
            if OCIRuntime.milliseconds() >= next {
                try report(.statistics(cgroup.runcStatistics))
                next += Int64(interval)
            }
        }
    }

    private static func milliseconds() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }
}
