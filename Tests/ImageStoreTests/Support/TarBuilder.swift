/// Writes archives in whatever dialect, right or wrong.
struct TarBuilder {
    enum Dialect {
        case v7, ustar, gnu
    }

    private(set) var bytes: [UInt8] = []
    var dialect = Dialect.ustar

    init(_ dialect: Dialect = .ustar) {
        self.dialect = dialect
    }

    /// What the header of the next member says besides its name.
    struct Header {
        var mode = 0o644
        var uid = 0
        var gid = 0
        var modified = 1_600_000_000
        var link = ""
        var prefix = ""
        var device: (major: Int, minor: Int)?
        /// The last word, before the checksum.
        var edit: ((inout [UInt8]) -> Void)?
    }

    /// Archive with the two blocks that end it.
    var finished: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }

    // MARK: Members

    mutating func file(
        _ path: String, _ content: String = "", mode: Int = 0o644, uid: Int = 0, gid: Int = 0,
        pax: [(String, String)] = []
    ) {
        self.pax(pax)
        member(path, flag: "0", Array(content.utf8), Header(mode: mode, uid: uid, gid: gid))
    }

    mutating func directory(_ path: String, mode: Int = 0o755, uid: Int = 0, gid: Int = 0) {
        member(path, flag: "5", [], Header(mode: mode, uid: uid, gid: gid))
    }

    mutating func symlink(_ path: String, to target: String) {
        member(path, flag: "2", [], Header(mode: 0o777, link: target))
    }

    mutating func hardLink(_ path: String, to target: String) {
        member(path, flag: "1", [], Header(link: target))
    }

    mutating func device(_ path: String, flag: String, _ major: Int, _ minor: Int) {
        member(path, flag: flag, [], Header(mode: 0o600, device: (major, minor)))
    }

    mutating func fifo(_ path: String) { member(path, flag: "6", [], Header(mode: 0o620)) }

    mutating func whiteout(_ path: String) {
        let cut = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
        file(path[..<cut] + ".wh." + path[cut...])
    }

    mutating func opaque(_ directory: String) { file(directory + "/.wh..wh..opq") }

    // MARK: Parts

    /// A member of any type, its content filled up to whole blocks.
    mutating func member(
        _ path: String, flag: String, _ content: [UInt8], _ header: Header = Header(), size: Int? = nil
    ) {
        bytes += block(Array(path.utf8), flag: flag, size: size ?? content.count, header)
        append(content)
    }

    /// Records for the next member, or with flag `g` for all that follow.
    mutating func pax(_ records: [(String, String)], flag: String = "x") {
        if records.isEmpty { return }
        var content: [UInt8] = []
        for (key, value) in records {
            let rest = " \(key)=\(value)\n".utf8
            var length = rest.count + 1
            while "\(length)".utf8.count + rest.count != length { length += 1 }
            content += "\(length)".utf8
            content += rest
        }
        member("PaxHeaders/x", flag: flag, content)
    }

    /// GNU's way to say a name longer than 100 bytes: flag `L`, of a link's target `K`.
    mutating func long(_ name: String, flag: String = "L") {
        member("././@LongLink", flag: flag, Array(name.utf8) + [0])
    }

    mutating func append(_ content: [UInt8]) {
        bytes += content
        bytes += [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    }

    private func block(_ path: [UInt8], flag: String, size: Int, _ header: Header) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: some Sequence<UInt8>, at offset: Int) {
            for (index, byte) in text.enumerated() { block[offset + index] = byte }
        }
        put(path.prefix(100), at: 0)
        put(TarBuilder.octal(header.mode, 7), at: 100)
        put(TarBuilder.octal(header.uid, 7), at: 108)
        put(TarBuilder.octal(header.gid, 7), at: 116)
        put(TarBuilder.octal(size, 11), at: 124)
        put(TarBuilder.octal(header.modified, 11), at: 136)
        put(flag.utf8, at: 156)
        put(header.link.utf8.prefix(100), at: 157)
        switch dialect {
        case .v7: break
        case .ustar: put("ustar\u{0}00".utf8, at: 257)
        case .gnu: put("ustar  \u{0}".utf8, at: 257)
        }
        put(header.prefix.utf8, at: 345)
        if let device = header.device {
            put(TarBuilder.octal(device.major, 7), at: 329)
            put(TarBuilder.octal(device.minor, 7), at: 337)
        }
        header.edit?(&block)
        TarBuilder.sum(&block)
        return block
    }

    static func sum(_ block: inout [UInt8]) {
        block.replaceSubrange(148..<156, with: [UInt8](repeating: 0x20, count: 8))
        let sum = block.reduce(0) { $0 + Int($1) }
        block.replaceSubrange(148..<155, with: octal(sum, 6) + [0])
    }

    static func octal(_ value: Int, _ digits: Int) -> [UInt8] {
        let text = String(value, radix: 8)
        return Array((String(repeating: "0", count: max(0, digits - text.utf8.count)) + text).utf8)
    }
}
