import Glibc
import LinuxKernel
import OCISpec

/// Shares of caches and of memory bandwidth, `linux.intelRdt`: groups of the kernel's resctrl file system. A group is a
/// directory, what it may use stands in `schemata`, and whom it is for in `tasks`.
package struct ResourceControl {
    private let root: String

    /// Where it is mounted; a machine without it is an error.
    /// - Parameter root: of a tree that stands for the machine; empty for the machine itself.
    static func find(in root: String = "") throws(EngineError) -> ResourceControl {
        if !root.isEmpty {
            let path = root + "/sys/fs/resctrl"
            if access(path + "/schemata", F_OK) == 0 { return ResourceControl(root: path) }
            throw missing
        }
        let mounts = (try? File.read("/proc/self/mountinfo", limit: 1 << 22)) ?? []
        for line in mounts.split(separator: 0x0a) {
            // ID PARENT DEVICE ROOT MOUNTPOINT OPTIONS… - TYPE SOURCE OPTIONS
            let fields = line.split(separator: 0x20)
            if let dash = fields.firstIndex(of: [0x2d]), dash + 1 < fields.count, dash > 4,
                fields[dash + 1].elementsEqual("resctrl".utf8)
            {
                return ResourceControl(root: String(decoding: fields[4], as: UTF8.self))
            }
        }
        throw missing
    }

    private static var missing: EngineError {
        EngineError(
            .unsupported,
            "linux.intelRdt: the resctrl file system is not mounted (where the processor has RDT: mount -t resctrl resctrl "
                + "/sys/fs/resctrl)")
    }

    package init(root: String) { self.root = root }

    /// What `linux.intelRdt` asks for.
    package struct Request {
        /// nil: a group of the container's own, under its id.
        var group: String?
        package var schemata: [String]
        var isMonitored: Bool

        package init?(_ json: JSON?) throws(EngineError) {
            guard let json, json != .object([]) else { return nil }
            do {
                group = try json.optional("closID")
                schemata = [
                    try Request.withoutBandwidth(json.optional("l3CacheSchema")), try json.optional("memBwSchema"),
                ].compactMap { $0 }.filter { !$0.isEmpty }
                schemata += try json.list("schemata")
                isMonitored = try json.optional("enableMonitoring") ?? false
            } catch { throw EngineError(.invalid, "linux.intelRdt: \(error)", cause: error) }
            // It becomes a directory's name, beside those of the kernel's own.
            if let group, group != "/" {
                guard !group.isEmpty, !group.utf8.contains(where: { $0 == 0x2f || $0 < 0x21 }),
                    ![".", "..", "info", "mon_groups", "mon_data"].contains(group)
                else { throw EngineError(.invalid, "linux.intelRdt: invalid closID \"\(group.escapingControls)\"") }
            }
            guard !schemata.contains(where: { $0.utf8.contains(0) }) else {
                throw EngineError(.invalid, "linux.intelRdt: invalid schema")
            }
        }

        /// The specification's rule: lines of memory bandwidth in the cache's schema are not looked at.
        private static func withoutBandwidth(_ schema: String?) -> String? {
            schema?.split(separator: "\n").filter { !$0.hasPrefix("MB:") }.joined(separator: "\n")
        }
    }

    /// A group that a container is in.
    package struct Group {
        package var path: String
        /// What was made for the container and goes with it, the innermost first.
        package var made: [String] = []
    }

    /// Finds or makes the group, and sets what it may use. What fails leaves nothing.
    package func group(for request: Request, id: String) throws(EngineError) -> Group {
        var group = Group(path: request.group == "/" ? root : "\(root)/\(request.group ?? id)")
        do throws(EngineError) {
            let exists = access(group.path, F_OK) == 0
            if exists, request.group != nil {
                try compare(request.schemata, with: group.path)
            } else {
                if request.group != nil, request.schemata.isEmpty {
                    throw EngineError(.notFound, "linux.intelRdt: there is no group \(request.group ?? "")")
                }
                try make(group.path, &group)
                try write(request.schemata, to: group.path)
            }
            if request.isMonitored { try make("\(group.path)/mon_groups/\(id)", &group) }
        } catch {
            ResourceControl.remove(group.made)
            throw error
        }
        return group
    }

    private func make(_ path: String, _ group: inout Group) throws(EngineError) {
        if mkdir(path, 0o755) == 0 {
            group.made.insert(path, at: 0)
        } else if errno != EEXIST {
            throw EngineError(.failed, "make resctrl group: \(SyscallError("mkdir", path))")
        }
    }

    /// One write for each line: the kernel stops at the first that it refuses.
    func write(_ schemata: [String], to group: String) throws(EngineError) {
        for line in schemata.flatMap({ $0.split(separator: "\n") }) {
            try doing("set schema \(line)") { () throws(SyscallError) in
                try File.put((line + "\n").utf8, into: group + "/schemata")
            }
        }
    }

    /// Puts a process in, and in the monitoring group where there is one.
    package func add(_ pid: Int32, to group: Group, id: String) throws(EngineError) {
        let monitoring = "\(group.path)/mon_groups/\(id)"
        for directory in [group.path] + (access(monitoring, F_OK) == 0 ? [monitoring] : []) {
            try doing("enter resctrl group") { () throws(SyscallError) in
                try File.put("\(pid)".utf8, into: directory + "/tasks")
            }
        }
    }

    /// What is made under the container's id, and so for nobody else, the innermost first.
    package func own(_ request: Request, id: String) -> [String] {
        let group = request.group == "/" ? root : "\(root)/\(request.group ?? id)"
        return ["\(group)/mon_groups/\(id)"] + (request.group == nil ? [group] : [])
    }

    static func remove(_ directories: [String]) {
        for directory in directories { rmdir(directory) }
    }

    // MARK: - A group that is there already

    /// It is somebody else's, too: it must have what is asked for.
    private func compare(_ schemata: [String], with group: String) throws(EngineError) {
        let text = (try? File.read(group + "/schemata", limit: 1 << 16)) ?? []
        let present = ResourceControl.shares(String(decoding: text, as: UTF8.self))
        for (name, value) in ResourceControl.shares(schemata.joined(separator: "\n")) where present[name] != value {
            throw EngineError(.invalid, "linux.intelRdt: the group \(group) has another share of \(name)")
        }
    }

    /// `L3:0=ff;1=0ff` as `L3:0` and `L3:1`; figures as the kernel writes them, without zeros in front.
    private static func shares(_ text: String) -> [String: String] {
        var result: [String: String] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1).map { $0.filter { $0 != " " } }
            guard parts.count == 2 else { continue }
            for share in parts[1].split(separator: ";") {
                let pair = share.split(separator: "=")
                if pair.count == 2 {
                    result["\(parts[0]):\(pair[0])"] = String(pair[1].drop { $0 == "0" }).lowercased()
                }
            }
        }
        return result
    }
}
