import Launch
import LinuxKernel
import OCISpec
import Testing

/// Plans by what they print: no privilege, no kernel.
@Suite struct PlanTests {
    static let root = HostFacts(
        kernel: KernelVersion(6, 18), inUserNamespace: false, capabilities: 0x1ff_ffff_ffff, lastCapability: 40,
        setgroupsAllowed: true)
    static let keeper = HostFacts(
        kernel: KernelVersion(6, 18), inUserNamespace: true, capabilities: 0x1ff_ffff_ffff, lastCapability: 40,
        setgroupsAllowed: true)
    static let nobody = HostFacts(
        kernel: KernelVersion(6, 18), inUserNamespace: false, capabilities: 0, lastCapability: 40,
        setgroupsAllowed: true)
    static let overlay = RootFilesystem.overlay(lower: "/l", objects: "/o", upper: "/u", work: "/w")

    private func spec(_ namespaces: [RuntimeSpec.Namespace], mapped: Bool = false) -> RuntimeSpec {
        var spec = RuntimeSpec()
        var process = RuntimeSpec.Process()
        process.args = ["true"]
        process.env = ["PATH=/a:/b"]
        spec.process = process
        var linux = RuntimeSpec.Linux()
        linux.namespaces = namespaces + (mapped ? [.init(.user)] : [])
        if mapped {
            linux.uidMappings = [.init(containerID: 0, hostID: 0, size: 1), .init(containerID: 1, hostID: 1, size: 9)]
            linux.gidMappings = [.init(containerID: 0, hostID: 0, size: 1)]
        }
        spec.linux = linux
        return spec
    }

    private func lines(
        _ spec: RuntimeSpec, _ facts: HostFacts = keeper, _ options: LaunchOptions = .init(),
        rootfs: RootFilesystem = overlay
    ) throws -> [String] {
        let plan = try LaunchPlan(spec: spec, rootfs: rootfs, facts: facts, options: options)
        #expect(try LaunchPlan(spec: spec, rootfs: rootfs, facts: facts, options: options) == plan)
        return plan.description.split(separator: "\n").map(String.init)
    }

    /// The lines that stand in the plan, in this order, others between them.
    private func expect(
        _ lines: [String], contain wanted: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        var rest = lines[...]
        for line in wanted {
            guard let index = rest.firstIndex(of: line) else {
                Issue.record(
                    "\(line) is missing, or too early, in:\n\(lines.joined(separator: "\n"))",
                    sourceLocation: sourceLocation)
                return
            }
            rest = rest[(index + 1)...]
        }
    }

