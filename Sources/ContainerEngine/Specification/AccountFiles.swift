/// passwd(5) and group(5), as an image has them.
package struct AccountFiles: Equatable, Sendable {
    package struct User: Equatable, Sendable {
        package var name: String
        package var uid: UInt32
        package var gid: UInt32
        package var gecos: String
        package var home: String
    }

    package struct Group: Equatable, Sendable {
        package var name: String
        package var gid: UInt32
        package var members: [String]
    }

    package var users: [User] = []
    package var groups: [Group] = []

    /// Files beyond this many bytes are taken for absent: they come from strangers.
    package static let limit = 8 << 20

    /// Lines that do not parse are skipped, as libc does.
    package init(passwd: [UInt8], group: [UInt8]) {
        for fields in Self.lines(passwd) where fields.count >= 4 {
            guard let uid = UInt32(fields[2]), let gid = UInt32(fields[3]), !fields[0].isEmpty else { continue }
            users.append(
                User(
                    name: fields[0], uid: uid, gid: gid, gecos: fields.count > 4 ? fields[4] : "",
                    home: fields.count > 5 ? fields[5] : ""))
        }
        for fields in Self.lines(group) where fields.count >= 3 {
            guard let gid = UInt32(fields[2]), !fields[0].isEmpty else { continue }
            let members = fields.count > 3 ? fields[3].split(separator: ",").map(String.init) : []
            groups.append(Group(name: fields[0], gid: gid, members: members))
        }
    }

    package init(root: RootView) {
        self.init(
            passwd: root.readFile("/etc/passwd", Self.limit) ?? [], group: root.readFile("/etc/group", Self.limit) ?? []
        )
    }

    private static func lines(_ bytes: [UInt8]) -> [[String]] {
        bytes.split(separator: 0x0A).compactMap { line in
            guard line.first != UInt8(ascii: "#") else { return nil }
            return line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map {
                String(decoding: $0, as: UTF8.self)
            }
        }
    }

    package func user(_ uid: UInt32) -> User? { users.first { $0.uid == uid } }
    package func user(named name: String) -> User? { users.first { $0.name == name } }
    package func group(_ gid: UInt32) -> Group? { groups.first { $0.gid == gid } }
    package func group(named name: String) -> Group? { groups.first { $0.name == name } }

    /// One more than the highest id, ids of "nobody" kind (65534) left out; what `--userns=auto` has to cover.
    package var idCount: UInt32 {
        let ids = users.flatMap { [$0.uid, $0.gid] } + groups.map(\.gid)
        return (ids.filter { $0 < 65_534 }.max() ?? 0) + 1
    }
}
