/// Headers for the archives that we write: ustar, with a PAX record before it for a size beyond ustar's eleven digits.
package enum TarWriter {
    /// What stands before the content of a regular file that belongs to root and was changed in 1970: archives of the
    /// same contents are the same bytes.
    ///
    /// - Parameter name: At most 100 bytes.
    package static func header(_ name: String, size: Int64, mode: UInt32 = 0o644) -> [UInt8] {
        if size < 1 << 33 { return block(name, size: size, mode: mode, flag: "0") }
        let record = record("size", String(size))
        let extended = block("PaxHeaders/size", size: Int64(record.utf8.count), mode: 0o644, flag: "x")
        return extended + record.utf8 + padding(Int64(record.utf8.count)) + block(name, size: 0, mode: mode, flag: "0")
    }

    /// What fills the last block of a content of that size.
    package static func padding(_ size: Int64) -> [UInt8] {
        [UInt8](repeating: 0, count: TarReader.padding(size))
    }

    /// What ends an archive.
    package static var end: [UInt8] { [UInt8](repeating: 0, count: 2 * TarHeader.size) }

    /// `LENGTH KEY=VALUE\n`, where the length counts itself.
    private static func record(_ key: String, _ value: String) -> String {
        let rest = " \(key)=\(value)\n"
        var length = rest.utf8.count + 1
        while "\(length)".utf8.count + rest.utf8.count != length { length += 1 }
        return "\(length)\(rest)"
    }

    private static func block(_ name: String, size: Int64, mode: UInt32, flag: String) -> [UInt8] {
        precondition(name.utf8.count <= 100, "name is too long for a ustar header")
        var block = [UInt8](repeating: 0, count: TarHeader.size)
        func put(_ text: String, at offset: Int) {
            for (index, byte) in text.utf8.enumerated() { block[offset + index] = byte }
        }
        func octal(_ value: Int64, _ digits: Int) -> String {
            let text = String(value, radix: 8)
            return String(repeating: "0", count: digits - text.utf8.count) + text
        }
        put(name, at: 0)
        put(octal(Int64(mode), 7), at: 100)
        put(octal(0, 7), at: 108)
        put(octal(0, 7), at: 116)
        put(octal(size, 11), at: 124)
        put(octal(0, 11), at: 136)
        put("        ", at: 148)
        put(flag, at: 156)
        put("ustar\u{0}00", at: 257)
        put(octal(block.reduce(0) { $0 + Int64($1) }, 6) + "\u{0} ", at: 148)
        return block
    }
}
