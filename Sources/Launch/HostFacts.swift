import CShims
import Glibc
import LinuxKernel

/// What a plan depends on beside the specification: facts of this machine and this process. The planner asks nobody.
public struct HostFacts: Equatable, Sendable {
    public var kernel: KernelVersion
    /// This process is not in the machine's first user namespace: device nodes can be bound only, not made.
    public var inUserNamespace: Bool
    /// This process's permitted capabilities, bit by number.
    public var capabilities: UInt64
    /// The highest capability that the kernel knows.
    public var lastCapability: UInt32
    /// setgroups(2) is not denied in this process's user namespace.
    public var setgroupsAllowed: Bool

    public init(
        kernel: KernelVersion, inUserNamespace: Bool, capabilities: UInt64, lastCapability: UInt32,
        setgroupsAllowed: Bool
    ) {
        self.kernel = kernel
        self.inUserNamespace = inUserNamespace
        self.capabilities = capabilities
        self.lastCapability = lastCapability
        self.setgroupsAllowed = setgroupsAllowed
    }

    /// The facts of this process now; ask again after entering another user namespace.
    public static func gather() -> HostFacts {
        let map = (try? IDMaps.read("uid_map")) ?? []
        let setgroups = (try? File.readIfPresent("/proc/self/setgroups", limit: 16)) ?? nil
        var last: UInt32 = 0
        while last < 63, swiftpod_prctl(PR_CAPBSET_READ, UInt(last + 1), 0, 0, 0) >= 0 { last += 1 }
        return HostFacts(
            kernel: .running,
            inUserNamespace: map != [IDRange(inside: 0, outside: 0, count: .max)],
            capabilities: swiftpod_permitted_capabilities(), lastCapability: last,
            setgroupsAllowed: setgroups.map { !$0.starts(with: "deny".utf8) } ?? true)
    }

    /// Whether this process may mount and make device nodes: it has CAP_SYS_ADMIN and CAP_MKNOD.
    var makesNodes: Bool { capabilities & 0x820_0000 == 0x820_0000 }

    /// Whether this process may write any id map of its children: it has CAP_SETUID and CAP_SETGID.
    var writesAnyMap: Bool { capabilities & 0xc0 == 0xc0 }
}
