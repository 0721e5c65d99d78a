import Foundation
import Testing

/// `linux.resources` and what else the OCI verbs do with the machine's means.
@Suite(.needs(.swiftpod), .needs(.program("busybox")), .serialized) struct RuntimeResourceTests {
    static let mount = CgroupTests.mount
    static let controllers = CgroupTests.controllers

    /// A container that waits, in a cgroup of a name of its own; removed with its parent.
    private func waiting(
        _ resources: [String: Any], _ body: (RuntimeBundle, _ cgroup: String) throws -> Void
    ) throws {
        let bundle = try RuntimeBundle(.root, "sleep 1000")
        let parent = "/swiftpod-tests-\(bundle.id)-parent"
        bundle.change("linux", ["cgroupsPath": parent + "/inner", "resources": resources])
        defer { rmdir(Self.mount + parent) }
        let made = bundle.runtime("create", bundle.id)
        #expect(made.code == 0, "\(made)")
        #expect(bundle.runtime("start", bundle.id).ok)
        try body(bundle, Self.mount + parent + "/inner")
        #expect(bundle.runtime("delete", "--force", bundle.id).ok)
        #expect(!FileManager.default.fileExists(atPath: Self.mount + parent + "/inner"))
        #expect(bundle.isClean)
    }

    private func content(_ path: String) -> String {
        ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").trimmingCharacters(in: .whitespacesAndNewlines)
    }

    // MARK: - Limits

    @Test(.needs(.root), .enabled(if: controllers.contains("hugetlb"), "cgroup v2 has no hugetlb here"))
    func limitsHoldAndChange() throws {
        let limits: [String: Any] = ["hugepageLimits": [["pageSize": "2MB", "limit": 4_194_304]]]
        try waiting(limits) { bundle, cgroup in
            let file = cgroup + "/hugetlb.2MB.max"
            #expect(content(file) == "4194304")
            let changes = bundle.directory + "/changes.json"
            try Data(#"{"hugepageLimits": [{"pageSize": "2MB", "limit": 8388608}]}"#.utf8)
                .write(to: URL(fileURLWithPath: changes))
            #expect(bundle.runtime("update", "--resources", changes, bundle.id).ok)
            #expect(content(file) == "8388608")
            try Data(#"{"unified": {"hugetlb.2MB.max": "2097152"}}"#.utf8).write(to: URL(fileURLWithPath: changes))
            var fromStdin = bundle.command(["update", "-r", "-", bundle.id])
            fromStdin.input = .text(try String(contentsOfFile: changes, encoding: .utf8))
            #expect(fromStdin.run().ok)
            #expect(content(file) == "2097152")
            let figures = bundle.runtime("events", "--stats", bundle.id)
            #expect(figures.out.contains(#""hugetlb":{"#) && figures.out.contains(#""2MB":{"usage":0,"#), "\(figures)")
        }
    }

    @Test(.enabled(if: !controllers.contains("memory"), "memory can be limited here"), arguments: Account.all)
    func limitsThatCannotHold(_ account: Account) throws {
        let bundle = try RuntimeBundle(account)
        bundle.change("linux", ["resources": ["memory": ["limit": 64 << 20]]])
        expectOneLine(bundle.run(), "cannot limit memory: .*(v1|not delegated).*")
        #expect(bundle.isClean)
        // No limit holds everywhere, and so does what nobody asked for.
        bundle.change(
            "linux", ["resources": ["memory": ["limit": -1], "pids": ["limit": -1], "cpu": ["shares": 1024]]])
        let unlimited = bundle.run()
        #expect(unlimited.ok && unlimited.err.isEmpty, "\(unlimited)")
        bundle.change("linux", ["resources": ["memory": ["swappiness": 10]]])
        expectOneLine(bundle.run(), "cannot set memory swappiness with cgroup v2")
    }

    @Test(.enabled(if: !controllers.contains("pids"), "processes can be limited here"), arguments: Account.all)
    func podmansDefaultLimit(_ account: Account) throws {
        let bundle = try RuntimeBundle(account)
        bundle.change("linux", ["resources": ["pids": ["limit": 2048]]])
        #expect(bundle.run().ok)
        bundle.change("linux", ["resources": ["pids": ["limit": 2047]]])
        expectOneLine(bundle.run(), "cannot limit pids")
        let out = bundle.command(["run", bundle.id])
        var disabled = out
        disabled.words.insert(contentsOf: ["--cgroup-manager", "disabled"], at: disabled.words.count - 2)
        expectOneLine(disabled.run(), "cannot limit pids: cgroups are disabled")
        #expect(bundle.isClean)
    }

    @Test(.needs(.root), .enabled(if: CgroupTests.isUnified, "no cgroup v2 on this machine"))
    func cgroupsInUse() throws {
        try waiting([:]) { bundle, cgroup in
            let other = try RuntimeBundle()
            other.change("linux", ["cgroupsPath": String(cgroup.dropFirst(Self.mount.count))])
            expectOneLine(other.run(), "cgroup .*/inner is in use: it holds processes")
            for path in ["/", "/../outside"] {
                other.change("linux", ["cgroupsPath": path])
                expectOneLine(other.run(), "invalid cgroupsPath")
            }
            #expect(other.isClean)
            let state = bundle.runtime("state", bundle.id)
            #expect(state.out.contains(#""status": "running""#), "\(state)")
        }
    }

    // MARK: - Devices

    /// /dev/fuse is none of the devices that every container may use.
    @Test(.needs(.root), .enabled(if: access("/dev/fuse", F_OK) == 0, "no /dev/fuse"))
    func devicesAreFiltered() throws {
        let deny: [String: Any] = ["allow": false, "access": "rwm"]
        let fuse: [String: Any] = ["allow": true, "type": "c", "major": 10, "minor": 229, "access": "rw"]
        let cases: [([[String: Any]], Bool)] = [([], true), ([deny], false), ([deny, fuse], true)]
        for (rules, isAllowed) in cases {
            let bundle = try RuntimeBundle(.root, "echo > /dev/null && exec 3<> /dev/fuse && echo open")
            bundle.change(
                "linux",
                [
                    "resources": ["devices": rules],
                    "devices": [["path": "/dev/fuse", "type": "c", "major": 10, "minor": 229]],
                ])
            let out = bundle.run()
            #expect((out.text == "open") == isAllowed, "\(rules): \(out)")
            #expect(isAllowed || out.err.contains("Operation not permitted"), "\(out)")
            #expect(bundle.isClean)
        }
        try waiting(["devices": [deny]]) { bundle, _ in
            bundle.change("process", ["args": ["true"]])
            let changes = bundle.directory + "/changes.json"
            try Data(#"{"devices": [{"allow": true, "access": "rwm"}]}"#.utf8).write(to: URL(fileURLWithPath: changes))
            expectOneLine(
                bundle.runtime("update", "-r", changes, bundle.id), "device rules of a container cannot be changed")
            try Data(#"{"devices": [{"allow": false, "access": "rwm"}]}"#.utf8).write(to: URL(fileURLWithPath: changes))
            #expect(bundle.runtime("update", "-r", changes, bundle.id).ok, "callers pass on what they know")
        }
    }

    @Test(.needs(.program("ip")), .needs(.root)) func networkDevices() throws {
        let bundle = try RuntimeBundle(
            .root, "cat /proc/net/dev /proc/net/if_inet6; grep -c 10.9.8.7 /proc/net/fib_trie")
        bundle.change("linux", ["netDevices": ["v0": ["name": "inside0"]]])
        // In a network namespace of this test's own.
        let script =
            "ip link add v0 type veth peer name v1 && ip addr add 10.9.8.7/24 dev v0 && ip addr add fd00::7/64 dev v0 "
            + #"&& ip link set v0 up && "$@" && ip -o link show"#
        let before = ["unshare", "--net", "sh", "-ec", script, "sh"]
        let out = bundle.run(before: before)
        #expect(out.ok && out.out.contains("inside0:"), "\(out)")
        #expect(out.out.contains("fd000000000000000000000000000007"), "IPv6: \(out)")
        #expect(out.lines.contains("2") || out.lines.contains("3"), "IPv4, routed because it is up: \(out)")
        #expect(!out.lines.contains { $0.contains(": v0") }, "it has left: \(out)")
        bundle.change("linux", ["netDevices": ["nosuch0": [String: Any]()]])
        expectOneLine(bundle.run(before: before), "network interface nosuch0: no such device")
        bundle.change("linux", ["netDevices": ["v0": ["name": "a/b"]]])
        expectOneLine(bundle.run(before: before), "linux.netDevices: invalid name")
        bundle.change(
            "linux", ["netDevices": ["v0": [String: Any]()], "namespaces": [["type": "mount"], ["type": "pid"]]])
        expectOneLine(bundle.run(before: before), "linux.netDevices: the container has no network namespace of its own")
        #expect(bundle.isClean)
    }

    @Test(.enabled(if: access("/sys/fs/resctrl/schemata", F_OK) != 0, "resctrl is mounted"))
    func resourceControlIsAbsent() throws {
        let bundle = try RuntimeBundle()
        bundle.change("linux", ["intelRdt": ["closID": "gold", "schemata": ["L3:0=f"]]])
        expectOneLine(bundle.run(), "linux.intelRdt: the resctrl file system is not mounted")
        #expect(bundle.isClean)
    }

    // MARK: - Looking

    @Test(.needs(.root), .enabled(if: CgroupTests.isUnified, "no cgroup v2 on this machine"))
    func processesAndFigures() throws {
        try waiting([:]) { bundle, cgroup in
            let pid = content(cgroup + "/cgroup.procs")
            #expect(bundle.runtime("ps", "--format", "json", bundle.id).text == "[\(pid)]")
            #expect(
                bundle.runtime("ps", bundle.id).lines.map { $0.trimmingCharacters(in: .whitespaces) } == ["PID", pid])
            let listed = bundle.runtime("ps", bundle.id, "-eo", "pid,args")
            #expect(listed.lines.count == 2 && listed.out.contains("sleep 1000"), "\(listed)")
            #expect(bundle.runtime("ps", bundle.id, "-eo", "args").code == 1)
            let watch = try bundle.command(["events", "--interval", "50ms", bundle.id]).start()
            usleep(400_000)
            #expect(bundle.runtime("kill", bundle.id, "KILL").ok)
            let events = watch.finish()
            #expect(events.ok && events.lines.count > 2, "\(events)")
            for line in events.lines {
                let event = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                let cpu = (event?["data"] as? [String: Any])?["cpu"] as? [String: Any]
                #expect(event?["type"] as? String == "stats" && cpu?["usage"] != nil, "\(line)")
            }
        }
    }
}