    @Test func theWholePlanOfASmallContainer() throws {
        var spec = spec([.init(.mount), .init(.pid)], mapped: true)
        spec.mounts = [.init(destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "hidepid=2"])]
        spec.linux?.maskedPaths = ["/proc/keys"]
        #expect(
            try lines(spec) == [
                "clone user+pid+mnt", "map users 0:0:1 1:1:9, groups 0:0:1", "wait for the launcher", "set umask 0",
                "open /l", "open /u", "open /w", "open /o", "take /dev/null", "take /dev/zero", "take /dev/full",
                "take /dev/random", "take /dev/urandom", "take /dev/tty", "open /dev/null", "become user 0, group 0",
                "mount overlay on /", "mount tmpfs to mask with (ro,nosuid,nodev,noexec,nr_inodes=2,mode=755)",
                "put masks in place", "put root in place", "open /dev, if it can be done",
                "open /proc, if it can be done", "open /sys, if it can be done",
                "mount proc on /proc (nosuid,hidepid=2)", "mount on /proc",
                "make /dev/null nosuid,noexec", "mount on /dev/null", "make /dev/zero nosuid,noexec",
                "mount on /dev/zero", "make /dev/full nosuid,noexec", "mount on /dev/full",
                "make /dev/random nosuid,noexec", "mount on /dev/random", "make /dev/urandom nosuid,noexec",
                "mount on /dev/urandom", "make /dev/tty nosuid,noexec", "mount on /dev/tty",
                "link /dev/fd to /proc/self/fd, if it can be done",
                "link /dev/stdin to /proc/self/fd/0, if it can be done",
                "link /dev/stdout to /proc/self/fd/1, if it can be done",
                "link /dev/stderr to /proc/self/fd/2, if it can be done",
                "link /dev/core to /proc/kcore, if it can be done", "link /dev/ptmx to pts/ptmx, if it can be done",
                "mask /proc/keys, if it can be done", "enter the root",
                "keep capabilities over the change of user", "set groups to none", "become user 0, group 0",
                "raise capabilities", "change directory (chdir) to /", "start a session", "place $0 as descriptor 0",
                "place $1 as descriptor 1", "place $2 as descriptor 2", "close descriptors from 3", "set umask 22",
                "announce the start", "execute true",
            ])
    }

    @Test func rootMakesDevicesAndHidesItsMounts() throws {
        let lines = try lines(spec([.init(.mount)]), Self.root, rootfs: .directory("/r"))
        expect(
            lines,
            contain: [
                "clone mnt", "take /r and what is mounted below", "make host's / slave with what is mounted below",
                "make / private with what is mounted below", "put root in place",
                "make device /dev/null, if it can be done",
                "enter the root",
            ])
        #expect(!lines.contains("wait for the launcher"))
        #expect(!lines.contains { $0.hasPrefix("take /dev/") })
    }

    @Test func whatIsJoinedBeforeANewUserNamespaceIsJoinedByAFirstChild() throws {
        var options = LaunchOptions()
        options.joined = [.init([.user, .pid], descriptor: 9)]
        expect(
            try lines(
                spec([.init(.mount), .init(.network, path: "/n"), .init(.user), .init(.pid)]), Self.keeper, options),
            contain: ["clone no namespace", "join net", "join user+pid", "clone mnt", "become user 0, group 0"])
        expect(
            try lines(spec([.init(.mount), .init(.network, path: "/n")], mapped: true)),
            contain: ["clone no namespace", "join net", "clone user+mnt", "wait for the launcher"])
        expect(
            try lines(spec([.init(.mount), .init(.network, path: "/n")]), Self.root),
            contain: ["clone mnt", "join net"])
    }

    @Test func aCgroupNamespaceComesAfterTheCgroup() throws {
        var options = LaunchOptions()
        options.moments = [.created]
        let spec = spec([.init(.mount), .init(.cgroup)])
        expect(try lines(spec, Self.root, options), contain: ["clone mnt", "wait for the launcher", "unshare cgroup"])
        options.cgroup = 7
        expect(try lines(spec, Self.root, options), contain: ["clone mnt+cgroup"])
    }

    /// From within a cgroup namespace the kernel lets nobody into a cgroup who stands outside of it.
    @Test func aCgroupNamespaceIsJoinedAfterTheCgroup() throws {
        var options = LaunchOptions()
        options.joined = [.init([.pid, .mount, .cgroup], descriptor: 9)]
        options.cgroup = 7
        var process = RuntimeSpec.Process()
        process.args = ["/bin/true"]
        let plan = try LaunchPlan(exec: process, facts: Self.root, options: options)
        let lines = plan.description.split(separator: "\n").map(String.init)
        expect(lines, contain: ["join pid+mnt", "clone no namespace", "join cgroup"])
    }

    /// The launcher becomes the container: namespaces by unshare, no rendezvous, the same steps otherwise.
    @Test func inPlace() throws {
        var options = LaunchOptions()
        options.inPlace = true
        options.startsSession = false
        options.parentDeathSignal = 9
        options.parent = 77
        let spec = spec([.init(.mount), .init(.uts)], mapped: true)
        let placed = try lines(spec, Self.keeper, options)
        #expect(placed.first == "unshare user+mnt+uts, map users 0:0:1 1:1:9, groups 0:0:1")
        expect(
            placed,
            contain: [
                "enter the root", "change directory (chdir) to /", "get signal 9 when the launcher dies",
                "end unless process 77 is the parent still", "place $0 as descriptor 0", "execute true",
            ])
        #expect(!placed.contains { $0.contains("launcher") && $0.contains("wait") })
        #expect(!placed.contains("start a session"))
        var cloned = options
        cloned.inPlace = false
        let rest = try lines(spec, Self.keeper, cloned).drop { $0 != "set umask 0" }
        #expect(Array(placed.dropFirst()) == Array(rest), "the same steps from there on")
    }

    @Test func inPlaceThereAreNoChildren() throws {
        var options = LaunchOptions()
        options.inPlace = true
        #expect(throws: PlanError.self) { try lines(spec([.init(.mount), .init(.pid)]), Self.root, options) }
        #expect(throws: PlanError.self) {
            try lines(spec([.init(.mount), .init(.network, path: "/n")]), Self.root, options)
        }
        options.reaper = true
        #expect(throws: PlanError.self) { try lines(spec([.init(.mount)]), Self.root, options) }
    }

    /// A sandbox and the command that comes later are together what one plan is.
    @Test func aSandboxAndItsCommand() throws {
        var options = LaunchOptions()
        options.inPlace = true
        let spec = spec([.init(.mount)], mapped: true)
        let whole = try lines(spec, Self.keeper, options)
        let sandbox = try LaunchPlan(sandbox: spec, rootfs: Self.overlay, facts: Self.keeper, options: options)
        let command = try LaunchPlan(commandToldInSandboxOf: spec, facts: Self.keeper, options: options)
        let halves = [sandbox, command].map { $0.description.split(separator: "\n").map(String.init) }
        // What streams there are is told as well, and slots are counted anew.
        let end = whole.suffix(from: whole.firstIndex { $0 == "start a session" }!)
        #expect(halves[0] == whole.dropLast(end.count))
        #expect(halves[1].filter { $0.hasPrefix("else open /dev/null") }.count == 3)
        func withoutSlots(_ lines: some Sequence<String>) -> [String] {
            lines.map { $0.replacing(/\$\d+/, with: "$") }.dropLast() + ["execute"]
        }
        let told = halves[1].suffix(from: halves[1].firstIndex { $0 == "start a session" }!)
        #expect(withoutSlots(told) == withoutSlots(end))
        #expect(told.last == "execute what is told" && end.last?.hasPrefix("execute ") == true)

        // The filter comes in one half or the other, once.
        options.seccompFilter = [UInt8](repeating: 0, count: 8)
        for isEarly in [true, false] {
            options.filtersSandbox = isEarly
            let sandbox = try LaunchPlan(sandbox: spec, rootfs: Self.overlay, facts: Self.keeper, options: options)
            let command = try LaunchPlan(commandToldInSandboxOf: spec, facts: Self.keeper, options: options)
            #expect(sandbox.description.contains("system call filter") == isEarly)
            #expect(command.description.contains("system call filter") != isEarly)
        }
    }

    @Test func theHostsNamespacesMeanTheHostsMounts() throws {
        var spec = spec([.init(.mount)], mapped: true)
        spec.mounts = [
            .init(destination: "/proc", type: "proc", source: "proc", options: ["noexec"]),
            .init(destination: "/sys", type: "sysfs", source: "sysfs", options: ["ro"]),
            .init(destination: "/dev/mqueue", type: "mqueue", source: "mqueue"),
            .init(destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro"]),
        ]
        expect(
            try lines(spec),
            contain: [
                "take /proc and what is mounted below", "take /sys and what is mounted below",
                "make /proc noexec,private with what is mounted below",
                "make /sys ro,private with what is mounted below", "mount mqueue on /dev/mqueue, if it can be done",
                "else take /dev/mqueue and what is mounted below, if it can be done",
                "mount cgroup2 on /sys/fs/cgroup (ro), if it can be done",
                "else take /sys/fs/cgroup and what is mounted below, if it can be done",
            ])
    }

    @Test func anUnprivilegedLauncherDeniesSetgroups() throws {
        let lines = try lines(spec([.init(.mount)], mapped: true), Self.nobody)
        #expect(!lines.contains { $0.hasPrefix("set groups") })
    }

    @Test func terminalGroupsThatAreNotMappedAreLeftOut() throws {
        var spec = spec([.init(.mount)], mapped: true)
        spec.mounts = [
            .init(destination: "/dev/pts", type: "devpts", source: "devpts", options: ["mode=620", "gid=5"])
        ]
        expect(try lines(spec), contain: ["mount devpts on /dev/pts (mode=620)"])
        spec.linux?.gidMappings = [.init(containerID: 0, hostID: 0, size: 6)]
        expect(try lines(spec), contain: ["mount devpts on /dev/pts (mode=620,gid=5)"])
    }

    @Test(arguments: [
        (["ro"], ["make /x ro", "make /x private with what is mounted below"]),
        (["rbind", "ro", "nosuid", "rslave"], ["make /x ro,nosuid", "make /x slave with what is mounted below"]),
        (["bind", "rw", "suid", "private"], ["make /x private", "make /x not ro,nosuid, if it can be done"]),
        (["rbind", "rro", "rnoexec"], ["make /x ro,noexec,private with what is mounted below"]),
        (["rbind", "ro", "rw"], ["make /x private with what is mounted below", "make /x not ro, if it can be done"]),
        (["noatime"], ["make /x private with what is mounted below", "make /x noatime, if it can be done"]),
        (["relatime"], ["make /x private with what is mounted below", "make /x relatime, if it can be done"]),
        (["rshared", "nosymfollow"], ["make /x nosymfollow", "make /x shared with what is mounted below"]),
    ])
    func mountOptions(words: [String], expected: [String]) throws {
        var spec = spec([.init(.mount)], mapped: true)
        spec.mounts = [.init(destination: "/x", type: "bind", source: "/s", options: words)]
        #expect(try lines(spec).filter { $0.hasPrefix("make /x") } == expected)
    }

    @Test func capabilitiesAndFiltersGoAsLateAsTheyCan() throws {
        var spec = spec([.init(.mount)], mapped: true)
        var sets = RuntimeSpec.Capabilities()
        (sets.bounding, sets.permitted, sets.effective) = (["CAP_CHOWN", "CAP_KILL"], ["CAP_KILL"], ["CAP_KILL"])
        spec.process?.capabilities = sets
        var options = LaunchOptions()
        options.seccompFilter = [UInt8](repeating: 0, count: 24)
        let filter = "load system call filter of 3 instructions"
        let final = "set capabilities to kill effective, kill permitted, none inheritable"
        expect(
            try lines(spec, Self.keeper, options),
            contain: [
                "limit bounding capabilities to chown,kill", "keep capabilities over the change of user",
                "raise capabilities", filter, final, "execute true",
            ])
        spec.process?.noNewPrivileges = true
        expect(
            try lines(spec, Self.keeper, options), contain: [final, "gain no new privileges", filter, "execute true"])
    }

    @Test func streamsThatTradePlacesAreMovedFirst() throws {
        var options = LaunchOptions()
        (options.input, options.output, options.error) = (0, 2, 1)
        options.preservedDescriptors = 2
        expect(
            try lines(spec([.init(.mount)]), Self.root, options),
            contain: [
                "copy descriptor $1 above 4", "copy descriptor $2 above 4", "place $0 as descriptor 0",
                "keep descriptors 3 to 4", "close descriptors from 5",
            ])
    }

    @Test func whatCannotBeMeantIsRefused() throws {
        func refusal(_ change: (inout RuntimeSpec) -> Void) -> String? {
            var spec = spec([.init(.mount)], mapped: true)
            change(&spec)
            do {
                _ = try LaunchPlan(spec: spec, rootfs: Self.overlay, facts: Self.keeper, options: .init())
                return nil
            } catch {
                return "\(error)"
            }
        }
        #expect(refusal { $0.process = nil } == "specification has no process")
        #expect(refusal { $0.process?.args = [] } == "no command: args is empty")
        #expect(refusal { $0.process?.cwd = "tmp" } == "working directory tmp: not an absolute path")
        #expect(refusal { $0.linux?.namespaces = [.init(.user)] } == "a container needs a mount namespace of its own")
        #expect(refusal { $0.linux?.namespaces.append(.init(.mount)) } == "namespace mount is named twice")
        #expect(refusal { $0.linux?.uidMappings = [] } == "a new user namespace needs uid and gid mappings")
        #expect(
            refusal { $0.mounts = [.init(destination: "/x", type: "bind", source: "s")] }
                == "mount on /x: source is not an absolute path")
        #expect(
            refusal { $0.mounts = [.init(destination: "/x", type: "tmpfs", source: "t", options: ["idmap"])] }
                == "mount on /x: only a bind mount can be id-mapped")
        for (options, reason) in [
            (["bind", "tmpcopyup"], "tmpcopyup is a tmpfs's alone"),
            (["rbind", "src-nofollow"], "option src-nofollow is not supported"),
        ] {
            let text = refusal { $0.mounts = [.init(destination: "/x", type: "none", source: "/s", options: options)] }
            #expect(text == "mount on /x: \(reason)")
        }
        #expect(refusal { $0.process?.rlimits = [.init(type: "X", soft: 1, hard: 1)] } == "unknown resource limit X")
        #expect(refusal { $0.process?.capabilities?.bounding = ["CAP_X"] } == nil)
    }
}
