import DeviceInjection
import Foundation
import LinuxKernel
import Testing

/// Who may open a node. The kernel is asked; here are its answers.
@Suite struct AccessTests {
    @Test("a node for everybody") func everybody() {
        #expect(NodeAccess(of: "/dev/null", access: "rwm", for: .init(uid: 1000, groups: [1000])) == .open)
    }

    @Test("one that is not there") func missing() {
        #expect(
            NodeAccess(of: "/dev/nonexistent", access: "rw", for: .init(uid: 0, groups: []))
                == .refused("no such file or directory"))
    }

    @Test("one of a group", .enabled(if: geteuid() == 0, "needs root, for a device node")) func group() {
        let path = FakeMachine.fresh() + "/node"
        mknod(path, S_IFCHR | 0o660, 0x103)
        chmod(path, 0o660)
        chown(path, 0, 4242)
        // Root is asked for nothing; as root the kernel agrees to all, so that the rest is by mode and ids.
        #expect(NodeAccess(of: path, access: "rw", for: .init(uid: 0, groups: [0])) == .open)
        #expect(NodeAccess(of: path, access: "rw", for: .init(uid: 1000, groups: [1000, 4242])) == .throughGroup(4242))
    }

    @Test(
        "seen from a user namespace: the machine's ids, or none", .enabled(if: geteuid() == 0, "needs root, to chown"))
    func namespaces() throws {
        let path = FakeMachine.fresh() + "/file"
        func refusal(_ uid: UInt32, _ gid: UInt32, groups: [UInt32] = [1000]) throws -> String {
            try #require(FileManager.default.createFile(atPath: path, contents: nil))
            chown(path, uid, gid)
            chmod(path, 0o660)
            // A keeper's: the caller is root, his subordinate ids follow.
            let map = [
                IDRange(inside: 0, outside: 1000, count: 1), IDRange(inside: 1, outside: 100_000, count: 65_536),
            ]
            let caller = NodeAccess.Caller(uid: 1000, groups: groups, userMap: map, groupMap: map)
            let access = NodeAccess(EACCES, status: try FileStatus(path), mode: R_OK, caller: caller)
            guard case .refused(let reason) = access else { throw CancellationError() }
            return reason
        }
        #expect(
            try refusal(65534, 65534)
                == "permission denied (mode 660; ls -l shows its owner and group, which have no number in this user namespace)"
        )
        #expect(
            try refusal(11, 12)
                == "permission denied (mode 660, owner 100010, group 100011; members of that group may open it)")
        #expect(try refusal(0, 12, groups: [100_011]) == "permission denied (mode 660, owner 1000, group 100011)")
    }

    static let answers: [(Int32, UInt32, String)] = [
        (EPERM, 0o666, "the device cgroup of whoever started this does not allow it"),
        (EACCES, 0o660, "permission denied (mode 660, owner 0, group 4242; members of that group may open it)"),
        (EACCES, 0o600, "permission denied (mode 600, owner 0, group 4242)"),
    ]

    @Test("refusals say why", .enabled(if: geteuid() == 0, "needs root, for a device node"), arguments: answers)
    func refused(_ code: Int32, _ mode: UInt32, _ words: String) throws {
        let path = FakeMachine.fresh() + "/node"
        mknod(path, S_IFCHR | 0o600, 0x103)
        chown(path, 0, 4242)
        chmod(path, mode_t(mode))
        let status = try FileStatus(path)
        guard
            case .refused(let reason) = NodeAccess(
                code, status: status, mode: R_OK | W_OK, caller: .init(uid: 1000, groups: [1000]))
        else { throw CancellationError() }
        #expect(reason.hasPrefix(words), "\(reason)")
    }
}
