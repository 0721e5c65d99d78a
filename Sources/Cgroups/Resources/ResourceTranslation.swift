import OCISpec

/// `linux.resources` of the runtime specification as the values of cgroup v2's files. Pure.
///
/// The specification speaks v1's language; the conversions are those of runc and crun. What v2 has no counterpart for is
/// refused, as crun does it.
public enum ResourceTranslation {
    /// In the order in which they are to be written. `devices` is no file: see ``DeviceFilter``.
    public static func settings(_ resources: JSON) throws(CgroupError) -> [CgroupSetting] {
        let reader = ResourceReader(resources, path: "")
        var settings: [CgroupSetting] = []
        if let memory = try reader.object("memory") { settings += try self.memory(memory) }
        if let cpu = try reader.object("cpu") { settings += try self.cpu(cpu) }
        if let block = try reader.object("blockIO") { settings += try blockIO(block) }
        if let pids = try reader.object("pids"), let limit = try pids.integer("limit") {
            settings.append(CgroupSetting("pids.max", limit > 0 ? String(limit) : "max"))
        }
        for pages in try reader.list("hugepageLimits") { settings.append(try hugePages(pages)) }
        if let rdma = try reader.object("rdma") { settings += try self.rdma(rdma) }
        if let network = try reader.object("network"), !network.isEmpty {
            throw CgroupError(.unsupported, "network class and priorities are not supported on cgroup v2")
        }
        // Last, so that what is said in v2's own words wins.
        if let unified = try reader.object("unified") { settings += try self.unified(unified) }
        return settings
    }

    // MARK: - Memory

    static func memory(_ memory: ResourceReader) throws(CgroupError) -> [CgroupSetting] {
        for (name, what) in [
            ("kernel", "kernel memory"), ("kernelTCP", "kernel TCP memory"), ("swappiness", "memory swappiness"),
        ] where try memory.integer(name) != nil {
            throw CgroupError(.unsupported, "cannot set \(what) with cgroup v2")
        }
        if try memory.bool("disableOOMKiller") == true {
            throw CgroupError(.unsupported, "cannot disable OOM killer with cgroup v2")
        }
        var settings: [CgroupSetting] = []
        let limit = try memory.integer("limit")
        let swap = try memory.integer("swap")
        if let limit, limit != 0 { settings.append(CgroupSetting("memory.max", amount(limit))) }
        if let value = try self.swap(swap, limit: limit) {
            // A kernel without swap accounting has no such file, and then limits memory alone, as podman says.
            settings.append(CgroupSetting("memory.swap.max", value, isOptional: true))
        }
        if let low = try memory.integer("reservation"), low != 0 {
            settings.append(CgroupSetting("memory.low", amount(low)))
        }
        return settings
    }

    /// v1 counts memory and swap together, v2 swap alone.
    private static func swap(_ swap: Int64?, limit: Int64?) throws(CgroupError) -> String? {
        guard let swap, swap != 0 else { return limit ?? 0 < 0 ? "max" : nil }
        if swap < 0 { return "max" }
        guard let limit, limit > 0 else {
            if limit ?? 0 < 0 { return "max" }
            throw CgroupError(.invalid, "cannot set swap limit without the memory limit")
        }
        guard swap >= limit else {
            throw CgroupError(.invalid, "cannot set memory+swap limit less than the memory limit")
        }
        return String(swap - limit)
    }

    private static func amount(_ value: Int64) -> String { value < 0 ? "max" : String(value) }

    // MARK: - The rest

    static func hugePages(_ pages: ResourceReader) throws(CgroupError) -> CgroupSetting {
        guard let size = try pages.string("pageSize"), let limit = try pages.unsigned("limit") else {
            throw CgroupError(.invalid, "a limit of huge pages needs pageSize and limit")
        }
        // It becomes part of a file's name: 2MB, 1GB.
        let digits = size.prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty, ["KB", "MB", "GB"].contains(String(size.dropFirst(digits.count))) else {
            throw CgroupError(.invalid, "invalid huge page size \"\(size.escapingControls)\"")
        }
        return CgroupSetting("hugetlb.\(size).max", String(limit))
    }

    static func rdma(_ rdma: ResourceReader) throws(CgroupError) -> [CgroupSetting] {
        var settings: [CgroupSetting] = []
        for name in rdma.names {
            guard let device = try rdma.object(name) else { continue }
            guard !name.isEmpty, !name.contains(where: { $0 == " " || $0 == "\n" }) else {
                throw CgroupError(.invalid, "invalid RDMA device \"\(name.escapingControls)\"")
            }
            var line = name
            if let handles = try device.unsigned("hcaHandles") { line += " hca_handle=\(handles)" }
            if let objects = try device.unsigned("hcaObjects") { line += " hca_object=\(objects)" }
            if line != name { settings.append(CgroupSetting("rdma.max", line)) }
        }
        return settings
    }

    /// The interface files that say where processes are and what becomes of them are nobody's limits. One that is frozen
    /// would not even start.
    private static let untouchable: Set<String> = [
        "cgroup.procs", "cgroup.threads", "cgroup.kill", "cgroup.type", "cgroup.subtree_control", "cgroup.freeze",
    ]

    static func unified(_ unified: ResourceReader) throws(CgroupError) -> [CgroupSetting] {
        var settings: [CgroupSetting] = []
        for name in unified.names {
            guard let value = try unified.string(name) else { continue }
            guard !name.contains("/"), name.contains("."), !name.hasPrefix("."), !untouchable.contains(name) else {
                throw CgroupError(.invalid, "invalid cgroup file name \"\(name.escapingControls)\"")
            }
            settings.append(CgroupSetting(name, value))
        }
        return settings
    }
}
