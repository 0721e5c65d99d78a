import Glibc

/// One line of a user namespace's uid_map or gid_map.
public struct IDRange: Equatable, Hashable, Sendable {
    /// First id inside the namespace.
    public var inside: UInt32
    /// First id outside, as the writer of the map sees it.
    public var outside: UInt32
    public var count: UInt32

    public init(inside: UInt32, outside: UInt32, count: UInt32) {
        self.inside = inside
        self.outside = outside
        self.count = count
    }
}

/// The maps of user namespaces, user_namespaces(7).
public enum IDMaps {
    /// Writes both maps of a process's new user namespace. With `denySetgroups` a caller without privileges may write
    /// his own gid; supplementary groups cannot be changed inside then.
    public static func write(
        pid: Int32, uid: [IDRange], gid: [IDRange], denySetgroups: Bool = false
    ) throws(SyscallError) {
        if denySetgroups { try File.put("deny".utf8, into: "/proc/\(pid)/setgroups") }
        try File.put(text(uid).utf8, into: "/proc/\(pid)/uid_map")
        try File.put(text(gid).utf8, into: "/proc/\(pid)/gid_map")
    }

    /// The kernel takes a map in one write only: `INSIDE OUTSIDE COUNT` lines.
    public static func text(_ ranges: [IDRange]) -> String {
        // joined() would search the program's conformances, in every start.
        var text = ""
        for range in ranges { text += "\(range.inside) \(range.outside) \(range.count)\n" }
        return text
    }

    /// A process's map as its reader sees it; `file` is `uid_map` or `gid_map`.
    public static func read(_ file: String, of pid: Int32? = nil) throws(SyscallError) -> [IDRange] {
        parse(try File.read("/proc/\(pid.map { "\($0)" } ?? "self")/\(file)"))
    }

    /// The effective uid as the parent of this process's user namespace numbers it: of root inside, who it is outside.
    public static func outsideUID() -> UInt32 {
        let own = geteuid()
        let range = ((try? read("uid_map")) ?? []).first { $0.inside <= own && own - $0.inside < $0.count }
        return range.map { $0.outside + (own - $0.inside) } ?? own
    }

    package static func parse(_ text: [UInt8]) -> [IDRange] {
        text.split(separator: 0x0a).compactMap { line in
            let words = line.split(whereSeparator: { $0 == 0x20 || $0 == 0x09 }).map {
                UInt32(String(decoding: $0, as: UTF8.self))
            }
            guard words.count == 3, let inside = words[0], let outside = words[1], let count = words[2] else {
                return nil
            }
            return IDRange(inside: inside, outside: outside, count: count)
        }
    }
}

/// The ranges that /etc/subuid and /etc/subgid lend to a user, subuid(5).
public struct SubordinateIDs: Equatable, Sendable {
    public struct Range: Equatable, Hashable, Sendable {
        public var start: UInt32
        public var count: UInt32

        public init(start: UInt32, count: UInt32) {
            self.start = start
            self.count = count
        }
    }

    public var uid: [Range]
    public var gid: [Range]

    public init(uid: [Range], gid: [Range]) {
        self.uid = uid
        self.gid = gid
    }

    /// From the system's two files; a missing file lends nothing.
    public init(user: String?, uid: UInt32) throws(SyscallError) {
        self.uid = SubordinateIDs.parse(try File.readIfPresent("/etc/subuid") ?? [], user: user, uid: uid)
        self.gid = SubordinateIDs.parse(try File.readIfPresent("/etc/subgid") ?? [], user: user, uid: uid)
    }

    /// Lines are `NAME-OR-UID:START:COUNT`; what does not read as one is skipped, as newuidmap(1) does.
    public static func parse(_ text: [UInt8], user: String?, uid: UInt32) -> [Range] {
        text.split(separator: 0x0a).compactMap { line in
            let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map {
                String(decoding: $0, as: UTF8.self)
            }
            guard fields.count == 3, fields[0] == user || fields[0] == "\(uid)", let start = UInt32(fields[1]),
                let count = UInt32(fields[2]), count > 0, !start.addingReportingOverflow(count - 1).overflow
            else { return nil }
            return Range(start: start, count: count)
        }
    }
}
