import OCISpec

/// A mapping of container ids to the ids of the namespace that the store is worked on from (the keeper's, or the
/// host's for root). An empty list of ranges maps every id to itself.
public struct IDMap: Equatable, Hashable, Sendable {
    public var uid: [RuntimeSpec.IDMapping]
    public var gid: [RuntimeSpec.IDMapping]

    public init(uid: [RuntimeSpec.IDMapping], gid: [RuntimeSpec.IDMapping]) {
        self.uid = uid
        self.gid = gid
    }

    /// Every id is itself.
    public static let identity = IDMap(uid: [], gid: [])

    /// The host's id of a container's user; nil where the mapping has none.
    public func hostUID(_ id: UInt32) -> UInt32? { IDMap.map(id, by: uid) }

    /// The host's id of a container's group; nil where the mapping has none.
    public func hostGID(_ id: UInt32) -> UInt32? { IDMap.map(id, by: gid) }

    private static func map(_ id: UInt32, by ranges: [RuntimeSpec.IDMapping]) -> UInt32? {
        if ranges.isEmpty { return id }
        for range in ranges where id >= range.containerID && id - range.containerID < range.size {
            let (host, overflow) = range.hostID.addingReportingOverflow(id - range.containerID)
            return overflow ? nil : host
        }
        return nil
    }

    /// The same mapping whatever way it was written: sorted ranges, neighbours joined, the identity as no ranges when
    /// it reaches as far as images' ids do.
    var canonical: IDMap {
        IDMap(uid: IDMap.canonical(uid), gid: IDMap.canonical(gid))
    }

    private static func canonical(_ ranges: [RuntimeSpec.IDMapping]) -> [RuntimeSpec.IDMapping] {
        var result: [RuntimeSpec.IDMapping] = []
        for range in ranges.sorted(by: { $0.containerID < $1.containerID }) where range.size > 0 {
            if let last = result.last, last.containerID &+ last.size == range.containerID,
                last.hostID &+ last.size == range.hostID
            {
                result[result.count - 1].size += range.size
            } else {
                result.append(range)
            }
        }
        // 4294967295 stands for "no id" in the kernel.
        let all = RuntimeSpec.IDMapping(containerID: 0, hostID: 0, size: .max)
        return result == [all] ? [] : result
    }

    /// A short text that is the same for equal mappings only; part of a tree's path, so that it never needs computing
    /// by anybody else.
    var text: String {
        let map = canonical
        func words(_ ranges: [RuntimeSpec.IDMapping]) -> String {
            var text = ""
            for range in ranges {
                text += "\(text.isEmpty ? "" : "_")\(range.containerID)-\(range.hostID)-\(range.size)"
            }
            return text
        }
        if map == .identity { return "identity" }
        return map.uid == map.gid ? "u" + words(map.uid) : "u" + words(map.uid) + "g" + words(map.gid)
    }
}
