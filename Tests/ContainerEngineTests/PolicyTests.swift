import ContainerEngine
import OCISpec
import Testing

@Suite struct PolicyTests {
    @Test(
        arguments: [
            ("SIGTERM", 15), ("term", 15), ("15", 15), ("SIGKILL", 9), ("hup", 1), ("RTMIN", 34), ("SIGRTMIN+3", 37),
            ("rtmax-1", 63), ("RTMAX", 64), ("SIGPOLL", 29), ("64", 64),
        ] as [(String, Int32)])
    func signals(_ word: String, _ number: Int32) throws {
        #expect(try SignalNumber.parse(word) == number)
    }

    @Test(arguments: ["", "SIG", "0", "65", "-1", "RTMIN+31", "RTMAX-31", "RTMIN-1", "SIGFOO", "9x"])
    func noSignals(_ word: String) {
        #expect(throws: EngineError.self) { try SignalNumber.parse(word) }
    }

    @Test func signalNames() {
        #expect(
            [1, 15, 31, 34, 37, 64, 0].map(SignalNumber.name) == [
                "SIGHUP", "SIGTERM", "SIGSYS", "SIGRTMIN", "SIGRTMIN+3", "SIGRTMAX", "0",
            ])
    }

    @Test(arguments: [
        ("/proc/kcore", ["ALL"], true), ("/proc/kcore", ["all"], true), ("/proc/kcore", ["/proc/*"], true),
        ("/proc/kcore", ["/proc"], false), ("/sys/dev/block", ["/sys/*"], false),
        ("/sys/dev/block", ["/a:/sys/dev/*"], true), ("/proc/acpi", ["/proc/?cpi"], true), ("/proc/acpi", [], false),
    ])
    func unmasking(_ path: String, _ unmask: [String], _ expected: Bool) {
        #expect(PathPolicy.isUnmasked(path, by: unmask) == expected)
    }

    /// Root that is confined hands on no more than it has.
    @Test func capabilitiesAreClamped() throws {
        var security = SecurityOptions()
        security.addCapabilities = ["all"]
        let sets = try CapabilityPolicy.sets(security, bounding: ["CAP_CHOWN", "CAP_SYS_ADMIN"], isRoot: true)
        #expect(sets.effective == ["CAP_CHOWN", "CAP_SYS_ADMIN"])
        security.privileged = true
        #expect(try CapabilityPolicy.sets(security, bounding: ["CAP_KILL"], isRoot: true).bounding == ["CAP_KILL"])
    }

    @Test func limitsAreClampedWithAWord() throws {
        let made = try Fixture.build { $0.rlimits = [.init(type: "nofile", soft: 30_000, hard: .max)] }
        #expect(made.runtime.process?.rlimits.first == .init(type: "RLIMIT_NOFILE", soft: 20_000, hard: 20_000))
        #expect(made.warnings == ["ulimit nofile=30000:unlimited: the caller may set at most 20000:20000"])
        var caller = Fixture.realRoot
        caller.mayRaiseLimits = true
        let root = try Fixture.build(caller: caller) {
            $0.rlimits = [.init(type: "nofile", soft: 30_000, hard: 40_000)]
        }
        #expect(root.runtime.process?.rlimits.first?.hard == 40_000 && root.warnings.isEmpty)
    }

    /// There even root's process has no right to them: CAP_SYS_RESOURCE is asked for over the machine.
    @Test func rootRaisesNoLimitsInAUserNamespace() throws {
        var caller = Fixture.realRoot
        caller.mayRaiseLimits = true
        let made = try Fixture.build(caller: caller) {
            $0.namespaces.user = .keepID(uid: nil, gid: nil)
            $0.oomScoreAdjustment = -500
        }
        let limit = try #require(made.runtime.process?.rlimits.first { $0.type == "RLIMIT_NOFILE" })
        #expect(limit.hard == 20_000)
        #expect(made.runtime.process?.oomScoreAdj == 0)
    }

    @Test func oomScoreIsClampedWithAWord() throws {
        let made = try Fixture.build { $0.oomScoreAdjustment = -500 }
        #expect(made.runtime.process?.oomScoreAdj == 0)
        #expect(made.warnings == ["requested oom_score_adj=-500 is lower than the current one, changing to 0"])
    }

    @Test func portsWithoutNetworkAreAWarning() throws {
        let made = try Fixture.build {
            $0.network.mode = .host
            $0.network.ports = [.init(hostAddress: nil, hostPort: 80, containerPort: 80, transport: "tcp")]
        }
        #expect(made.warnings.count == 1)
    }

    @Test func proxiesArePassedThrough() throws {
        var caller = Fixture.rootless
        caller.environment = ["http_proxy=http://192.0.2.3:3128", "SECRET=1", "NO_PROXY=localhost"]
        let names = { (made: Specification) in made.runtime.process!.env.map { String($0.prefix { $0 != "=" }) } }
        #expect(names(try Fixture.build(caller: caller)).contains("http_proxy"))
        #expect(!names(try Fixture.build(caller: caller)).contains("SECRET"))
        #expect(!names(try Fixture.build(caller: caller) { $0.environment.httpProxy = false }).contains("http_proxy"))
        #expect(names(try Fixture.build(caller: caller) { $0.environment.inheritHost = true }).contains("SECRET"))
    }

    @Test func mountFlagsOfTheSourceAreKept() throws {
        let tight = HostMount(nosuid: true, nodev: true, noexec: true)
        #expect(
            try MountOptions([], kind: .bind, destination: "/a", source: tight).words
                == ["rw", "rprivate", "noexec", "nosuid", "nodev", "rbind"])
        #expect(
            try MountOptions(["ro", "exec", "Z", "U"], kind: .bind, destination: "/a", source: HostMount()).words
                == ["ro", "exec", "rprivate", "rbind"])
        #expect(try MountOptions(["U"], kind: .bind, destination: "/a", source: HostMount()).changesOwner)
        #expect(try !MountOptions(["nocopy"], kind: .volume, destination: "/a").copiesUp)
        #expect(try MountOptions(["bind-propagation=rslave"], kind: .bind, destination: "/a").words.first == "rslave")
    }

    @Test func ownersOfMountsAreChanged() throws {
        let made = try Fixture.build(Fixture.userImage) {
            $0.mounts = [
                .init(kind: .bind("/tmp"), destination: "/x", options: ["U"]),
                .init(kind: .tmpfs, destination: "/t", options: ["U"]),
            ]
            $0.namespaces.user = .keepID(uid: nil, gid: nil)
        }
        // uid 1000 of the image is keeper id 1001: one above, for 0 is the caller.
        #expect(made.ownershipChanges == [.init(path: "/tmp", uid: 1001, gid: 0)])
        #expect(made.runtime.mounts.first { $0.destination == "/t" }?.options.suffix(2) == ["uid=1000", "gid=1001"])
    }

    @Test(
        arguments: [
            (nil, [], ["/bin/busybox", "sh"]), (nil, ["a"], ["/bin/busybox", "a"]), (["x"], [], ["x"]),
            (["x"], ["a"], ["x", "a"]), ([""], ["a"], ["a"]), ([], ["a"], ["a"]), ([], [], ["sh"]),
        ] as [([String]?, [String], [String])])
    func commands(_ entrypoint: [String]?, _ command: [String], _ expected: [String]) throws {
        let made = try Fixture.build(Fixture.userImage) {
            $0.entrypoint = entrypoint
            $0.command = command
        }
        #expect(made.runtime.process?.args == expected)
    }

    @Test func workingDirectoryOfTheImageIsMade() throws {
        var image = Fixture.plainImage
        image.execution.workingDir = "/srv/../opt/new/"
        let made = try Fixture.build(image) { $0.user = "app" }
        #expect(made.runtime.process?.cwd == "/opt/new")
        #expect(made.rootEntries == [.init(path: "/opt/new", content: .directory, mode: 0o755, uid: 1000, gid: 1001)])
    }

    /// The command line that Ray starts its workers with.
    @Test func workersOfRay() throws {
        let made = try Fixture.build {
            $0.mounts = [.init(kind: .bind("/tmp"), destination: "/tmp/ray")]
            $0.network.mode = .host
            $0.namespaces.pid = .host
            $0.namespaces.ipc = .host
            $0.namespaces.user = .keepID(uid: nil, gid: nil)
            $0.environment.variables = [("RAY_JOB_ID", "01000000")]
            $0.entrypoint = ["python"]
            $0.command = ["worker.py", "--node=1"]
        }
        let process = made.runtime.process!
        #expect(process.args == ["python", "worker.py", "--node=1"])
        #expect(process.user.uid == 1001 && process.user.gid == 1001 && process.user.additionalGids == [1001])
        #expect(process.cwd == "/home/app" && process.env.contains("HOME=/home/app"))
        #expect(process.env.contains("container=podman") && process.env.contains("HOSTNAME=vm"))
        #expect(made.runtime.hostname == "vm")
        #expect(made.runtime.linux?.namespaces.map(\.type) == [.uts, .mount, .user, .cgroup])
        #expect(UserNamespacePlan.outside(1001, made.runtime.linux!.uidMappings) == 0)
        let sources = Dictionary(
            made.runtime.mounts.map { ($0.destination, $0.source ?? "") }, uniquingKeysWith: { first, _ in first })
        #expect(sources["/proc"] == "/proc" && sources["/sys"] == "/sys" && sources["/dev/shm"] == "/dev/shm")
        #expect(sources["/tmp/ray"] == "/tmp")
        #expect(made.rootEntries.map(\.path) == ["/etc/passwd"] && made.warnings.isEmpty)
    }

    @Test func records() throws {
        let made = try Fixture.build(Fixture.userImage) { $0.security.seccomp = .file("/p.json") }
        let read = try Specification(parsing: made.encoded())
        #expect(read.runtime == made.runtime)
        #expect(read.seccomp == .file("/p.json") && read.volumes == made.volumes && read.stopSignal == 3)
    }
}
