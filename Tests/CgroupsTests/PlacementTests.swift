import Cgroups
import Glibc
import LinuxKernel
import Testing

/// A directory that looks like a hierarchy; its files are ordinary ones.
final class FakeHierarchy {
    let root: String

    init() throws {
        root = "/tmp/swiftpod-cgroups-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try Directory.create(root)
    }

    deinit { try? Directory.removeTree(root) }

    func add(_ path: String, controllers: String, enabled: String = "", procs: String = "") throws -> Cgroup {
        let directory = root + path
        try Directory.create(directory)
        for (file, text) in [
            ("cgroup.controllers", controllers), ("cgroup.subtree_control", enabled), ("cgroup.procs", procs),
        ] {
            try File.writeAtomically(Array(text.utf8), to: directory + "/" + file)
        }
        return Cgroup(directory, mount: root)
    }
}

@Suite struct PlacementTests {
    @Test func findsTheKindOfHierarchy() throws {
        let fake = try FakeHierarchy()
        #expect(CgroupHierarchy.find(root: fake.root).kind == .absent)
        _ = try fake.add("/unified", controllers: "hugetlb")
        #expect(CgroupHierarchy.find(root: fake.root) == CgroupHierarchy(kind: .hybrid, mount: fake.root + "/unified"))
        _ = try fake.add("", controllers: "cpu memory")
        #expect(CgroupHierarchy.find(root: fake.root) == CgroupHierarchy(kind: .unified, mount: fake.root))
    }

    @Test(
        arguments: [
            ("0::/\n", "/"), ("4:memory:/x\n0::/user.slice/a b\n", "/user.slice/a b"), ("0::/../x\n", nil),
            ("0::/gone (deleted)\n", nil), ("4:memory:/x\n", nil), ("", nil),
        ] as [(String, String?)])
    func ownPath(_ text: String, _ path: String?) {
        #expect(CgroupHierarchy.unifiedPath(in: Array(text.utf8)) == path)
    }

    @Test func controllersOfV1() {
        let text =
            "#subsys_name\thierarchy\tnum_cgroups\tenabled\nmemory\t4\t1\t1\nblkio\t7\t1\t1\nhugetlb\t0\t1\t1\n"
        #expect(CgroupHierarchy.controllersOfV1(Array(text.utf8)) == ["memory", "io"])
    }

    @Test(.enabled(if: geteuid() != 0, "root may write everywhere"))
    func nearestWritableAncestor() throws {
        let fake = try FakeHierarchy()
        _ = try fake.add("", controllers: "cpu")
        let slice = try fake.add("/user.slice", controllers: "cpu")
        let session = try fake.add("/user.slice/session", controllers: "")
        #expect(CgroupPlacement.find(from: session)?.parent == session)
        chmod(session.path + "/cgroup.procs", 0o444)
        #expect(CgroupPlacement.find(from: session)?.parent == slice)
        chmod(slice.path + "/cgroup.procs", 0o444)
        chmod(fake.root + "/cgroup.procs", 0o444)
        #expect(CgroupPlacement.find(from: session) == nil)
    }

    @Test func usableControllers() throws {
        let fake = try FakeHierarchy()
        _ = try fake.add("", controllers: "cpu memory io")
        let slice = try fake.add("/slice", controllers: "cpu memory")
        let own = try fake.add("/slice/own", controllers: "cpu")
        let place = CgroupPlacement(parent: own, mayMoveProcesses: true)
        #expect(place.usableControllers == ["cpu", "memory", "io"])
        // From above nothing comes past a place that may not be written.
        #expect(unlink(slice.path + "/cgroup.subtree_control") == 0)
        #expect(place.usableControllers == ["cpu"])
    }

    @Test func ourOwnLeafIsNoPlace() throws {
        let fake = try FakeHierarchy()
        _ = try fake.add("", controllers: "")
        let own = try fake.add("/own", controllers: "")
        let leaf = try fake.add("/own/" + CgroupPlacement.supervisorName, controllers: "")
        #expect(CgroupPlacement.find(from: leaf)?.parent == own)
    }

    @Test func enablesControllersDownThePath() throws {
        let fake = try FakeHierarchy()
        let root = try fake.add("", controllers: "cpu memory pids", enabled: "cpu")
        let slice = try fake.add("/slice", controllers: "cpu")
        // The fake's files do not change by themselves: what is written is what is seen.
        try slice.delegate(["memory"], movingProcesses: false)
        #expect(root.read("cgroup.subtree_control") == "+memory")
        #expect(slice.read("cgroup.subtree_control") == "+memory")
    }

