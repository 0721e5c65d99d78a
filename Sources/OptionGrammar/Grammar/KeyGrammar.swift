/// `ctrl-p,ctrl-q`
package let defaultDetachKeys: [UInt8] = [0x10, 0x11]

/// Keys as `--detach-keys` writes them: a comma between one and the next, each a character of ASCII or `ctrl-` and one
/// of `a` to `z`, `@`, `[`, `\\`, `]`, `^`, `_`. Empty for none.
package func parseDetachKeys(_ text: String) throws(CommandError) -> [UInt8] {
    if text.isEmpty { return [] }
    var keys: [UInt8] = []
    for word in text.split(separator: ",", omittingEmptySubsequences: false) {
        let lower = word.lowercased()
        let name = Array((lower.hasPrefix("ctrl-") ? lower.dropFirst(5) : word).utf8)
        guard name.count == 1, let key = name.first, key < 0x7F, key >= 0x20 else {
            throw CommandError("invalid detach keys \(quoted(text)): \(quoted(String(word))) is not a key")
        }
        guard lower.hasPrefix("ctrl-") else {
            keys.append(key)
            continue
        }
        switch key {
        case 0x61...0x7A: keys.append(key - 0x60)
        case 0x40, 0x5B...0x5F: keys.append(key - 0x40)
        default: throw CommandError("invalid detach keys \(quoted(text)): there is no \(word)")
        }
    }
    guard keys.count <= 32 else { throw CommandError("invalid detach keys \(quoted(text)): more than 32") }
    return keys
}
