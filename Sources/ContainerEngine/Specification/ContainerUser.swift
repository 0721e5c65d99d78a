/// Whom `--user` or the image's USER names, looked up in the container's own files.
package struct ContainerUser: Equatable, Sendable {
    package var uid: UInt32 = 0
    package var gid: UInt32 = 0
    /// The user's groups in /etc/group; empty where a group was named.
    package var groups: [UInt32] = []
    /// nil where the files have no such user.
    package var home: String?
    package var name: String?
    /// A group was named beside the user.
    package var namesGroup: Bool = false

    /// - Parameter written: `NAME|UID[:GROUP|GID]`; empty is the user with uid 0. What reads as a number is one, even
    ///   where a user has it for a name.
    package init(_ written: String, in files: AccountFiles) throws(EngineError) {
        let parts = written.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let userWord = parts.first ?? ""
        let groupWord = parts.count > 1 ? parts[1] : ""
        try lookUpUser(userWord, in: files)
        if groupWord.isEmpty {
            if let name { groups = files.groups(of: name) }
        } else {
            namesGroup = true
            gid = try Self.group(groupWord, in: files)
        }
    }

    private mutating func lookUpUser(_ word: String, in files: AccountFiles) throws(EngineError) {
        let entry: AccountFiles.User?
        if word.isEmpty {
            entry = files.user(0)
        } else if let number = try Self.number(word) {
            uid = number
            entry = files.user(number)
        } else {
            entry = files.user(named: word)
            if entry == nil {
                throw EngineError(.cannotInvoke, "unable to find user \(word): no matching entries in passwd file")
            }
        }
        guard let entry else { return }
        uid = entry.uid
        gid = entry.gid
        name = entry.name
        home = entry.home.isEmpty ? nil : entry.home
    }

    /// `--group-add` and the part after the colon.
    package static func group(_ word: String, in files: AccountFiles) throws(EngineError) -> UInt32 {
        if let number = try number(word) { return number }
        guard let entry = files.group(named: word) else {
            throw EngineError(.cannotInvoke, "unable to find group \(word): no matching entries in group file")
        }
        return entry.gid
    }

    /// nil for what is a name. A number that no id can have is refused: a name of such digits would be a trap.
    package static func number(_ word: String) throws(EngineError) -> UInt32? {
        let digits = word.utf8.first == UInt8(ascii: "-") ? word.utf8.dropFirst() : word.utf8[...]
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        guard let value = UInt32(word), value <= 2_147_483_647 else {
            throw EngineError(
                .cannotInvoke, "user or group \(word): uids and gids must be in range 0-2147483647")
        }
        return value
    }
}