    @Test func namesWhatIsMissing() throws {
        let fake = try FakeHierarchy()
        let slice = try fake.add("", controllers: "cpu")
        #expect(throws: CgroupError.self) { try slice.delegate(["memory"], movingProcesses: false) }
        let v1 = Delegation(
            controllers: ["memory"], place: "/c/own", heldByV1: ["memory", "cpu"], hasSystemd: true, uid: 7)
        #expect(
            v1.error.description
                == "cannot limit memory: controller memory is mounted as cgroup v1; boot with the kernel parameter "
                + "systemd.unified_cgroup_hierarchy=1 (without systemd: cgroup_no_v1=all)")
        let user = Delegation(controllers: ["cpu"], place: "/c/own", heldByV1: [], hasSystemd: true, uid: 7)
        #expect(user.error.description.contains("user@.service.d/delegate.conf"))
        let plain = Delegation(controllers: ["cpu"], place: "/c/own", heldByV1: [], hasSystemd: false, uid: 7)
        #expect(plain.error.description.contains("echo '+cpu' > /c/cgroup.subtree_control; chown "))
    }

    /// systemd's line would not help where systemd does not know the controller.
    @Test func namesWhatSystemdDoesNotDelegate() {
        let own = "/sys/fs/cgroup/user.slice/user@7.service"
        let pages = Delegation(
            controllers: ["hugetlb", "cpu"], place: own, heldByV1: [], hasSystemd: true, uid: 7)
        #expect(
            pages.error.description.hasSuffix(
                "; systemd delegates no hugetlb: delegate as root: echo '+hugetlb' | tee "
                    + "/sys/fs/cgroup/cgroup.subtree_control /sys/fs/cgroup/user.slice/cgroup.subtree_control"))
    }

    /// A kernel with BFQ has its file whether or not a device uses it.
    @Test func aWishInTwoWordingsIsWrittenInBoth() throws {
        let fake = try FakeHierarchy()
        let cgroup = try fake.add("", controllers: "io")
        let weight = CgroupSetting("io.bfq.weight", "500", also: .init(file: "io.weight", value: "4950"))
        #expect(throws: CgroupError.self) { try cgroup.apply([weight]) }
        try File.writeAtomically([], to: cgroup.path + "/io.weight")
        #expect(try cgroup.apply([weight]) == [])
        #expect(cgroup.read("io.weight") == "4950" && cgroup.read("io.bfq.weight") == nil)
        try File.writeAtomically([], to: cgroup.path + "/io.bfq.weight")
        #expect(try cgroup.apply([weight]) == [])
        #expect(cgroup.read("io.bfq.weight") == "500")
    }

    @Test func parentsAreCheckedAndMade() throws {
        let fake = try FakeHierarchy()
        _ = try fake.add("", controllers: "")
        let hierarchy = CgroupHierarchy.find(root: fake.root)
        let found = try CgroupPlacement.find(in: hierarchy, asked: "/a/b", isRoot: true)
        #expect(found?.parent.path == fake.root + "/a/b")
        #expect(found?.parent.exists == true)
        for bad in ["/a/../../x", "a/./b", "/a\nb"] {
            #expect(throws: CgroupError.self) { try CgroupPlacement.find(in: hierarchy, asked: bad, isRoot: true) }
        }
    }

    @Test func namesDifferByStateDirectory() {
        let first = CgroupPlacement.name("c1", stateDirectory: "/run/a")
        #expect(first.hasPrefix("swiftpod-") && first.hasSuffix("-c1"))
        #expect(first != CgroupPlacement.name("c1", stateDirectory: "/run/b"))
        #expect(first == CgroupPlacement.name("c1", stateDirectory: "/run/a"))
    }

    @Test func pressure() throws {
        let text = "some avg10=1.50 avg60=0.20 avg300=0.03 total=77\nfull avg10=0.10 avg60=0.00 avg300=0.00 total=5"
        let pressure = try #require(CgroupStatistics.Pressure(parsing: text))
        #expect(pressure.some == (1.5, 0.2, 0.03) && pressure.someTotal == 77)
        #expect(pressure.full.ten == 0.1 && pressure.fullTotal == 5)
        #expect(CgroupStatistics.Pressure(parsing: "") == nil)
    }
}
