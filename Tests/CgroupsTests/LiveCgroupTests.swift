import Cgroups
import Glibc
import LinuxKernel
import Testing

/// With the machine's own hierarchy, where this process may make cgroups in it.
@Suite(.serialized) struct LiveCgroupTests {
    static let place: CgroupPlacement? = try? CgroupPlacement.find(in: .find(), isRoot: geteuid() == 0)
    static var mayMake: Bool { place?.parent.isWritable ?? false }

    private func make(_ name: String) throws -> Cgroup {
        let place = try #require(LiveCgroupTests.place)
        return try place.make("swiftpod-test-\(name)-\(getpid())", []).cgroup
    }

    /// A shell that moves itself there first. posix_spawn: this process has threads.
    private func spawn(_ script: String, in cgroup: Cgroup) throws -> Int32 {
        var pid: pid_t = 0
        var words: [UnsafeMutablePointer<CChar>?] = [
            strdup("sh"), strdup("-c"), strdup("echo $$ > \(cgroup.path)/cgroup.procs; \(script)"), nil,
        ]
        defer { for word in words { free(word) } }
        #expect(posix_spawn(&pid, "/bin/sh", nil, nil, &words, nil) == 0)
        for _ in 0..<200 where cgroup.processes().isEmpty { usleep(5000) }
        return pid
    }

    @Test(.enabled(if: mayMake, "no cgroup that this user may write"))
    func killsDoubleForks() throws {
        let cgroup = try make("kill")
        defer { cgroup.remove() }
        let pid = try spawn("(setsid sleep 1000 & setsid sleep 1000 &); sleep 1000", in: cgroup)
        for _ in 0..<100 where cgroup.processes().count < 4 { usleep(20_000) }
        #expect(cgroup.processes().count == 4)
        cgroup.kill()
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        for _ in 0..<100 where !cgroup.isEmpty { usleep(10_000) }
        #expect(cgroup.isEmpty)
        #expect(status & 0x7f == SIGKILL)
    }

    @Test(.enabled(if: mayMake, "no cgroup that this user may write"))
    func freezesAndThaws() throws {
        let cgroup = try make("freeze")
        defer { cgroup.remove() }
        let pid = try spawn("while :; do :; done", in: cgroup)
        usleep(50_000)
        try cgroup.freeze()
        #expect(cgroup.isFrozen)
        let before = cgroup.statistics().cpuTime ?? 0
        usleep(200_000)
        #expect((cgroup.statistics().cpuTime ?? 0) - before < 1000)
        try cgroup.thaw()
        #expect(!cgroup.isFrozen)
        for _ in 0..<100 where (cgroup.statistics().cpuTime ?? 0) - before < 1000 { usleep(20_000) }
        #expect((cgroup.statistics().cpuTime ?? 0) > before)
        cgroup.kill()
        var status: Int32 = 0
        waitpid(pid, &status, 0)
    }

    @Test(.enabled(if: mayMake && geteuid() == 0, "device filters are root's"))
    func filtersDevices() throws {
        let cgroup = try make("devices")
        defer { cgroup.remove() }
        let filter = try #require(
            DeviceFilter([
                DeviceRule(allows: false), DeviceRule(allows: true, .character, major: 1, minor: 5, access: .read),
            ]))
        let directory = try cgroup.open()
        try filter.attach(to: directory.raw)
        let pid = try spawn("true < /dev/zero || exit 1; true < /dev/urandom && exit 2; exit 7", in: cgroup)
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        #expect(status >> 8 & 0xff == 7)
    }

    @Test(.enabled(if: mayMake, "no cgroup that this user may write"))
    func removesWhatIsBelow() throws {
        let cgroup = try make("tree")
        try cgroup.child("a").create()
        try cgroup.child("a").child("b").create()
        let pid = try spawn("sleep 1000; :", in: cgroup.child("a").child("b"))
        // A zombie is in no cgroup, so nobody needs to reap meanwhile.
        cgroup.remove()
        #expect(!cgroup.exists)
        var status: Int32 = 0
        waitpid(pid, &status, 0)
    }
}
