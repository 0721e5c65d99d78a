import Glibc
import LinuxKernel
import OCISpec

/// A container's cgroup in the unified hierarchy, by the core files that need no controller.
struct OCICgroup: Sendable {
    let path: String

    /// Makes the cgroup that the specification names. nil where there is none to be had and none was asked for: an
    /// unprivileged caller mostly has no cgroup that is his.
    static func make(
        for id: String, path wanted: String?, manager: OCIRuntime.CgroupManager, isRequired: Bool
    ) throws(EngineError) -> OCICgroup? {
        guard manager != .disabled, let mount = unifiedMount() else { return nil }
        let path: String
        if let wanted, !wanted.isEmpty {
            // As systemd's users write it: SLICE:PREFIX:NAME.
            let parts = wanted.split(separator: ":", omittingEmptySubsequences: false)
            if parts.count == 3, !wanted.hasPrefix("/") {
                path = "\(mount)/\(parts[0].isEmpty ? "system.slice" : parts[0])/\(parts[1])-\(parts[2]).scope"
            } else {
                path = wanted.hasPrefix("/") ? mount + wanted : "\(mount)/\(wanted)"
            }
        } else if let own = ownPath() {
            path = (own == "/" ? mount : mount + own) + "/\(id)"
        } else {
            return nil
        }
        guard !path.split(separator: "/").contains("..") else {
            throw EngineError(.invalid, "cgroupsPath \(wanted ?? ""): leaves the hierarchy")
        }
        do throws(SyscallError) {
            try Directory.create(path)
        } catch {
            if isRequired { throw EngineError(.permission, "make cgroup: \(error)", cause: error) }
            return nil
        }
        return OCICgroup(path: path)
    }

    private static func unifiedMount() -> String? {
        ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].first {
            access($0 + "/cgroup.procs", F_OK) == 0 && access($0 + "/cgroup.controllers", F_OK) == 0
        }
    }

    private static func ownPath() -> String? {
        guard let text = try? File.read("/proc/self/cgroup", limit: 1 << 16) else { return nil }
        for line in text.split(separator: 0x0a) where line.starts(with: "0::/".utf8) {
            return String(decoding: line.dropFirst(3), as: UTF8.self)
        }
        return nil
    }

    func processes() -> [Int32] {
        var found: [Int32] = []
        collect(path, into: &found)
        return found.sorted()
    }

    private func collect(_ directory: String, into found: inout [Int32]) {
        guard let text = try? File.read(directory + "/cgroup.procs") else { return }
        found += text.split(separator: 0x0a).compactMap { Int32(String(decoding: $0, as: UTF8.self)) }
        for entry in (try? Directory.entries(at: directory)) ?? [] where entry.kind == .directory {
            collect(directory + "/" + entry.name, into: &found)
        }
    }

    /// cgroup.kill: Linux 5.14. False where it cannot be used.
    func kill() -> Bool {
        (try? File.put("1".utf8, into: path + "/cgroup.kill")) != nil
    }

    func freeze(_ frozen: Bool) throws(SyscallError) {
        try File.put((frozen ? "1" : "0").utf8, into: path + "/cgroup.freeze")
    }

    var isFrozen: Bool {
        (try? File.read(path + "/cgroup.freeze", limit: 16))?.first == UInt8(ascii: "1")
    }

    /// With what was made below it. Killed processes leave a little later.
    func remove() {
        _ = kill()
        for entry in (try? Directory.entries(at: path)) ?? [] where entry.kind == .directory {
            OCICgroup(path: path + "/" + entry.name).remove()
        }
        for _ in 0..<200 where rmdir(path) != 0 && errno == EBUSY { usleep(5000) }
    }
}
