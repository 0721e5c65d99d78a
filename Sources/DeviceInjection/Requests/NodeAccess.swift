import Glibc
import LinuxKernel

/// Whether a container could open a device node, and if not, why.
public enum NodeAccess: Equatable, Sendable {
    case open
    /// Only as a member of a group that the caller has: the container has to keep the caller's groups.
    case throughGroup(UInt32)
    /// Not at all; the reason in words.
    case refused(String)

    /// Who asks, with the ids of the machine.
    public struct Caller: Equatable, Sendable {
        public var uid: UInt32
        /// The primary group first.
        public var groups: [UInt32]

        public init(uid: UInt32, groups: [UInt32]) {
            self.uid = uid
            self.groups = groups
        }
    }

    /// Asks the kernel, without opening the node: opening starts some devices. access(2) asks the device cgroup as well
    /// as the permissions, and tells them apart: EPERM and EACCES.
    public init(of path: String, access wanted: String, for caller: Caller) {
        var mode = F_OK
        if wanted.contains("r") { mode |= R_OK }
        if wanted.contains("w") { mode |= W_OK }
        let result = access(path, mode)
        let code = errno
        self.init(
            result == 0 ? 0 : code, status: try? FileStatus(path, following: true), mode: mode, caller: caller)
        if result == 0, Self.hasNoDevices(path) {
            self = .refused("its file system is mounted nodev")
        }
    }

    /// By what the kernel said.
    package init(_ code: Int32, status: FileStatus?, mode: Int32, caller: Caller) {
        switch code {
        case 0:
            // Real root is asked for nothing.
            guard let status, caller.uid != 0 else {
                self = .open
                return
            }
            let bits = UInt32(mode)
            if status.permissions & bits == bits || status.uid == caller.uid && status.permissions >> 6 & bits == bits {
                self = .open
            } else {
                // Or by an access list, whose entries may be for groups as well.
                self = .throughGroup(status.gid)
            }
        case EPERM:
            self = .refused(
                "the device cgroup of whoever started this does not allow it: it has to be given the device itself")
        case EACCES:
            var reason = "permission denied"
            if let status {
                let mode = String(status.permissions, radix: 8)
                reason += " (mode \(mode), owner \(status.uid), group \(status.gid)"
                let isGroups = status.permissions & 0o60 == 0o60 && !caller.groups.contains(status.gid)
                reason += isGroups ? "; members of that group may open it)" : ")"
            }
            self = .refused(reason)
        default:
            self = .refused(SyscallError.reason(code))
        }
    }

    private static func hasNoDevices(_ path: String) -> Bool {
        var status = statvfs()
        let noDevices: UInt = 4
        return statvfs(path, &status) == 0 && UInt(status.f_flag) & noDevices != 0
    }
}
