/// passwd(5) and group(5), as an image has them. Looked through byte by byte when asked: every start asks, and for one
/// or two of their lines.
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

    private let passwd: [UInt8]
    private let group: [UInt8]

    /// Files beyond this many bytes are taken for absent: they come from strangers.
    package static let limit = 8 << 20

    package init(passwd: [UInt8], group: [UInt8]) {
        self.passwd = passwd
        self.group = group
    }

    package init(root: RootView) {
        self.init(
            passwd: root.readFile("/etc/passwd", Self.limit) ?? [], group: root.readFile("/etc/group", Self.limit) ?? []
        )
    }

    package func user(_ uid: UInt32) -> User? { firstUser { $0.number(2) == uid } }

    package func user(named name: String) -> User? {
        let wanted = Array(name.utf8)
        return firstUser { $0.isEqual(0, wanted) }
    }

    package func group(_ gid: UInt32) -> Group? { firstGroup { $0.number(2) == gid } }

    package func group(named name: String) -> Group? {
        let wanted = Array(name.utf8)
        return firstGroup { $0.isEqual(0, wanted) }
    }

    /// The groups that list a user.
    package func groups(of name: String) -> [UInt32] {
        let wanted = Array(name.utf8)
        var found: [UInt32] = []
        Line.each(of: group) { line in
            if let gid = line.number(2), line.lists(3, wanted), !line.isEmpty(0) { found.append(gid) }
            return true
        }
        return found
    }

    package var users: [User] {
        var all: [User] = []
        Line.each(of: passwd) { line in
            if let user = Self.user(line) { all.append(user) }
            return true
        }
        return all
    }

    package var groups: [Group] {
        var all: [Group] = []
        Line.each(of: group) { line in
            if let group = Self.group(line) { all.append(group) }
            return true
        }
        return all
    }

    /// One more than the highest id, ids of "nobody" kind (65534) left out; what `--userns=auto` has to cover.
    package var idCount: UInt32 {
        let ids = users.flatMap { [$0.uid, $0.gid] } + groups.map(\.gid)
        return (ids.filter { $0 < 65_534 }.max() ?? 0) + 1
    }

    private func firstUser(where matches: (borrowing Line) -> Bool) -> User? {
        var found: User?
        Line.each(of: passwd) { line in
            guard matches(line) else { return true }
            found = Self.user(line)
            return found == nil
        }
        return found
    }

    private func firstGroup(where matches: (borrowing Line) -> Bool) -> Group? {
        var found: Group?
        Line.each(of: group) { line in
            guard matches(line) else { return true }
            found = Self.group(line)
            return found == nil
        }
        return found
    }

    /// nil for a line that does not parse; libc skips those too.
    private static func user(_ line: borrowing Line) -> User? {
        guard !line.isEmpty(0), let uid = line.number(2), let gid = line.number(3) else { return nil }
        return User(name: line.text(0), uid: uid, gid: gid, gecos: line.text(4), home: line.text(5))
    }

    private static func group(_ line: borrowing Line) -> Group? {
        guard !line.isEmpty(0), let gid = line.number(2) else { return nil }
        return Group(
            name: line.text(0), gid: gid, members: line.text(3).split(separator: ",").map(String.init))
    }
}

/// A line of fields between colons. Lives as long as the closure that is given it.
private struct Line: ~Copyable {
    let bytes: UnsafeBufferPointer<UInt8>

    /// Every line but comments and empty ones, until the closure returns false.
    static func each(of file: [UInt8], _ body: (borrowing Line) -> Bool) {
        file.withUnsafeBufferPointer { all in
            var start = 0
            while start < all.count {
                var end = start
                while end < all.count, all[end] != 0x0A { end += 1 }
                if end > start, all[start] != UInt8(ascii: "#"),
                    !body(Line(bytes: UnsafeBufferPointer(rebasing: all[start..<end])))
                {
                    return
                }
                start = end + 1
            }
        }
    }

    /// The field's bytes; nil beyond the last.
    private func field(_ index: Int) -> UnsafeBufferPointer<UInt8>? {
        var start = 0
        var left = index
        while left > 0 {
            while start < bytes.count, bytes[start] != UInt8(ascii: ":") { start += 1 }
            if start == bytes.count { return nil }
            start += 1
            left -= 1
        }
        var end = start
        while end < bytes.count, bytes[end] != UInt8(ascii: ":") { end += 1 }
        return UnsafeBufferPointer(rebasing: bytes[start..<end])
    }

    func isEmpty(_ index: Int) -> Bool { field(index)?.isEmpty ?? true }

    func isEqual(_ index: Int, _ wanted: [UInt8]) -> Bool { field(index)?.elementsEqual(wanted) ?? false }

    /// A name in a list with commas between.
    func lists(_ index: Int, _ wanted: [UInt8]) -> Bool {
        guard let list = field(index), !wanted.isEmpty else { return false }
        return list.split(separator: UInt8(ascii: ",")).contains { $0.elementsEqual(wanted) }
    }

    func number(_ index: Int) -> UInt32? {
        guard let digits = field(index), (1...10).contains(digits.count) else { return nil }
        var value: UInt64 = 0
        for digit in digits {
            guard (0x30...0x39).contains(digit) else { return nil }
            value = value * 10 + UInt64(digit - 0x30)
        }
        return UInt32(exactly: value)
    }

    func text(_ index: Int) -> String {
        field(index).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
