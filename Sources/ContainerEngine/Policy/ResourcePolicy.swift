import Cgroups
import LinuxKernel
import OCISpec

/// podman's limits as `linux.resources`, and which of them it takes.
package enum ResourcePolicy {
    /// Enough for any server, and a fork bomb ends before the machine does.
    package static let processLimit: Int64 = 2048

    /// - Parameter isNew: podman's defaults count; an update sets what it names and nothing else.
    package static func resources(_ options: ResourceOptions, isNew: Bool) throws(EngineError) -> JSON {
        var members: [JSON.Member] = []
        func add(_ name: String, _ part: JSON) {
            if part.members?.isEmpty == false { members.append(JSON.Member(name, part)) }
        }
        add("memory", try memory(options))
        add("cpu", try cpu(options))
        add("blockIO", try blockIO(options))
        let processes = options.pidsLimit ?? (isNew ? processLimit : nil)
        if let processes, processes > 0 || !isNew {
            add("pids", JSON(members: ["limit": .integer(processes > 0 ? processes : -1)]))
        }
        var unified = options.unified
        if options.endsAsWhole, unified["memory.oom.group"] == nil { unified["memory.oom.group"] = "1" }
        add("unified", .object(unified.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .string($0.value)) }))
        return .object(members)
    }

    private static func memory(_ options: ResourceOptions) throws(EngineError) -> JSON {
        var swap = options.memorySwap
        if let limit = options.memory, limit > 0, swap == nil {
            let (twice, overflow) = limit.multipliedReportingOverflow(by: 2)
            swap = overflow ? -1 : twice
        }
        return JSON(members: [
            "limit": options.memory?.json, "reservation": options.memoryReservation?.json, "swap": swap?.json,
        ])
    }

    private static func cpu(_ options: ResourceOptions) throws(EngineError) -> JSON {
        var (quota, period) = (options.cpuQuota, options.cpuPeriod)
        if let nano = options.nanoCPUs, nano > 0 {
            guard quota == nil else { throw EngineError(.invalid, "--cpu-quota and --cpus cannot be set together") }
            guard period == nil else { throw EngineError(.invalid, "--cpu-period and --cpus cannot be set together") }
            (quota, period) = (nano / 10_000, 100_000)
        }
        return JSON(members: [
            "shares": options.cpuShares?.json, "quota": quota?.json, "period": period?.json,
            "cpus": options.cpusetCPUs.map(JSON.string), "mems": options.cpusetMemories.map(JSON.string),
        ])
    }

    private static func blockIO(_ options: ResourceOptions) throws(EngineError) -> JSON {
        func checked(_ weight: UInt64) throws(EngineError) -> UInt64 {
            guard (10...1000).contains(weight) else {
                throw EngineError(.invalid, "range of blkio weight is from 10 to 1000: \(weight)")
            }
            return weight
        }
        var members: [JSON.Member] = []
        if let weight = options.blockWeight { members.append(.init("weight", try checked(weight).json)) }
        if !options.blockWeights.isEmpty {
            var list: [JSON] = []
            for device in options.blockWeights {
                list.append(try entry(device, "weight", try checked(device.value)))
            }
            members.append(.init("weightDevice", .array(list)))
        }
        for kind in ResourceOptions.BlockRate.allCases {
            guard let devices = options.blockRates[kind], !devices.isEmpty else { continue }
            var list: [JSON] = []
            for device in devices { list.append(try entry(device, "rate", device.value)) }
            members.append(.init(kind.rawValue, .array(list)))
        }
        return .object(members)
    }

    private static func entry(
        _ device: ResourceOptions.BlockDevice, _ name: String, _ value: UInt64
    ) throws(EngineError) -> JSON {
        let status: FileStatus
        do {
            status = try FileStatus(device.path, following: true)
        } catch {
            throw EngineError(
                .notFound, "stat \(device.path): \(SyscallError.reason(error.errno))", cause: error)
        }
        guard status.mode & 0o170000 == 0o060000 else {
            throw EngineError(.invalid, "\(device.path) is not a block device")
        }
        return JSON(members: [
            "major": status.special.major.json, "minor": status.special.minor.json, name: value.json,
        ])
    }

    /// `--device-cgroup-rule`, in the specification's form.
    package static func deviceRules(_ options: ResourceOptions) throws(EngineError) -> [JSON] {
        var rules: [JSON] = []
        for text in options.deviceRules {
            do { rules.append(try DeviceRule(parsing: text).json) } catch { throw EngineError(error) }
        }
        return rules
    }

    /// What every container may do with the devices that it has anyway, whatever its rules say: the runtimes' own list.
    package static let standardDevices: [DeviceRule] = [
        DeviceRule(allows: true, .character, access: .make),
        DeviceRule(allows: true, .block, access: .make),
        // null, zero, full, random, urandom; tty, console, ptmx; the terminals of /dev/pts; tun.
        DeviceRule(allows: true, .character, major: 1, minor: 3),
        DeviceRule(allows: true, .character, major: 1, minor: 5),
        DeviceRule(allows: true, .character, major: 1, minor: 7),
        DeviceRule(allows: true, .character, major: 1, minor: 8),
        DeviceRule(allows: true, .character, major: 1, minor: 9),
        DeviceRule(allows: true, .character, major: 5, minor: 0),
        DeviceRule(allows: true, .character, major: 5, minor: 1),
        DeviceRule(allows: true, .character, major: 5, minor: 2),
        DeviceRule(allows: true, .character, major: 136),
        DeviceRule(allows: true, .character, major: 10, minor: 200),
    ]

    /// Members of the first win, one level down: an update of the memory's limit leaves its reservation.
    package static func merge(_ changes: JSON, over base: JSON) -> JSON {
        var members = base.members ?? []
        for change in changes.members ?? [] {
            guard let index = members.firstIndex(where: { $0.name == change.name }) else {
                members.append(change)
                continue
            }
            if change.value.members != nil, members[index].value.members != nil {
                members[index].value = merge(change.value, over: members[index].value)
            } else {
                members[index].value = change.value
            }
        }
        return .object(members)
    }

    // MARK: - Who may ask for what

    /// Combinations that podman refuses before anything is made.
    package static func validate(_ request: ContainerConfiguration, isRootless: Bool) throws(EngineError) {
        let options = request.resources
        _ = try resources(options, isNew: true)
        if let parent = request.cgroupParent, !parent.isEmpty {
            if request.cgroupManager == .cgroupfs, parent.hasSuffix(".slice") {
                throw EngineError(
                    .invalid, "systemd slice received as cgroup parent when using cgroupfs: invalid argument")
            }
            if request.cgroupManager == .systemd, !parent.hasSuffix(".slice") {
                throw EngineError(
                    .invalid,
                    "did not receive systemd slice as cgroup parent when using systemd to manage cgroups: "
                        + "invalid argument")
            }
        }
        if request.cgroups == .disabled, options != ResourceOptions() {
            throw EngineError(.invalid, "cannot set resource limits when cgroups are disabled")
        }
        if isRootless, !options.deviceRules.isEmpty {
            throw EngineError(
                .unsupported, "device cgroup rules are not supported in rootless mode or in a user namespace")
        }
        for text in options.deviceRules {
            do { _ = try DeviceRule(parsing: text) } catch { throw EngineError(error) }
        }
    }

    /// Where podman goes on without the limits that it was asked for, we do so too, and say so: an unprivileged user's
    /// where v1 holds the controllers, and where the cgroupfs manager was asked for, which has nothing to ask for a
    /// delegation (Ray's worker line), and no systemd can do it instead.
    package static func goesOnWithoutLimits(
        isRootless: Bool, _ kind: CgroupHierarchy.Kind, _ manager: ContainerConfiguration.CgroupManager?
    ) -> Bool {
        isRootless && (kind != .unified || manager == .cgroupfs)
    }

    /// podman's words for the first of these cases; the reason follows in ours.
    package static func ignored(_ kind: CgroupHierarchy.Kind, _ reason: CgroupError) -> String {
        kind == .unified
            ? "resource limits are ignored: \(reason)"
            : "Resource limits are not supported and ignored on cgroups V1 rootless systems"
    }
}

extension EngineError {
    package init(_ error: CgroupError) {
        let code: Code =
            switch error.kind {
            case .invalid: .invalid
            case .unsupported: .unsupported
            case .notDelegated: .permission
            case .failed: .failed
            }
        self.init(code, error.description, cause: error)
    }
}
