import OCISpec

/// What the specification depends on besides the request: who asks, on which machine, with which limits. A value, so
/// that the rules can be tried against any caller; ``gather()`` reads the real one.
public struct CallerFacts: Equatable, Sendable {
    /// The caller's own ids, as outside of any keeper.
    public var uid: UInt32 = 0
    public var gid: UInt32 = 0
    /// From the host's passwd file; empty where it has no entry.
    public var userName: String = ""
    public var gecos: String = ""
    public var home: String = ""
    /// The name of `gid`; empty where the host's group file has none.
    public var groupName: String = ""
    /// Supplementary groups, for `keep-groups`.
    public var groups: [UInt32] = []
    /// Not the real root: containers get a user namespace.
    public var isRootless: Bool = false
    /// The maps of the namespace that containers are launched from: the keeper's when rootless (one range of one id
    /// where there are no subordinate ids), the machine's own as root. A container's map must keep to its ranges.
    public var uidMap: [RuntimeSpec.IDMapping] = [RuntimeSpec.IDMapping(containerID: 0, hostID: 0, size: .max)]
    public var gidMap: [RuntimeSpec.IDMapping] = [RuntimeSpec.IDMapping(containerID: 0, hostID: 0, size: .max)]
    /// Root: the ranges that `--userns=auto` draws from, `hostID` as on the host.
    public var automaticUIDs: [RuntimeSpec.IDMapping] = []
    public var automaticGIDs: [RuntimeSpec.IDMapping] = []
    /// `NAME=VALUE`.
    public var environment: [String] = []
    public var hostname: String = ""
    /// The bounding set, names as `CAP_CHOWN`.
    public var boundingCapabilities: [String] = []
    /// The limits that the caller runs under.
    public var rlimits: [RuntimeSpec.ResourceLimit] = []
    /// CAP_SYS_RESOURCE of the machine is held, so limits can be raised.
    public var mayRaiseLimits: Bool = false
    /// oom_score_adj(5) of the caller, which an unprivileged process cannot go below.
    public var oomScoreAdjustment: Int = 0
    /// The machine has the unified hierarchy, so a cgroup namespace shows something of use.
    public var unifiedCgroups: Bool = true

    public init() {}

    /// Real root or root of a container: the latter makes no device nodes.
    public var isInUserNamespace: Bool {
        isRootless || uidMap != [RuntimeSpec.IDMapping(containerID: 0, hostID: 0, size: .max)]
    }

    /// How many ids the launching namespace maps; they run from 0 up.
    public var uidCount: UInt32 { uidMap.map { $0.containerID + $0.size }.max() ?? 0 }
    public var gidCount: UInt32 { gidMap.map { $0.containerID + $0.size }.max() ?? 0 }

    /// A variable of the caller's environment.
    public func variable(_ name: String) -> String? {
        let prefix = name + "="
        return environment.first { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
    }
}
