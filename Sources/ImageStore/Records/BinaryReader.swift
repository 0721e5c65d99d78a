/// Reads what `BinaryWriter` wrote, trusting nothing: after a power cut a file may hold anything.
struct BinaryReader {
    private let bytes: [UInt8]
    private var at = 0
    private let end: Int

    /// - Throws: `StoreError` where the seal is not that of the bytes.
    init(sealed bytes: [UInt8]) throws {
        guard bytes.count >= 8 else { throw BinaryReader.damaged }
        let content = bytes[..<(bytes.count - 8)]
        var stated: UInt64 = 0
        for byte in bytes[(bytes.count - 8)...].reversed() { stated = stated << 8 | UInt64(byte) }
        guard BinaryWriter.checksum(content) == stated else { throw BinaryReader.damaged }
        self.bytes = bytes
        end = content.endIndex
    }

    /// The beginning of a record, whose seal is further on.
    init(beginningOf bytes: [UInt8]) {
        self.bytes = bytes
        end = bytes.count
    }

    static var damaged: StoreError { StoreError(.corrupt, "record is damaged") }

    var isAtEnd: Bool { at == end }

    mutating func number() throws -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while at < end, shift < 64 {
            let byte = bytes[at]
            at += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
        }
        throw BinaryReader.damaged
    }

    mutating func word() throws -> UInt32 {
        guard let value = UInt32(exactly: try number()) else { throw BinaryReader.damaged }
        return value
    }

    mutating func signed() throws -> Int64 {
        let value = try number()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    mutating func count() throws -> Int {
        // Whatever is counted takes a byte each at least.
        guard let count = Int(exactly: try number()), count <= end - at else { throw BinaryReader.damaged }
        return count
    }

    mutating func data() throws -> ArraySlice<UInt8> {
        let count = try count()
        defer { at += count }
        return bytes[at..<at + count]
    }

    mutating func text() throws -> String { String(decoding: try data(), as: UTF8.self) }

    mutating func id() throws -> ObjectID {
        guard end - at >= 32 else { throw BinaryReader.damaged }
        defer { at += 32 }
        return bytes.withUnsafeBytes { ObjectID(UnsafeRawBufferPointer(rebasing: $0[at..<at + 32])) }
    }

    mutating func expect(_ raw: [UInt8]) throws {
        guard end - at >= raw.count, bytes[at..<at + raw.count].elementsEqual(raw) else { throw BinaryReader.damaged }
        at += raw.count
    }

    mutating func list<T>(_ element: (inout BinaryReader) throws -> T) throws -> [T] {
        let count = try count()
        var result: [T] = []
        result.reserveCapacity(count)
        for _ in 0..<count { result.append(try element(&self)) }
        return result
    }
}
