import Foundation
import Testing

/// Bundles that cannot be run: each is refused with one line, and nothing of it is left.
@Suite(.needs(.swiftpod), .needs(.program("busybox"))) struct BadBundleTests {
    /// What is wrong, how it comes to be, and what the line has to name.
    struct Fault {
        let name: String
        let says: String
        let make: (RuntimeBundle) throws -> Void

        init(_ name: String, says: String = ".", _ make: @escaping (RuntimeBundle) throws -> Void) {
            self.name = name
            self.says = says
            self.make = make
        }

        /// A member of `process`, `linux` or of the whole set to a value.
        init(_ part: String, _ member: String, _ value: Any, says: String = ".") {
            self.init("\(part).\(member) \(value)", says: says) { bundle in
                if part.isEmpty { bundle.config[member] = value } else { bundle.change(part, [member: value]) }
            }
        }
    }

    @Test(arguments: Account.all) func documents(account: Account) throws {
        func text(_ name: String, _ text: String) -> Fault { Fault(name) { $0.text = Data(text.utf8) } }
        try refused(
            account,
            [
                Fault("no file", says: "config.json") { $0.text = Data() },
                text("no JSON", "{"), text("an array", "[]"), text("a string", "\"x\""), text("what follows", "{} x"),
                text(
                    "a number where an object belongs", #"{"ociVersion":"1.0.0","process":7,"root":{"path":"rootfs"}}"#),
                text("deep", String(repeating: "[", count: 200_000)),
                text("deep objects", String(repeating: "{\"a\":", count: 200_000)),
                Fault("no UTF-8") { $0.text = Data([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]) },
                Fault("", "ociVersion", "2.0.0", says: "2.0.0"), Fault("", "ociVersion", "", says: "ersion"),
                Fault("", "ociVersion", 1), Fault("", "process", NSNull(), says: "process"),
                Fault("", "root", NSNull(), says: "root"), Fault("", "root", ["path": ""], says: "root"),
                Fault("", "root", ["path": "nothing"], says: "nothing"),
                Fault("", "root", ["path": "config.json"], says: "config.json"),
                Fault("", "root", ["path": "rootfs\u{0}/x"]), Fault("", "mounts", "x", says: "mounts"),
            ])
    }

    @Test(arguments: Account.all) func processes(account: Account) throws {
        try refused(
            account,
            [
                Fault("process", "args", [String](), says: "args"), Fault("process", "args", NSNull(), says: "args"),
                Fault("process", "args", ["/bin/nothing"], says: "/bin/nothing"),
                Fault("process", "args", ["nothing"], says: "nothing"),
                Fault("process", "args", ["/bin"], says: "/bin"),
                Fault("process", "args", ["/bin/sh\u{0}x"]), Fault("process", "env", ["A\u{0}B=1"]),
                Fault("process", "cwd", "relative", says: "cwd|relative"),
                Fault("process", "cwd", "", says: "cwd|directory"),
                Fault("process", "cwd", "/bin/sh", says: "/bin/sh"),
                Fault("process", "user", ["uid": -1, "gid": 0]),
                Fault("process", "user", ["uid": 4_294_967_296, "gid": 0]),
                Fault("process", "user", ["uid": "root", "gid": 0]),
                Fault("process", "capabilities", ["bounding": ["CAP_NOTHING"]], says: "CAP_NOTHING"),
                Fault("process", "capabilities", ["effective": "CAP_CHOWN"]),
                Fault(
                    "process", "rlimits", [["type": "RLIMIT_NOTHING", "soft": 1, "hard": 1]], says: "RLIMIT_NOTHING"),
                Fault(
                    "process", "rlimits", [["type": "RLIMIT_NOFILE", "soft": 2, "hard": 1]], says: "RLIMIT_NOFILE|soft"),
                Fault("process", "oomScoreAdj", 2000, says: "oom"),

                Fault("process", "scheduler", ["policy": "SCHED_NOTHING"], says: "SCHED_NOTHING"),
                Fault("process", "ioPriority", ["class": "IOPRIO_CLASS_NOTHING", "priority": 0], says: "IOPRIO_CLASS"),
                Fault("process", "apparmorProfile", "nothing-of-that-name", says: "apparmor"),
                Fault("process", "selinuxLabel", "a:b:c", says: "selinux|attr/exec"),
            ], startsMayFail: true)
    }

    @Test(arguments: Account.all) func mounts(account: Account) throws {
        func mount(_ to: String, _ type: String, _ from: String, _ options: [String] = [], says: String = ".") -> Fault
        {
            Fault("mount \(type) \(from) on \(to) \(options)", says: says) { $0.mount(to, type, from, options) }
        }
        try refused(
            account,
            [
                mount("/m", "bind", "/no/such/source", ["rbind"], says: "/no/such/source"),
                mount("/m", "nothing", "nothing", says: "nothing"), mount("", "tmpfs", "tmpfs", says: "destination"),
                mount("/m", "tmpfs", "tmpfs", ["size=much"], says: "size|/m"),
                mount("/m", "tmpfs", "tmpfs", ["nothing=1"], says: "nothing|/m"),
                mount("/bin/sh/below", "tmpfs", "tmpfs", says: "/bin/sh"),
                mount("/m", "bind", "/usr", ["rbind", "idmap=nonsense"], says: "idmap|/m"),
                mount("/m\u{0}", "tmpfs", "tmpfs"),
                Fault("linux", "rootfsPropagation", "nothing", says: "nothing"),
                Fault("/dev is a link") { try $0.link($0.outside, "/dev") },
            ])
    }

    @Test(arguments: Account.all) func namespaces(account: Account) throws {
        let usual = ["pid", "mount", "ipc", "uts", "network"].map { ["type": $0] }
        func spaces(_ more: [[String: String]], _ linux: [String: Any] = [:], says: String = ".") -> Fault {
            Fault("namespaces and \(more) \(linux)", says: says) {
                $0.change("linux", ["namespaces": usual.filter { $0["type"] != more.first?["type"] } + more])
                $0.change("linux", linux)
            }
        }
        func maps(_ uid: [[String: Int]], _ gid: [[String: Int]]? = nil, says: String = ".") -> Fault {
            spaces([["type": "user"]], ["uidMappings": uid, "gidMappings": gid ?? uid], says: says)
        }
        func map(_ inside: Int, _ outside: Int, _ size: Int) -> [String: Int] {
            ["containerID": inside, "hostID": outside, "size": size]
        }
        try refused(
            account,
            [
                spaces([["type": "network", "path": "/no/such/namespace"]], says: "/no/such/namespace"),
                spaces([["type": "network", "path": "/etc/passwd"]], says: "net"),
                spaces([["type": "network", "path": "/proc/self/ns/uts"]], says: "net"),
                spaces([["type": "ipc"], ["type": "ipc"]], says: "ipc|twice"),
                spaces([["type": "nothing"]], says: "nothing"),
                Fault("linux", "uidMappings", [map(0, 0, 1)], says: "user namespace|mapped"),
                maps([map(0, 0, 0)]), maps([map(0, 100_000, 10), map(5, 200_000, 10)]), maps([map(0, -1, 1)]),
                maps([map(5, 100_000, 10)]), maps([map(0, 4_294_967_290, 100)]),
                Fault("a hostname of the host's", says: "hostname") {
                    $0.change("linux", ["namespaces": usual.filter { $0["type"] != "uts" }])
                    $0.config["hostname"] = "stolen"
                },
                Fault("linux", "sysctl", ["kernel.nothing": "1"], says: "nothing"),
                Fault("linux", "sysctl", ["net.ipv4.nothing": "1"], says: "nothing"),
                Fault("linux", "sysctl", ["../../etc/passwd": "1"], says: "etc"),
                Fault("linux", "sysctl", ["kernel.hostname/../../vm/drop_caches": "1"]),
                Fault("a sysctl of the host's", says: "net.ipv4.ip_forward") {
                    $0.change("linux", ["namespaces": usual.filter { $0["type"] != "network" }])
                    $0.change("linux", ["sysctl": ["net.ipv4.ip_forward": "1"]])
                },
                Fault("linux", "timeOffsets", ["monotonic": ["secs": 5]], says: "time"),
                Fault("linux", "personality", ["domain": "NOTHING"], says: "NOTHING|personality"),
                Fault("linux", "netDevices", ["nothing0": [String: String]()], says: "net|nothing0"),
                Fault("linux", "intelRdt", ["closID": "x"], says: "(?i)rdt|resctrl"),
                Fault("linux", "devices", [["path": "/dev/x", "type": "z", "major": 1, "minor": 1]], says: "/dev/x|z"),
                Fault("linux", "cgroupsPath", "/../../x"), Fault("linux", "cgroupsPath", "a\u{0}b"),
                Fault("linux", "seccomp", ["defaultAction": "SCMP_ACT_NOTHING"], says: "SCMP_ACT_NOTHING"),
                Fault("linux", "seccomp", ["defaultAction": "SCMP_ACT_ALLOW", "flags": ["X"]], says: "X"),
            ])
    }

    @Test(arguments: Account.all) func hooks(account: Account) throws {
        func hook(_ kind: String, _ hook: [String: Any], says: String = ".") -> Fault {
            Fault("\(kind) hook \(hook)", says: says) { $0.config["hooks"] = [kind: [hook]] }
        }
        var faults: [Fault] = []
        for kind in ["prestart", "createRuntime", "createContainer", "startContainer"] {
            faults += [
                hook(kind, ["path": "relative"], says: "relative"),
                hook(kind, ["path": "/no/such/hook"], says: "/no/such/hook"),
                hook(kind, ["path": "/bin/sh", "args": ["sh", "-c", "exit 3"]], says: kind),
                hook(kind, ["path": "/bin/sh", "args": ["sh", "-c", "kill -9 $$"]], says: kind),
                hook(kind, ["path": "/bin/sh", "args": ["sh", "-c", "sleep 100"], "timeout": 1], says: kind),
                hook(kind, ["path": "/bin/sh", "timeout": 0], says: "timeout"), hook(kind, [:], says: "path"),
            ]
        }
        try refused(account, faults, startsMayFail: true)
    }

    /// What is wrong with the call and not with the bundle.
    @Test(arguments: Account.all) func calls(account: Account) throws {
        let bundle = try RuntimeBundle(account)
        for id in ["", "..", ".hidden", "a/b", "../x", "a b", "ü", String(repeating: "x", count: 300)] {
            for verb in ["create", "run"] { check(bundle, bundle.runtime(verb, id), "\(verb) \(id)") }
        }
        for words in [
            ["--bundle", "/no/such/bundle"], ["--bundle", "config.json"], ["--config", "/no/such/config"],
            ["--console-socket", "/no/such/socket"], ["--pid-file", "/no/such/directory/pid"],
            ["--pidfd-socket", "/no/such/socket"], ["--preserve-fds", "x"], ["--preserve-fds", "-1"], ["--bogus"],
        ] {
            for verb in ["create", "run"] {
                check(bundle, bundle.command([verb] + words + [bundle.id]).run(), "\(verb) \(words)")
            }
        }
        for verb in ["start", "kill", "delete", "state", "pause", "resume"] {
            check(bundle, bundle.runtime(verb, "nothing"), verb)
        }
        // A name that is taken stays whose it is.
        #expect(bundle.create().ok)
        for verb in ["create", "run"] {
            let second = bundle.runtime(verb, bundle.id)
            #expect(!second.ok && second.errorLines.count == 1 && second.err.contains("exists"), "\(second)")
        }
        #expect(bundle.runtime("state", bundle.id).out.contains("\"created\""))
    }

    private func refused(_ account: Account, _ faults: [Fault], startsMayFail: Bool = false) throws {
        for fault in faults {
            let bundle = try RuntimeBundle(account)
            try fault.make(bundle)
            let name = "\(fault.name), \(account)"
            let ran = bundle.run()
            check(bundle, ran, "run: \(name)")
            #expect(
                ran.err.range(of: fault.says, options: [.regularExpression, .caseInsensitive]) != nil,
                "says \(fault.says): \(name): \(ran)")
            let created = bundle.create()
            guard created.ok, startsMayFail else {
                check(bundle, created, "create: \(name)")
                continue
            }
            // What only the start can find out: the container has ended then, and can be deleted.
            let started = bundle.runtime("start", bundle.id)
            #expect(!started.ok && started.errorLines.count == 1, "start: \(name): \(started)")
            #expect(bundle.runtime("delete", bundle.id).ok, "delete: \(name)")
            #expect(bundle.isClean, "left behind: \(name)")
        }
    }

    /// One line, a code that says so, and nothing that is there because of it.
    private func check(_ bundle: RuntimeBundle, _ output: Output, _ name: String) {
        #expect(output.code > 0 && output.code < 128 && output.signal == 0 && !output.timedOut, "\(name): \(output)")
        #expect(output.out.isEmpty && output.errorLines.count == 1, "\(name): \(output)")
        #expect(bundle.isClean, "left behind: \(name)")
        #expect(bundle.isUntouched, "changed: \(name)")
        let left = Leaks.processes(below: bundle.directory).filter { process in
            !process.words.contains { $0.contains("keeper") }
        }
        #expect(left.isEmpty, "left running: \(name): \(left)")
    }
}
