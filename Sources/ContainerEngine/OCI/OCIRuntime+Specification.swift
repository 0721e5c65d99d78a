import Glibc
import OCISpec

extension OCIRuntime {
    /// A specification to begin with: a shell in `rootfs`, in namespaces of its own.
    public static func specification(rootless: Bool) -> RuntimeSpec {
        var spec = RuntimeSpec()
        var process = RuntimeSpec.Process()
        process.terminal = true
        process.args = ["sh"]
        process.env = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"]
        let capabilities = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
        var sets = RuntimeSpec.Capabilities()
        sets.bounding = capabilities
        sets.effective = capabilities
        sets.permitted = capabilities
        process.capabilities = sets
        process.rlimits = [RuntimeSpec.ResourceLimit(type: "RLIMIT_NOFILE", soft: 1024, hard: 1024)]
        process.noNewPrivileges = true
        spec.process = process
        spec.root = RuntimeSpec.Root(path: "rootfs", readonly: true)
        spec.hostname = "swiftpod"
        spec.mounts = mounts(rootless: rootless)
        var linux = RuntimeSpec.Linux()
        linux.namespaces = [.pid, .ipc, .uts, .mount].map { RuntimeSpec.Namespace($0) }
        if rootless {
            linux.namespaces.append(RuntimeSpec.Namespace(.user))
            linux.uidMappings = [.init(containerID: 0, hostID: geteuid(), size: 1)]
            linux.gidMappings = [.init(containerID: 0, hostID: getegid(), size: 1)]
        } else {
            linux.namespaces.append(RuntimeSpec.Namespace(.network))
        }
        linux.namespaces.append(RuntimeSpec.Namespace(.cgroup))
        linux.maskedPaths = [
            "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
            "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi",
        ]
        linux.readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
        spec.linux = linux
        return spec
    }

    private static func mounts(rootless: Bool) -> [RuntimeSpec.Mount] {
        func mount(_ destination: String, _ type: String, _ source: String, _ options: String) -> RuntimeSpec.Mount {
            RuntimeSpec.Mount(
                destination: destination, type: type, source: source,
                options: options.split(separator: ",").map(String.init))
        }
        return [
            mount("/proc", "proc", "proc", ""),
            mount("/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k"),
            // Group tty has no id where there is one id only.
            mount(
                "/dev/pts", "devpts", "devpts",
                "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620" + (rootless ? "" : ",gid=5")),
            mount("/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=65536k"),
            mount("/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev"),
            rootless
                ? mount("/sys", "none", "/sys", "rbind,nosuid,noexec,nodev,ro")
                : mount("/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro"),
            mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev,relatime,ro"),
        ]
    }
}
