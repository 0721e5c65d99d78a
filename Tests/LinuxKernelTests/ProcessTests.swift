import Foundation
import LinuxKernel
import Testing

@Suite struct ProcessTests {
    @Test func namesAProcessByPidAndStart() throws {
        let me = try #require(ProcessIdentity(runningAs: getpid()))
        #expect(me.isRunning)
        #expect(!ProcessIdentity(pid: me.pid, startTime: me.startTime + 1).isRunning)
        switch try ProcessDescriptor.open(me) {
        case .some(let pidfd): #expect(pidfd.raw >= 0)
        case .none: Issue.record("no descriptor of a process that runs")
        }
    }

    @Test func readsStatOfAnOddName() {
        let stat = ProcessStat(parsing: Array("7 (a) b) S 3 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 99 10 11\n".utf8))
        #expect(stat?.state == UInt8(ascii: "S"))
        #expect(stat?.parent == 3)
        #expect(stat?.startTime == 99)
    }

    @Test(arguments: [
        (
            "ada:100000:65536\nbob:200000:1\n1000:5:6\n", "ada", 1000 as UInt32,
            [[100000, 65536], [5, 6]] as [[UInt32]]
        ),
        ("ada:x:1\nada:1\n:1:1\nada:4294967295:2\nada:3:0\n", "ada", 7, []),
        ("", "ada", 7, []),
    ])
    func parsesSubordinateRanges(text: String, user: String, uid: UInt32, expected: [[UInt32]]) {
        #expect(SubordinateIDs.parse(Array(text.utf8), user: user, uid: uid).map { [$0.start, $0.count] } == expected)
    }

    @Test(arguments: [("6.18.44-fc", 6, 18), ("5.11", 5, 11), ("6.1-rc3", 6, 1)])
    func parsesKernelVersions(release: String, major: Int, minor: Int) {
        #expect(KernelVersion(parsing: release) == KernelVersion(major, minor))
    }

    @Test func ordersKernelVersions() {
        #expect(KernelVersion(5, 11) < KernelVersion(6, 1))
        #expect(KernelVersion(6, 1) < KernelVersion(6, 16))
        #expect(KernelVersion.running >= KernelVersion(5, 0))
    }

    @Test func readsIDMaps() throws {
        #expect(
            IDMaps.parse(Array("         0       1000          1\n 1 300000 65536\n".utf8)) == [
                IDRange(inside: 0, outside: 1000, count: 1), IDRange(inside: 1, outside: 300000, count: 65536),
            ])
        #expect(IDMaps.text([IDRange(inside: 0, outside: 1, count: 2)]) == "0 1 2\n")
        #expect(try !IDMaps.read("uid_map").isEmpty)
    }

    @Test func deviceNumbersPackAsMknodWantsThem() {
        #expect(DeviceNumber(major: 1, minor: 3).packed == 0x103)
        #expect(DeviceNumber(major: 0x1fff, minor: 0x12345).packed == 0x1000_123f_ff45)
    }
}
