import Glibc
import LinuxKernel

/// A container's own cgroup, where the caller may make one; without limits it serves to end a container that shares the
/// host's pid namespace, whose processes do not end with the first.
struct ContainerCgroup {
    var path: String
    /// The directory, opened; -1 once closed.
    var descriptor: Int32

    /// A leaf beside this process in the unified hierarchy; nil where there is no such hierarchy or no right to it,
    /// which is no failure: most sessions have none.
    static func make(for id: String) throws(EngineError) -> ContainerCgroup? {
        guard let parent = ownDirectory() else { return nil }
        let path = "\(parent)/swiftpod-\(id)"
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else { return nil }
        guard let directory = try? OwnedDescriptor.open(path, O_RDONLY | O_DIRECTORY) else {
            rmdir(path)
            return nil
        }
        return ContainerCgroup(path: path, descriptor: directory.release())
    }

    func closeDescriptor() { close(descriptor) }

    func remove() {
        close(descriptor)
        ContainerCgroup.remove(path)
    }

    /// Kills what is left in it, and removes it.
    static func remove(_ path: String) {
        if rmdir(path) == 0 || errno == ENOENT { return }
        try? File.put("1".utf8, into: path + "/cgroup.kill")
        // Killed processes leave the cgroup a little later.
        for _ in 0..<200 where rmdir(path) != 0 && errno == EBUSY { usleep(5000) }
    }

    /// This process's cgroup, where directories can be made in it.
    private static func ownDirectory() -> String? {
        guard let text = try? File.read("/proc/self/cgroup", limit: 1 << 16) else { return nil }
        for line in text.split(separator: 0x0a) where line.starts(with: "0::/".utf8) {
            let own = String(decoding: line.dropFirst(3), as: UTF8.self)
            for mount in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] {
                let path = own == "/" ? mount : mount + own
                if access(path + "/cgroup.procs", W_OK) == 0 { return path }
            }
        }
        return nil
    }
}
