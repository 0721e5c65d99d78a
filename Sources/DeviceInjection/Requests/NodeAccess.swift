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
        /// The maps of the user namespace that the nodes are looked at from; empty for the machine's own.
        public var userMap: [IDRange]
        public var groupMap: [IDRange]

        public init(uid: UInt32, groups: [UInt32], userMap: [IDRange] = [], groupMap: [IDRange] = []) {
            self.uid = uid
            self.groups = groups
            self.userMap = userMap
            self.groupMap = groupMap
        }

        /// The machine's number of an id as it is seen from here; nil for what the namespace has no number for. stat(2)
        /// calls that 65534, which may be a number of the namespace's too, but hardly a device's owner.
        static func onMachine(_ id: UInt32, _ map: [IDRange]) -> UInt32? {
            if map.isEmpty || map == [IDRange(inside: 0, outside: 0, count: .max)] { return id }
            if id == 65534 { return nil }
            return map.first { $0.inside <= id && id - $0.inside < $0.count }.map { $0.outside + (id - $0.inside) }
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
            let isOwner = Caller.onMachine(status.uid, caller.userMap) == caller.uid
            if status.permissions & bits == bits || isOwner && status.permissions >> 6 & bits == bits {
                self = .open
            } else {
                // Or by an access list, whose entries may be for groups as well.
                self = .throughGroup(status.gid)
            }
        case EPERM:
            self = .refused(
                "the device cgroup of whoever started this does not allow it: it has to be given the device itself")
        case EACCES:
            self = .refused("permission denied" + (status.map { Self.owners(of: $0, caller) } ?? ""))
        default:
            self = .refused(SyscallError.reason(code))
        }
    }

    private static func owners(of node: FileStatus, _ caller: Caller) -> String {
        let mode = String(node.permissions, radix: 8)
        let owner = Caller.onMachine(node.uid, caller.userMap)
        let group = Caller.onMachine(node.gid, caller.groupMap)
        guard owner != nil || group != nil else {
            return " (mode \(mode); ls -l shows its owner and group, which have no number in this user namespace)"
        }
        func word(_ id: UInt32?) -> String { id.map(String.init) ?? "without a number in this user namespace" }
        let isGroups = node.permissions & 0o60 == 0o60 && group.map { !caller.groups.contains($0) } ?? false
        return " (mode \(mode), owner \(word(owner)), group \(word(group))"
            + (isGroups ? "; members of that group may open it)" : ")")
    }

    private static func hasNoDevices(_ path: String) -> Bool {
        var status = statvfs()
        let noDevices: UInt = 4
        return statvfs(path, &status) == 0 && UInt(status.f_flag) & noDevices != 0
    }
}
