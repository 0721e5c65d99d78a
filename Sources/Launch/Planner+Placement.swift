import CShims
import Glibc
import LinuxKernel
import OCISpec

/// Where and how a process runs on the machine: scheduling, memory nodes, personality, keyring, labels.
extension Planner {
    /// For the container's first process.
    mutating func planPlacement(_ process: RuntimeSpec.Process, _ linux: RuntimeSpec.Linux) throws(PlanError) {
        // By the launcher: a user namespace of its own gives no right over the machine's processors.
        let calls = try planScheduling(process)
        if !calls.isEmpty, !options.moments.contains(.created), plan.maps == nil {
            for call in calls { add(.call(call)) }
        } else {
            plan.calls = calls
        }
        if let call = try Planner.memoryPolicy(linux.memoryPolicy) { add(.call(call)) }
        if let call = try Planner.personality(linux.personality) { add(.call(call)) }
        planKeyring()
        try planLabels(process)
    }

    /// A session keyring of the container's own: the caller's is not for it.
    mutating func planKeyring() {
        guard let name = options.keyring else { return }
        // Kernels without keys, sandboxes that forbid them, and callers that have as many as they may.
        add(
            .call(
                SystemCall(
                    purpose: "make session keyring \(name)", number: SWIFTPOD_SYS_KEYCTL,
                    arguments: [.value(1), .bytes(Array(name.utf8) + [0])])),
            tolerating: [ENOSYS, EPERM, EDQUOT, EACCES])
    }

    /// Labels hold from the exec on. A kernel without the module has no such file, or refuses.
    mutating func planLabels(_ process: RuntimeSpec.Process) throws(PlanError) {
        if let profile = process.apparmorProfile, !profile.isEmpty {
            write("exec \(profile)", to: "self/attr/apparmor/exec")
        }
        if let label = process.selinuxLabel, !label.isEmpty { write(label, to: "self/attr/exec") }
    }

    /// `scheduler` and `ioPriority`, for the process that the launcher names or the caller itself.
    func planScheduling(_ process: RuntimeSpec.Process) throws(PlanError) -> [SystemCall] {
        var calls: [SystemCall] = []
        do throws(DocumentError) {
            if let json = process.ioPriority { calls.append(try Planner.ioPriority(json)) }
            if let json = process.scheduler { calls.append(try Planner.scheduler(json)) }
        } catch {
            throw PlanError("process.\(error)")
        }
        return calls
    }

    private static func ioPriority(_ json: JSON) throws(DocumentError) -> SystemCall {
        let name: String = try json.required("class")
        let classes = ["IOPRIO_CLASS_NONE", "IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE"]
        guard let number = classes.firstIndex(of: name) else {
            throw DocumentError(path: "ioPriority.class", reason: "is \(name), which is none")
        }
        let priority: UInt32 = try json.optional("priority") ?? 0
        guard priority <= 7 else { throw DocumentError(path: "ioPriority.priority", reason: "is not 0 to 7") }
        return SystemCall(
            purpose: "set I/O priority \(name):\(priority)", number: SWIFTPOD_SYS_IOPRIO_SET,
            arguments: [.value(1), .process, .value(UInt64(number) << 13 | UInt64(priority))])
    }

