/// Archives of the few things that benchmark images hold. ustar, as every reader knows it.
struct TarWriter {
    private(set) var bytes: [UInt8] = []

    mutating func directory(_ name: String) { header(name, kind: "5", mode: 0o755, size: 0, link: "") }

    mutating func link(_ name: String, to target: String) {
        header(name, kind: "2", mode: 0o777, size: 0, link: target)
    }

    mutating func file(_ name: String, _ content: [UInt8], mode: Int = 0o644) {
        header(name, kind: "0", mode: mode, size: content.count, link: "")
        bytes += content
        bytes += [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    }

    /// The whole archive.
    consuming func finished() -> [UInt8] {
        bytes += [UInt8](repeating: 0, count: 1024)
        return bytes
    }

    private mutating func header(_ name: String, kind: Character, mode: Int, size: Int, link: String) {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int, _ limit: Int) {
            for (index, byte) in text.utf8.prefix(limit).enumerated() { block[offset + index] = byte }
        }
        func octal(_ value: Int, _ digits: Int) -> String {
            let text = String(value, radix: 8)
            return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
        }
        put(name, at: 0, 100)
        put(octal(mode, 7), at: 100, 8)
        put(octal(0, 7), at: 108, 8)
        put(octal(0, 7), at: 116, 8)
        put(octal(size, 11), at: 124, 12)
        put(octal(0, 11), at: 136, 12)
        put("        ", at: 148, 8)
        put(String(kind), at: 156, 1)
        put(link, at: 157, 100)
        put("ustar\u{0}00", at: 257, 8)
        let sum = block.reduce(0) { $0 + Int($1) }
        put(octal(sum, 6) + "\u{0} ", at: 148, 8)
        bytes += block
    }
}
