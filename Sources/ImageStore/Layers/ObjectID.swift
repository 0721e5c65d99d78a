import OCISpec

/// The SHA-256 of a file's content, as the 32 bytes that it is: indexes hold hundreds of thousands of them.
struct ObjectID: Hashable, Sendable {
    private var a: UInt64
    private var b: UInt64
    private var c: UInt64
    private var d: UInt64

    /// Words in memory order.
    init(_ words: (UInt64, UInt64, UInt64, UInt64)) {
        (a, b, c, d) = words
    }

    /// From exactly 32 bytes.
    init(_ bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count == 32)
        a = bytes.loadUnaligned(as: UInt64.self)
        b = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        c = bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
        d = bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
    }

    /// nil unless it is 64 lower-case hexadecimal digits.
    init?(hex: some Collection<UInt8>) {
        var bytes: [UInt8] = []
        var high: UInt8?
        for digit in hex {
            let value: UInt8
            switch digit {
            case 0x30...0x39: value = digit - 0x30
            case 0x61...0x66: value = digit - 0x61 + 10
            default: return nil
            }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        guard bytes.count == 32, high == nil else { return nil }
        self = bytes.withUnsafeBytes { ObjectID($0) }
    }

    init(_ digest: Digest) {
        self.init(hex: digest.hex.utf8)!
    }

    func withBytes<T>(_ body: (UnsafeRawBufferPointer) throws -> T) rethrows -> T {
        try withUnsafeBytes(of: self, body)
    }

    var firstByte: UInt8 { withBytes { $0[0] } }

    var digest: Digest { withBytes { Digest(bytes: $0) } }

    /// Where the object stands below the directory of objects: `ab/cdef…`, 65 bytes and a zero.
    var path: [CChar] {
        withBytes { bytes in
            [CChar](unsafeUninitializedCapacity: 66) { buffer, count in
                var at = 0
                for (index, byte) in bytes.enumerated() {
                    buffer[at] = ObjectID.digit(byte >> 4)
                    buffer[at + 1] = ObjectID.digit(byte & 15)
                    at += 2
                    if index == 0 {
                        buffer[at] = 0x2f
                        at += 1
                    }
                }
                buffer[at] = 0
                count = at + 1
            }
        }
    }

    /// The object's second name, `ab/` and 20 characters, which is short enough for a redirect to fit into an inode.
    ///
    /// It holds 128 bits of the digest and is therefore no proof of what is in the file: see ``ObjectNames``.
    var shortPath: [CChar] {
        withBytes { bytes in
            var result: [CChar] = [ObjectID.digit(bytes[0] >> 4), ObjectID.digit(bytes[0] & 15), 0x2f]
            for start in stride(from: 1, to: 16, by: 3) {
                let bits = UInt32(bytes[start]) << 16 | UInt32(bytes[start + 1]) << 8 | UInt32(bytes[start + 2])
                for shift in [18, 12, 6, 0] as [UInt32] { result.append(ObjectID.letter(UInt8(bits >> shift & 63))) }
            }
            return result + [0]
        }
    }

    private static func digit(_ value: UInt8) -> CChar {
        CChar(value < 10 ? 0x30 + value : 0x61 + value - 10)
    }

    private static func letter(_ value: UInt8) -> CChar {
        switch value {
        case 0..<26: CChar(0x41 + value)
        case 26..<52: CChar(0x61 + value - 26)
        case 52..<62: CChar(0x30 + value - 52)
        case 62: 0x2d
        default: 0x5f
        }
    }
}