    /// struct sched_attr of sched_setattr(2), its first version.
    private static func scheduler(_ json: JSON) throws(DocumentError) -> SystemCall {
        let name: String = try json.required("policy")
        let policies: [String: UInt32] = [
            "SCHED_OTHER": 0, "SCHED_FIFO": 1, "SCHED_RR": 2, "SCHED_BATCH": 3, "SCHED_ISO": 4, "SCHED_IDLE": 5,
            "SCHED_DEADLINE": 6,
        ]
        guard let policy = policies[name] else {
            throw DocumentError(path: "scheduler.policy", reason: "is \(name), which is none")
        }
        let flagBits: [String: UInt64] = [
            "SCHED_FLAG_RESET_ON_FORK": 0x01, "SCHED_FLAG_RECLAIM": 0x02, "SCHED_FLAG_DL_OVERRUN": 0x04,
            "SCHED_FLAG_KEEP_POLICY": 0x08, "SCHED_FLAG_KEEP_PARAMS": 0x10, "SCHED_FLAG_UTIL_CLAMP_MIN": 0x20,
            "SCHED_FLAG_UTIL_CLAMP_MAX": 0x40,
        ]
        var flags: UInt64 = 0
        let words: [String] = try json.list("flags")
        for word in words {
            guard let bit = flagBits[word] else {
                throw DocumentError(path: "scheduler.flags", reason: "has \(word), which is none")
            }
            flags |= bit
        }
        let nice: Int32 = try json.optional("nice") ?? 0
        let priority: Int32 = try json.optional("priority") ?? 0
        let times: [UInt64] = [
            try json.optional("runtime") ?? 0, try json.optional("deadline") ?? 0, try json.optional("period") ?? 0,
        ]
        if policy == 6 {
            for (index, what) in ["runtime", "deadline"].enumerated() where times[index] == 0 {
                throw DocumentError(path: "scheduler.\(what)", reason: "is missing, and SCHED_DEADLINE needs it")
            }
        }
        var bytes: [UInt8] = []
        func put(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value) { bytes += $0 } }
        put(UInt32(48))
        put(policy)
        put(flags)
        put(nice)
        put(priority)
        for time in times { put(time) }
        return SystemCall(
            purpose: "set scheduler \(name)", number: SWIFTPOD_SYS_SCHED_SETATTR,
            arguments: [.process, .bytes(bytes), .value(0)])
    }

    /// `execCPUAffinity`: the processors before the process joins the container, planned here, and those after.
    mutating func planAffinity(_ process: RuntimeSpec.Process) throws(PlanError) -> SystemCall? {
        guard let json = process.execCPUAffinity else { return nil }
        func call(_ list: String) throws(PlanError) -> SystemCall {
            SystemCall(
                purpose: "run on processors \(list)", number: SWIFTPOD_SYS_SCHED_SETAFFINITY,
                arguments: [.value(0), .value(128), .bytes(try Planner.mask(list, bytes: 128, "execCPUAffinity"))])
        }
        let lists: (initial: String?, final: String?)
        do throws(DocumentError) {
            lists = (try json.optional("initial"), try json.optional("final"))
        } catch {
            throw PlanError("process.execCPUAffinity.\(error)")
        }
        if let list = lists.initial, !list.isEmpty { add(.call(try call(list))) }
        guard let list = lists.final, !list.isEmpty else { return nil }
        return try call(list)
    }

    /// `0-3,7` as bits.
    private static func mask(_ list: String, bytes: Int, _ what: String) throws(PlanError) -> [UInt8] {
        var bits = [UInt8](repeating: 0, count: bytes)
        for part in list.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { word -> Int? in
                Int(word.filter { $0 != " " })
            }
            guard let first = ends[0], let last = ends.count == 1 ? first : ends.last ?? nil, ends.count <= 2,
                first >= 0, first <= last, last < bytes * 8
            else { throw PlanError("\(what): \(list) is no list of numbers") }
            for bit in first...last { bits[bit / 8] |= 1 << UInt8(bit % 8) }
        }
        return bits
    }

    /// set_mempolicy(2).
    private static func memoryPolicy(_ json: JSON?) throws(PlanError) -> SystemCall? {
        guard let json else { return nil }
        do throws(DocumentError) {
            let name: String = try json.required("mode")
            let modes = [
                "MPOL_DEFAULT", "MPOL_PREFERRED", "MPOL_BIND", "MPOL_INTERLEAVE", "MPOL_LOCAL", "MPOL_PREFERRED_MANY",
                "MPOL_WEIGHTED_INTERLEAVE",
            ]
            guard let number = modes.firstIndex(of: name) else {
                throw DocumentError(path: "mode", reason: "is \(name), which is none")
            }
            var mode = UInt64(number)
            let flags: [String] = try json.list("flags")
            for flag in flags {
                switch flag {
                case "MPOL_F_STATIC_NODES": mode |= 1 << 15
                case "MPOL_F_RELATIVE_NODES": mode |= 1 << 14
                case "MPOL_F_NUMA_BALANCING": mode |= 1 << 13
                default: throw DocumentError(path: "flags", reason: "has \(flag), which is none")
                }
            }
            let nodes: String = try json.optional("nodes") ?? ""
            // As many as the kernel can be built for.
            let count = 1024
            let bits: [UInt8]
            do throws(PlanError) {
                bits = nodes.isEmpty ? [] : try mask(nodes, bytes: count / 8, "nodes")
            } catch {
                throw DocumentError(reason: error.description)
            }
            return SystemCall(
                purpose: "set memory policy \(name)", number: SWIFTPOD_SYS_SET_MEMPOLICY,
                arguments: [
                    .value(mode), bits.isEmpty ? .value(0) : .bytes(bits), .value(bits.isEmpty ? 0 : UInt64(count)),
                ])
        } catch {
            throw PlanError("linux.memoryPolicy.\(error)")
        }
    }

    private static func personality(_ json: JSON?) throws(PlanError) -> SystemCall? {
        guard let json else { return nil }
        do throws(DocumentError) {
            let domain: String = try json.required("domain")
            guard let number = ["LINUX": 0, "LINUX32": 8][domain] else {
                throw DocumentError(path: "domain", reason: "is \(domain), which is none")
            }
            // The specification has none yet.
            let flags: [String] = try json.list("flags")
            guard flags.isEmpty else { throw DocumentError(path: "flags", reason: "has \(flags[0]), which is none") }
            return SystemCall(
                purpose: "set personality \(domain)", number: SWIFTPOD_SYS_PERSONALITY,
                arguments: [.value(UInt64(number))])
        } catch {
            throw PlanError("linux.personality.\(error)")
        }
    }
}
