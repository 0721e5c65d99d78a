import ContainerEngine
import LinuxKernel
import OCISpec
import Testing

@Suite struct SeccompPolicyTests {
    static let defaults = CapabilityPolicy.defaults.map(\.name)

    /// First rule without conditions for a call, as the filter takes it.
    private func verdict(_ call: String, _ capabilities: [String], machine: String = "x86_64") -> String {
        let profile = SeccompPolicy.defaultProfile(capabilities: capabilities, machine: machine)
        guard let rule = profile.syscalls.first(where: { $0.names.contains(call) }) else { return "ENOSYS" }
        return rule.action == "SCMP_ACT_ALLOW" ? "allow" : "errno \(rule.errnoRet ?? 0)"
    }

    @Test(arguments: [
        ("openat2", [], "allow"), ("clone3", [], "allow"), ("mount", [], "allow"), ("setns", [], "allow"),
        ("chroot", [], "errno 1"), ("chroot", ["CAP_SYS_CHROOT"], "allow"), ("bpf", [], "errno 1"),
        ("bpf", ["CAP_SYS_ADMIN"], "allow"), ("init_module", [], "errno 1"),
        ("kexec_load", ["CAP_SYS_BOOT"], "errno 1"),
        ("userfaultfd", ["CAP_SYS_PTRACE"], "errno 1"), ("io_uring_setup", [], "ENOSYS"),
        ("arch_prctl", [], "allow"), ("sync_file_range2", [], "ENOSYS"), ("settimeofday", ["CAP_SYS_TIME"], "allow"),
        ("personality", [], "allow"), ("no_such_call", ["CAP_SYS_ADMIN"], "ENOSYS"),
    ])
    func verdicts(_ call: String, _ capabilities: [String], _ expected: String) {
        #expect(verdict(call, capabilities) == expected)
    }

    @Test func otherMachines() {
        #expect(verdict("sync_file_range2", [], machine: "aarch64") == "allow")
        #expect(verdict("arch_prctl", [], machine: "aarch64") == "ENOSYS")
        #expect(
            SeccompPolicy.defaultProfile(capabilities: [], machine: "aarch64").architectures
                == ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"])
    }

    @Test func noCallIsNamedTwiceWithoutConditions() {
        var seen: Set<String> = []
        for row in SeccompTable.rows where row.arguments.isEmpty && row.condition == .always {
            for name in row.names.split(separator: " ") {
                #expect(seen.insert(String(name)).inserted, "\(name)")
            }
        }
        #expect(seen.count > 390)
    }

    /// Whoever changes a row changes this number too, or an old filter would be taken for the new one.
    @Test func theFingerprintIsThatOfTheRows() {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for row in SeccompTable.rows {
            let text = "\(row.names)|\(row.condition)|\(row.action)|\(row.arguments)\n"
            for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        }
        #expect(SeccompTable.fingerprint == hash, "write 0x\(String(hash, radix: 16))")
    }

    @Test func filterIsCompiledOnceAndKept() throws {
        let directory = try TemporaryDirectory()
        let first = try SeccompPolicy.filter(
            for: .defaultProfile, capabilities: Self.defaults, cacheDirectory: directory.path)
        #expect(first.count % 8 == 0 && first.count > 800 && first.count < 4096 * 8)
        let names = try Directory.entries(at: directory.path).map(\.name)
        #expect(names.count == 1)
        // What comes back is what stands in the cache, not a new compilation.
        let marker: [UInt8] = [6, 0, 0, 0, 0, 0, 0xFF, 0x7F]
        try File.writeAtomically(marker, to: "\(directory.path)/\(names[0])")
        let second = try SeccompPolicy.filter(
            for: .defaultProfile, capabilities: Self.defaults, cacheDirectory: directory.path)
        #expect(second == marker)
        // Half a file is passed over.
        try File.writeAtomically([1, 2, 3] as [UInt8], to: "\(directory.path)/\(names[0])")
        let third = try SeccompPolicy.filter(
            for: .defaultProfile, capabilities: Self.defaults, cacheDirectory: directory.path)
        #expect(third == first)
        // Other capabilities, another filter.
        let admin = try SeccompPolicy.filter(
            for: .defaultProfile, capabilities: Self.defaults + ["CAP_SYS_ADMIN"], cacheDirectory: directory.path)
        #expect(admin != first)
    }

    /// The kernel compiles the filter for every container: a comparison for each call would be five times as long.
    @Test func theDefaultFilterIsShort() throws {
        let filter = try SeccompPolicy.filter(
            for: .defaultProfile, capabilities: Self.defaults, cacheDirectory: nil)
        #expect(filter.count / 8 < 450)
    }

    @Test func noneIsEmpty() throws {
        #expect(try SeccompPolicy.filter(for: .none, capabilities: [], cacheDirectory: nil).isEmpty)
    }

    @Test func dockerProfile() throws {
        let text = """
            {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "defaultErrno": "ENOSYS",
             "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}],
             "syscalls": [
               {"names": ["read", "write"], "action": "SCMP_ACT_ALLOW", "args": [], "includes": {}, "excludes": {}},
               {"names": ["chroot"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_CHROOT"]}},
               {"names": ["chroot"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1, "excludes": {"caps": ["CAP_SYS_CHROOT"]}},
               {"name": "ptrace", "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
               {"names": ["arch_prctl"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd64", "x32"]}},
               {"names": ["breakpoint"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["arm"]}},
               {"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [
                 {"index": 0, "value": 16, "valueTwo": 0, "op": "SCMP_CMP_NE"}]}
             ]}
            """
        let profile = try SeccompDocument(parsing: Array(text.utf8))
            .profile(capabilities: ["CAP_SYS_CHROOT"], machine: "x86_64")
        #expect(profile.architectures == ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"])
        #expect(profile.defaultErrnoRet == 38)
        #expect(
            profile.syscalls.map { "\($0.names.joined(separator: ",")) \($0.action)" } == [
                "read,write SCMP_ACT_ALLOW", "chroot SCMP_ACT_ALLOW", "ptrace SCMP_ACT_ALLOW",
                "arch_prctl SCMP_ACT_ALLOW", "socket SCMP_ACT_ALLOW",
            ])
        #expect(try !SeccompPolicy.compile(profile).isEmpty)
    }

    @Test(arguments: [
        ("{", "loading seccomp profile failed"), ("{}", "loading seccomp profile failed: defaultAction is missing"),
        (#"{"defaultAction": "SCMP_ACT_NONSENSE"}"#, "seccomp profile: action SCMP_ACT_NONSENSE is not supported"),
        (
            #"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"]}]}"#,
            "loading seccomp profile failed: syscalls[0].action is missing"
        ),
        (
            #"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 9, "value": 0, "op": "SCMP_CMP_EQ"}]}]}"#,
            "seccomp profile: system calls have no argument 9"
        ),
    ])
    func badProfiles(_ text: String, _ message: String) throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/profile.json"
        try File.writeAtomically(text.utf8, to: path)
        let error = #expect(throws: EngineError.self) {
            try SeccompPolicy.filter(for: .file(path), capabilities: [], cacheDirectory: nil)
        }
        #expect(error?.message.hasPrefix(message) ?? false, "\(error?.message ?? "")")
    }

    @Test func missingProfile() {
        let error = #expect(throws: EngineError.self) {
            try SeccompPolicy.filter(for: .file("/nonexistent"), capabilities: [], cacheDirectory: nil)
        }
        #expect(error?.message == "opening seccomp profile failed: open /nonexistent: no such file or directory")
    }
}
