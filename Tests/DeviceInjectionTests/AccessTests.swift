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
