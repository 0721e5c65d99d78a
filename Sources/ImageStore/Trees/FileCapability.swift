/// The value of `security.capability`, capabilities(7).
enum FileCapability {
    static let attribute = "security.capability"
    private static let revisionMask: UInt8 = 0xff
    private static let version2: UInt8 = 0x02
    private static let version3: UInt8 = 0x03

    /// The same capabilities, valid in user namespaces whose root is that id and in those below them.
    ///
    /// An image has version 2, which means the host's root and which only that may write. The kernel takes version 3
    /// from whoever is root over the file in his own namespace.
    static func namespaced(_ value: [UInt8], root: UInt32) -> [UInt8] {
        // Revision (its number in the top byte of a little-endian word), then two pairs of words, then the root's id.
        guard value.count >= 20, value[3] == version2 || value[3] == version3 else { return value }
        if root == 0, value[3] == version2 { return value }
        var result = Array(value.prefix(20))
        result[3] = version3
        for shift in [0, 8, 16, 24] as [UInt32] { result.append(UInt8(truncatingIfNeeded: root >> shift)) }
        return result
    }
}
