import CShims
import Glibc
import LinuxKernel
import OCISpec

extension CallerFacts {
    /// The calling process and its user, before it enters a keeper: the ids are others from then on. The maps come by
    /// ``readMaps()``, where the process is that launches.
    public static func gather() -> CallerFacts {
        var facts = CallerFacts()
        facts.uid = geteuid()
        facts.gid = getegid()
        facts.isRootless = facts.uid != 0
        facts.readAccount()
        facts.readGroups()
        facts.readEnvironment()
        facts.hostname = hostname()
        facts.readCapabilities()
        facts.rlimits = ownLimits()
        if let text = HostFile.read("/proc/self/oom_score_adj", limit: 64) {
            let digits = String(decoding: text, as: UTF8.self).filter { !$0.isWhitespace }
            facts.oomScoreAdjustment = Int(digits) ?? 0
        }
        // cgroup.controllers stands at the root of the unified hierarchy alone; hybrid mounts have it one level down.
        facts.unifiedCgroups = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0
        if !facts.isRootless { facts.readAutomaticRanges() }
        return facts
    }

    /// The maps of the namespace that this process is in: the launching one's, once it is in it.
    public mutating func readMaps() {
        func map(_ file: String) -> [RuntimeSpec.IDMapping] {
            ((try? IDMaps.read(file)) ?? []).map {
                RuntimeSpec.IDMapping(containerID: $0.inside, hostID: $0.outside, size: $0.count)
            }
        }
        let (users, groups) = (map("uid_map"), map("gid_map"))
        if !users.isEmpty { uidMap = users }
        if !groups.isEmpty { gidMap = groups }
    }

    /// The files rather than getpwuid(3): in a static executable that loads modules, and crashes where it cannot.
    private mutating func readAccount() {
        let files = AccountFiles(
            passwd: HostFile.read("/etc/passwd", limit: AccountFiles.limit) ?? [],
            group: HostFile.read("/etc/group", limit: AccountFiles.limit) ?? [])
        if let entry = files.user(uid) {
            userName = entry.name
            gecos = entry.gecos
            home = entry.home
        }
        groupName = files.group(gid)?.name ?? ""
    }

    private mutating func readGroups() {
        let count = getgroups(0, nil)
        guard count > 0 else { return }
        var list = [gid_t](repeating: 0, count: Int(count))
        let got = getgroups(count, &list)
        groups = Array(list.prefix(max(0, Int(got))))
    }

    private mutating func readEnvironment() {
        var index = 0
        while let entry = environ[index] {
            environment.append(String(cString: entry))
            index += 1
        }
        if userName.isEmpty { userName = variable("USER") ?? "" }
        if home.isEmpty { home = variable("HOME") ?? "" }
    }

    private static func hostname() -> String {
        var name = utsname()
        guard uname(&name) == 0 else { return "localhost" }
        return withUnsafeBytes(of: &name.nodename) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// Rootless, a new user namespace fills the bounding set, so every capability that the kernel knows is there.
    private mutating func readCapabilities() {
        let readBounding: Int32 = 23
        let names = CapabilityPolicy.all
        if isRootless {
            // The kernel's last one is the last of ours, or a few before.
            var count = names.count
            while count > 0, swiftpod_prctl(readBounding, UInt(count - 1), 0, 0, 0) < 0 { count -= 1 }
            boundingCapabilities = Array(names.prefix(count))
            return
        }
        for (number, name) in names.enumerated() where swiftpod_prctl(readBounding, UInt(number), 0, 0, 0) == 1 {
            boundingCapabilities.append(name)
        }
        // CAP_SYS_RESOURCE is number 24; as root the effective set is the bounding one unless somebody has been at it.
        mayRaiseLimits = boundingCapabilities.contains("CAP_SYS_RESOURCE") && Self.isFirstNamespace()
    }

    /// Root of a user namespace holds capabilities over that alone, and limits belong to the machine.
    private static func isFirstNamespace() -> Bool {
        guard let map = try? IDMaps.read("uid_map"), map.count == 1 else { return false }
        return map[0].outside == 0 && map[0].count == .max
    }

    private static func ownLimits() -> [RuntimeSpec.ResourceLimit] {
        // setrlimit(2)'s numbers, which x86, arm64, riscv, ppc64le and s390x share.
        let numbers: [(String, UInt32)] = [
            ("CPU", 0), ("FSIZE", 1), ("DATA", 2), ("STACK", 3), ("CORE", 4), ("RSS", 5), ("NPROC", 6),
            ("NOFILE", 7), ("MEMLOCK", 8), ("AS", 9), ("LOCKS", 10), ("SIGPENDING", 11), ("MSGQUEUE", 12),
            ("NICE", 13), ("RTPRIO", 14), ("RTTIME", 15),
        ]
        return numbers.compactMap { name, number in
            var limit = rlimit()
            guard getrlimit(__rlimit_resource_t(number), &limit) == 0 else { return nil }
            return RuntimeSpec.ResourceLimit(
                type: "RLIMIT_" + name, soft: UInt64(limit.rlim_cur), hard: UInt64(limit.rlim_max))
        }
    }

    /// podman draws root's `auto` ranges from those of a user `containers`.
    private mutating func readAutomaticRanges() {
        guard let ranges = try? SubordinateIDs(user: "containers", uid: .max) else { return }
        automaticUIDs = ranges.uid.map { RuntimeSpec.IDMapping(containerID: 0, hostID: $0.start, size: $0.count) }
        automaticGIDs = ranges.gid.map { RuntimeSpec.IDMapping(containerID: 0, hostID: $0.start, size: $0.count) }
    }
}
