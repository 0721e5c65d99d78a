import LinuxKernel

/// The 512 bytes before each member, in the dialects of V7, ustar, star and GNU.
struct TarHeader {
    static let size = 512

    let block: [UInt8]

    /// - Throws: `TarError` where the checksum is wrong.
    init(_ block: [UInt8]) throws(TarError) {
        self.block = block
        // The sum counts its own field as spaces. Some old programs summed signed characters.
        var unsigned: Int64 = 0
        var signed: Int64 = 0
        for (index, byte) in block.enumerated() {
            let value = (148..<156).contains(index) ? 0x20 : byte
            unsigned += Int64(value)
            signed += Int64(Int8(bitPattern: value))
        }
        guard let stated = try? number(148, 8, "checksum"), stated == unsigned || stated == signed else {
            throw TarError("header checksum is wrong")
        }
    }

    var flag: UInt8 { block[156] }
    var isGNU: Bool { Array(block[257..<265]) == Array("ustar  \0".utf8) }
    private var isUstar: Bool { Array(block[257..<263]) == Array("ustar\0".utf8) }
    private var isStar: Bool { isUstar && Array(block[508..<512]) == Array("tar\0".utf8) }

    var path: [UInt8] {
        let name = text(0, 100)
        guard isUstar else { return name }
        let prefix = text(345, isStar ? 131 : 155)
        return prefix.isEmpty ? name : prefix + [UInt8(ascii: "/")] + name
    }

    var target: [UInt8] { text(157, 100) }

    func size() throws(TarError) -> Int64 {
        let size = try number(124, 12, "size")
        guard size >= 0 else { throw TarError("member has a negative size") }
        return size
    }

    func id(at offset: Int, _ what: String) throws(TarError) -> UInt32 {
        try TarHeader.id(try number(offset, 8, what), what)
    }

    static func id(_ value: Int64, _ what: String) throws(TarError) -> UInt32 {
        // The last id is -1, which chown(2) takes for "leave it".
        guard value >= 0, value < Int64(UInt32.max) else { throw TarError("\(what) \(value) is out of range") }
        return UInt32(value)
    }

    func entry(_ kind: TarEntry.Kind) throws(TarError) -> TarEntry {
        var entry = TarEntry(
            path: path, kind: kind, mode: UInt32(truncatingIfNeeded: try number(100, 8, "mode")) & 0o7777)
        entry.uid = try id(at: 108, "uid")
        entry.gid = try id(at: 116, "gid")
        entry.modified = FileTime(seconds: try number(136, 12, "mtime"))
        entry.target = target
        if kind == .characterDevice || kind == .blockDevice {
            entry.device = DeviceNumber(
                major: UInt32(truncatingIfNeeded: try number(329, 8, "device number")),
                minor: UInt32(truncatingIfNeeded: try number(337, 8, "device number")))
        }
        return entry
    }

    /// Bytes up to the first zero.
    func text(_ offset: Int, _ length: Int) -> [UInt8] {
        Array(block[offset..<offset + length].prefix { $0 != 0 })
    }

    /// Octal digits with spaces or zeros around them, or GNU's base 256: two's complement after a set top bit.
    func number(_ offset: Int, _ length: Int, _ what: String) throws(TarError) -> Int64 {
        try TarHeader.number(block[offset..<offset + length], what)
    }

    static func number(_ field: ArraySlice<UInt8>, _ what: String) throws(TarError) -> Int64 {
        let first = field[field.startIndex]
        if first & 0x80 != 0 {
            let negative = first & 0x40 != 0
            var value: Int64 = negative ? -1 : 0
            for (index, byte) in field.enumerated() {
                let bits = index == 0 ? (negative ? byte | 0x80 : byte & 0x7f) : byte
                guard value >> 55 == (negative ? -1 : 0) else { throw TarError("\(what) is out of range") }
                value = value << 8 | Int64(bits)
            }
            return value
        }
        var value: Int64 = 0
        let digits = field.drop { $0 == 0x20 || $0 == 0 }.prefix { $0 != 0x20 && $0 != 0 }
        for digit in digits {
            // A field has at most 12 digits, 36 bits.
            guard (0x30...0x37).contains(digit) else { throw TarError("\(what) is not a number") }
            value = value << 3 | Int64(digit - 0x30)
        }
        return value
    }
}
