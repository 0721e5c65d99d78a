import OCISpec

/// What every container has mounted before the user asks for anything.
package struct BaseMounts: Equatable, Sendable {
    /// What the table depends on.
    package struct Situation: Equatable, Sendable {
        package var privileged = false
        /// The container has a user namespace other than the machine's.
        package var inUserNamespace = false
        package var hostNetwork = false
        /// The network namespace belongs to a user namespace that is not the container's.
        package var foreignNetwork = false
        package var hostPID = false
        package var hostIPC = false
        package var foreignIPC = false
        /// The machine has /dev/mqueue mounted, for sharing.
        package var hasHostMessageQueues = true
        /// gid 5, `tty`, exists in the container.
        package var mapsTTYGroup = true
        /// `--security-opt unmask=` names /sys/fs/cgroup, or all.
        package var unmasksCgroup = false
        package var unifiedCgroups = true
        /// Bytes of /dev/shm.
        package var shmSize: UInt64 = 65_536_000

        package init() {}

        /// A new sysfs shows a network namespace, and may be mounted by whoever owns that.
        package var bindsHostSys: Bool { inUserNamespace && (hostNetwork || foreignNetwork) }
    }

    package static func mounts(_ now: Situation) -> [RuntimeSpec.Mount] {
        [proc(now), dev, sys(now), pts(now), messageQueues(now), sharedMemory(now), cgroup(now)].compactMap { $0 }
    }

    /// A new procfs may be mounted only by the owner of the pid namespace; sharing the host's means its mount too.
    private static func proc(_ now: Situation) -> RuntimeSpec.Mount {
        if now.hostPID && now.inUserNamespace {
            return RuntimeSpec.Mount(
                destination: "/proc", type: "bind", source: "/proc",
                options: ["rbind", "nosuid", "noexec", "nodev", "rw", "rprivate"])
        }
        return RuntimeSpec.Mount(
            destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"])
    }

    /// Device nodes are filled in one by one: the host's /dev holds its disks.
    private static let dev = RuntimeSpec.Mount(
        destination: "/dev", type: "tmpfs", source: "tmpfs",
        options: ["nosuid", "noexec", "strictatime", "mode=755", "size=65536k"])

    private static func sys(_ now: Situation) -> RuntimeSpec.Mount {
        let access = now.privileged ? "rw" : "ro"
        if now.bindsHostSys {
            return RuntimeSpec.Mount(
                destination: "/sys", type: "bind", source: "/sys",
                options: ["rprivate", "nosuid", "noexec", "nodev", access, "rbind"])
        }
        return RuntimeSpec.Mount(
            destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", access])
    }

    /// An instance of its own: the container's terminals are not the host's.
    private static func pts(_ now: Situation) -> RuntimeSpec.Mount {
        var options = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]
        // grantpt(3) wants terminals in group tty; where that id is not mapped the mount would fail.
        if now.mapsTTYGroup { options.append("gid=5") }
        return RuntimeSpec.Mount(destination: "/dev/pts", type: "devpts", source: "devpts", options: options)
    }

    private static func messageQueues(_ now: Situation) -> RuntimeSpec.Mount? {
        let options = ["nosuid", "noexec", "nodev"]
        guard now.inUserNamespace else {
            return RuntimeSpec.Mount(destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: options)
        }
        if now.hostIPC {
            // podman fails here where the host has none; programs that use queues are rare, so it is left out.
            guard now.hasHostMessageQueues else { return nil }
            return RuntimeSpec.Mount(
                destination: "/dev/mqueue", type: "bind", source: "/dev/mqueue",
                options: ["bind"] + options + ["rw", "rprivate"])
        }
        // The queues of another container: only the owner of its ipc namespace may mount them.
        if now.foreignIPC { return nil }
        return RuntimeSpec.Mount(destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: options)
    }

    static let sharedMemoryPath = "/dev/shm"

    /// Of this table, not asked for by anybody.
    static func isOwnMemory(_ mount: RuntimeSpec.Mount) -> Bool {
        mount.destination == sharedMemoryPath && mount.type == "tmpfs" && mount.source == "shm"
    }

    private static func sharedMemory(_ now: Situation) -> RuntimeSpec.Mount {
        if now.hostIPC {
            return RuntimeSpec.Mount(
                destination: "/dev/shm", type: "bind", source: "/dev/shm",
                options: ["rbind", "rprivate", "nosuid", "noexec", "nodev"])
        }
        return RuntimeSpec.Mount(
            destination: "/dev/shm", type: "tmpfs", source: "shm",
            options: ["nosuid", "noexec", "nodev", "mode=1777", "size=\(now.shmSize)"])
    }

    /// Not over a bound /sys, which has the host's hierarchy already.
    private static func cgroup(_ now: Situation) -> RuntimeSpec.Mount? {
        if now.bindsHostSys { return nil }
        let isWritable = now.privileged || (now.unifiedCgroups && now.unmasksCgroup)
        return RuntimeSpec.Mount(
            destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup",
            options: ["rprivate", "nosuid", "noexec", "nodev", "relatime", isWritable ? "rw" : "ro"])
    }
}
