/// Writes the store's own records: numbers in as few bytes as they need (LEB128), bytes after their count.
struct BinaryWriter {
    private(set) var bytes: [UInt8] = []

    mutating func put(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func put(_ value: UInt32) { put(UInt64(value)) }
    mutating func put(_ value: Int) { put(UInt64(value)) }

    /// Small numbers of either sign are short.
    mutating func put(signed value: Int64) {
        put(UInt64(bitPattern: value << 1 ^ value >> 63))
    }

    mutating func put(_ value: some Collection<UInt8>) {
        put(UInt64(value.count))
        bytes += value
    }

    mutating func put(_ text: String) { put(text.utf8) }

    mutating func put(_ id: ObjectID) { id.withBytes { bytes += $0 } }

    mutating func put(raw value: some Collection<UInt8>) { bytes += value }

    mutating func put<T>(_ list: [T], _ put: (inout BinaryWriter, T) -> Void) {
        self.put(UInt64(list.count))
        for element in list { put(&self, element) }
    }

    /// A checksum of all that was written, which `BinaryReader` checks.
    mutating func seal() {
        var sum = BinaryWriter.checksum(bytes[...])
        for _ in 0..<8 {
            bytes.append(UInt8(truncatingIfNeeded: sum))
            sum >>= 8
        }
    }

    /// FNV-1a. It is there to find what a power cut tore, not what somebody forged: who may write here may write
    /// anything. A real hash would cost the start path libcrypto's initialisation.
    static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.withUnsafeBufferPointer { buffer in
            var sum: UInt64 = 0xcbf2_9ce4_8422_2325
            for byte in buffer { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01b3 }
            return sum
        }
    }
}
