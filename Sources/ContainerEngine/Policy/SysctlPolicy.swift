/// Which kernel settings a container may have of its own: those that a namespace of its own keeps.
package enum SysctlPolicy {
    package struct Row {
        /// A name, or the beginning of one where it ends with a dot.
        package let name: String
        package let namespace: Namespace
        package let reason: String
    }

    package enum Namespace: String, Sendable {
        case ipc = "IPC"
        case network = "Network"
        case uts = "UTS"
    }

    package static let allowed: [Row] = [
        Row(name: "kernel.msgmax", namespace: .ipc, reason: "System V message queues"),
        Row(name: "kernel.msgmnb", namespace: .ipc, reason: "System V message queues"),
        Row(name: "kernel.msgmni", namespace: .ipc, reason: "System V message queues"),
        Row(name: "kernel.sem", namespace: .ipc, reason: "System V semaphores"),
        Row(name: "kernel.shmall", namespace: .ipc, reason: "System V shared memory"),
        Row(name: "kernel.shmmax", namespace: .ipc, reason: "System V shared memory"),
        Row(name: "kernel.shmmni", namespace: .ipc, reason: "System V shared memory"),
        Row(name: "kernel.shm_rmid_forced", namespace: .ipc, reason: "System V shared memory"),
        Row(name: "fs.mqueue.", namespace: .ipc, reason: "POSIX message queues"),
        Row(name: "net.", namespace: .network, reason: "the container's own network stack"),
    ]

    /// podman's default: `ping` works without a capability.
    package static let pingGroups = (name: "net.ipv4.ping_group_range", value: "0 0")

    package struct Situation: Equatable, Sendable {
        package var hostIPC = false
        package var hostNetwork = false
        /// The network namespace is another's, whose settings stay as they are.
        package var joinsNetwork = false
        /// The kernel wants the group that it is to let ping to exist in the container.
        package var mapsGroupZero = true

        package init() {}
    }

    package static func settings(_ wishes: [String: String], _ now: Situation) throws(EngineError) -> [String: String] {
        var result: [String: String] = [:]
        if !now.hostNetwork && !now.joinsNetwork && now.mapsGroupZero { result[pingGroups.name] = pingGroups.value }
        for (written, value) in wishes.sorted(by: { $0.key < $1.key }) {
            let name = dotted(written)
            guard let row = row(for: name) else {
                throw EngineError(.invalid, "sysctl '\(written)' is not allowed")
            }
            let isHosts = row.namespace == .network ? now.hostNetwork : now.hostIPC
            if isHosts {
                throw EngineError(
                    .invalid,
                    "sysctl \(name)=\(value) can't be set since \(row.namespace.rawValue) Namespace set to host: "
                        + "invalid argument")
            }
            result[name] = value
        }
        return result
    }

    /// The launcher writes below /proc/sys what this lets through, so nothing that leads elsewhere may.
    private static func row(for name: String) -> Row? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard !name.contains("/"), !parts.contains("") else { return nil }
        return allowed.first { $0.name.hasSuffix(".") ? name.hasPrefix($0.name) : name == $0.name }
    }

    /// `net/ipv4/ip_forward` is sysctl(8)'s other spelling.
    private static func dotted(_ name: String) -> String {
        name.contains(".") ? name : String(name.map { $0 == "/" ? "." : $0 })
    }
}
