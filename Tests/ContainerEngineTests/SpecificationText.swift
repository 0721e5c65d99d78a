import ContainerEngine
import OCISpec

extension Specification {
    /// The specification as lines, for tables of what is expected.
    var lines: [String] {
        let process = runtime.process!
        let linux = runtime.linux!
        let user = process.user
        let groups = user.additionalGids.map(String.init).joined(separator: ",")
        var lines = [
            "args \(process.args.joined(separator: " ")) cwd \(process.cwd)\(process.terminal ? " tty" : "")",
            "user \(user.uid):\(user.gid) groups [\(groups)] umask \(String(user.umask ?? 0, radix: 8))",
            "rlimits "
                + process.rlimits.map { "\($0.type.dropFirst(7).lowercased())=\($0.soft):\($0.hard)" }.sorted()
                .joined(separator: " "),
            "hostname \(runtime.hostname ?? "-")",
            "namespaces "
                + linux.namespaces.map { $0.type.rawValue + ($0.path.map { ":" + $0 } ?? "") }
                .joined(separator: " "),
            "uids " + linux.uidMappings.map { "\($0.containerID):\($0.hostID):\($0.size)" }.joined(separator: " "),
            "gids " + linux.gidMappings.map { "\($0.containerID):\($0.hostID):\($0.size)" }.joined(separator: " "),
            "seccomp \(seccomp)",
            "masked " + linux.maskedPaths.joined(separator: " "),
            "fixed " + linux.readonlyPaths.joined(separator: " "),
            "stop \(stopSignal) \(stopTimeout)",
        ]
        for (name, set) in [
            ("bounding", process.capabilities!.bounding), ("effective", process.capabilities!.effective),
            ("permitted", process.capabilities!.permitted), ("inheritable", process.capabilities!.inheritable),
            ("ambient", process.capabilities!.ambient),
        ] where !set.isEmpty {
            let words = set.map { $0.dropFirst(4).lowercased() }
            lines.append("\(name) " + (words.count > 20 ? "\(words.count)" : words.joined(separator: ",")))
        }
        lines += process.env.filter { !$0.hasPrefix("HOSTNAME=") }.map { "env \($0)" }
        lines += linux.sysctl.map { "sysctl \($0.key)=\($0.value)" }
        lines += runtime.mounts.map { mount in
            "mount \(mount.destination) \(mount.type ?? "-") \(Self.plain(mount.source)) "
                + Self.options(of: mount).joined(separator: ",")
        }
        if process.noNewPrivileges { lines.append("no-new-privileges") }
        if let score = process.oomScoreAdj { lines.append("oom \(score)") }
        if let propagation = linux.rootfsPropagation { lines.append("propagation \(propagation)") }
        if runtime.root?.readonly ?? false { lines.append("read-only") }
        return lines
    }

    /// Binds keep the flags of the mount that their source lies on, which is the machine's affair.
    private static func options(of mount: RuntimeSpec.Mount) -> [String] {
        guard mount.type == "bind", ["/tmp", "/etc"].contains(mount.source) else { return mount.options }
        return mount.options.filter { !["nosuid", "nodev", "noexec"].contains($0) }
    }

    /// Names that are made up are left out.
    private static func plain(_ source: String?) -> String {
        guard let source else { return "-" }
        let parts = source.split(separator: "/")
        guard parts.count == 4, parts[1] == "volumes", parts[2].count == 64 else {
            return source.replacing("/store/containers/c/files/", with: "files/")
        }
        return "/store/volumes/ANONYMOUS/_data"
    }

    /// What differs from another: `- line` and `+ line`, sorted.
    func changes(from other: Specification) -> [String] {
        let (mine, theirs) = (Set(lines), Set(other.lines))
        return theirs.subtracting(mine).map { "- " + $0 }.sorted() + mine.subtracting(theirs).map { "+ " + $0 }.sorted()
    }
}
