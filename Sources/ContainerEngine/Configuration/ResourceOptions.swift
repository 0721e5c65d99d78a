/// `--memory`, `--cpus`, `--pids-limit` and their kin: what a container may use at most. nil is "not said".
public struct ResourceOptions: Equatable, Sendable {
    /// Bytes; -1 is no limit, as for the two after it.
    public var memory: Int64?
    public var memoryReservation: Int64?
    /// Memory and swap together, as podman counts; twice `memory` where only that is said.
    public var memorySwap: Int64?
    /// Relative to 1024.
    public var cpuShares: UInt64?
    /// Billionths of a processor: 500 000 000 is half of one. Excludes the two after it.
    public var nanoCPUs: Int64?
    /// Microseconds of processor time in each period.
    public var cpuQuota: Int64?
    public var cpuPeriod: UInt64?
    /// Processors and memory nodes, as `0-3,5`.
    public var cpusetCPUs: String?
    public var cpusetMemories: String?
    /// 0 and -1 are no limit; podman's default is 2048.
    public var pidsLimit: Int64?
    /// 10 to 1000.
    public var blockWeight: UInt64?
    public var blockWeights: [BlockDevice] = []
    public var blockRates: [BlockRate: [BlockDevice]] = [:]
    /// `--cgroup-conf`: files of cgroup v2 and what is written to them.
    public var unified: [String: String] = [:]
    /// `--device-cgroup-rule`: `c 189:* rwm`.
    public var deviceRules: [String] = []
    /// An OOM kill takes the whole container, not one process of it (`memory.oom.group`): for workers.
    public var endsAsWhole: Bool = false

    public init() {}

    /// A block device of the host by its path, and a weight or a rate.
    public struct BlockDevice: Equatable, Sendable {
        public var path: String
        public var value: UInt64

        public init(path: String, value: UInt64) {
            self.path = path
            self.value = value
        }
    }

    /// `--device-read-bps` and the three like it, by the specification's name.
    public enum BlockRate: String, Hashable, Sendable, CaseIterable {
        case readBytes = "throttleReadBpsDevice"
        case writeBytes = "throttleWriteBpsDevice"
        case readOperations = "throttleReadIOPSDevice"
        case writeOperations = "throttleWriteIOPSDevice"
    }
}

/// `--cgroups`.
public enum CgroupMode: String, Equatable, Sendable, CaseIterable {
    case enabled
    /// None of its own: it runs in the caller's.
    case disabled
    /// Below the caller's own, whose processes move to a leaf beside it.
    case split
    /// The supervisor stays where the caller is, which it does anyway.
    case noConmon = "no-conmon"
}
