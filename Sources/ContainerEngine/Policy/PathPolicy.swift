/// Which parts of /proc and /sys a container does not see, or does not write.
public enum PathPolicy {
    package struct Row {
        package let path: String
        package let reason: String
    }

    /// Hidden under an empty file or directory.
    package static let masked: [Row] = [
        Row(path: "/proc/acpi", reason: "power state of the machine"),
        Row(path: "/proc/kcore", reason: "memory of the kernel"),
        Row(path: "/proc/keys", reason: "keyrings have no namespace"),
        Row(path: "/proc/latency_stats", reason: "what the machine's other processes wait for"),
        Row(path: "/proc/timer_list", reason: "names and addresses of other processes' timers"),
        Row(path: "/proc/timer_stats", reason: "the same on kernels before 4.11"),
        Row(path: "/proc/sched_debug", reason: "every process of the machine"),
        Row(path: "/proc/scsi", reason: "removes disks by a write"),
        Row(path: "/sys/firmware", reason: "firmware tables with serial numbers and addresses"),
        Row(path: "/sys/fs/selinux", reason: "has no namespace, and its presence misleads programs"),
        Row(path: "/sys/dev/block", reason: "names of the machine's disks"),
    ]

    /// Bound onto themselves read-only.
    package static let readOnly: [Row] = [
        Row(path: "/proc/asound", reason: "settings of the machine's sound cards"),
        Row(path: "/proc/bus", reason: "devices' configuration space"),
        Row(path: "/proc/fs", reason: "settings of mounted file systems"),
        Row(path: "/proc/irq", reason: "interrupt routing"),
        Row(path: "/proc/sys", reason: "sysctls, most of them the machine's"),
        Row(path: "/proc/sysrq-trigger", reason: "reboots the machine by a write"),
    ]

    /// Masked besides where /sys is the host's own mount: a new sysfs would show the container's network only, the
    /// host's shows everything.
    package static let hostSysMask = Row(
        path: "/sys/kernel", reason: "the host's sysfs holds debugfs, tracefs and more")

    /// - Parameter bindsHostSys: /sys is bound from the host, and the launcher is not root.

    package static func paths(
        _ security: SecurityOptions, bindsHostSys: Bool
    ) throws(EngineError) -> (masked: [String], readOnly: [String]) {
        var hidden: [String] = []
        var fixed: [String] = []
        if !security.privileged {
            if bindsHostSys { hidden.append(hostSysMask.path) }
            hidden += masked.map(\.path).filter { !isUnmasked($0, by: security.unmask) }
            fixed = readOnly.map(\.path).filter { !isUnmasked($0, by: security.unmask) }
        }
        for entry in security.mask {
            for path in entry.split(separator: ":") {
                guard path.hasPrefix("/") else {
                    throw EngineError(.invalid, "mask \(path): not an absolute path")
                }
                hidden.append(String(path))
            }
        }
        return (hidden, fixed)
    }

    /// `ALL`, paths, and shell patterns of them, with colons between.
    package static func isUnmasked(_ path: String, by unmask: [String]) -> Bool {
        unmask.contains { entry in
            entry.lowercased() == "all"
                || entry.split(separator: ":").contains { PathPattern.matches(path, pattern: String($0)) }
        }
    }
}
