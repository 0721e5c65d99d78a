/// A value of D-Bus, as far as systemd's manager needs them; "D-Bus Specification", type system.
package indirect enum BusValue: Equatable, Sendable {
    case byte(UInt8)
    case bool(Bool)
    case uint32(UInt32)
    case uint64(UInt64)
    case string(String)
    case objectPath(String)
    case signature(String)
    /// All elements have the signature that stands first.
    case array(String, [BusValue])
    case structure([BusValue])
    case variant(BusValue)

    package var signature: String {
        switch self {
        case .byte: "y"
        case .bool: "b"
        case .uint32: "u"
        case .uint64: "t"
        case .string: "s"
        case .objectPath: "o"
        case .signature: "g"
        case .array(let element, _): "a" + element
        case .structure(let members): "(" + members.map(\.signature).joined() + ")"
        case .variant: "v"
        }
    }

    package var text: String? {
        switch self {
        case .string(let text), .objectPath(let text): text
        default: nil
        }
    }
}

/// Writes values in the wire's form, least significant byte first; every value is aligned to its size.
package struct BusWriter {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func align(_ size: Int) {
        while bytes.count % size != 0 { bytes.append(0) }
    }

    package mutating func put<I: FixedWidthInteger>(_ value: I) {
        align(MemoryLayout<I>.size)
        withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
    }

    package mutating func put(_ value: BusValue) {
        switch value {
        case .byte(let byte): bytes.append(byte)
        case .bool(let flag): put(UInt32(flag ? 1 : 0))
        case .uint32(let number): put(number)
        case .uint64(let number): put(number)
        case .string(let text), .objectPath(let text):
            put(UInt32(text.utf8.count))
            bytes += Array(text.utf8) + [0]
        case .signature(let text):
            bytes += [UInt8(truncatingIfNeeded: text.utf8.count)] + Array(text.utf8) + [0]
        case .array(let element, let values):
            put(UInt32(0))
            let length = bytes.count - 4
            align(BusWriter.alignment(element))
            let start = bytes.count
            for value in values { put(value) }
            let count = UInt32(bytes.count - start)
            for index in 0..<4 { bytes[length + index] = UInt8(truncatingIfNeeded: count >> (8 * index)) }
        case .structure(let members):
            align(8)
            for member in members { put(member) }
        case .variant(let inner):
            put(.signature(inner.signature))
            put(inner)
        }
    }

    static func alignment(_ signature: String) -> Int {
        switch signature.first {
        case "t", "x", "d", "(", "{": 8
        case "y", "g", "v": 1
        case "n", "q": 2
        default: 4
        }
    }
}

/// Reads values; whatever does not fit is nil. Only what ``BusValue`` knows is read: a message with anything else is not
/// for us.
package struct BusReader {
    private let bytes: [UInt8]
    package private(set) var position: Int

    package init(_ bytes: [UInt8], at position: Int = 0) {
        self.bytes = bytes
        self.position = position
    }

    package mutating func align(_ size: Int) { position = (position + size - 1) / size * size }

    package mutating func integer<I: FixedWidthInteger>(_ type: I.Type = I.self) -> I? {
        let size = MemoryLayout<I>.size
        align(size)
        guard position + size <= bytes.count else { return nil }
        var value: I = 0
        for index in (0..<size).reversed() {
            value = I(truncatingIfNeeded: UInt64(value) << 8) | I(bytes[position + index])
        }
        position += size
        return value
    }

    private mutating func text(_ count: Int) -> String? {
        guard count >= 0, position + count < bytes.count, bytes[position + count] == 0 else { return nil }
        defer { position += count + 1 }
        return String(decoding: bytes[position..<position + count], as: UTF8.self)
    }

    /// Values of a whole signature, one after another.
    package mutating func values(_ signature: String) -> [BusValue]? {
        var rest = Array(signature.utf8)[...]
        var result: [BusValue] = []
        while !rest.isEmpty {
            guard let value = value(&rest, depth: 0) else { return nil }
            result.append(value)
        }
        return result
    }

    private mutating func value(_ signature: inout ArraySlice<UInt8>, depth: Int) -> BusValue? {
        guard let type = signature.popFirst(), depth < 16 else { return nil }
        switch type {
        case UInt8(ascii: "y"): return integer(UInt8.self).map { .byte($0) }
        case UInt8(ascii: "b"): return integer(UInt32.self).map { .bool($0 != 0) }
        case UInt8(ascii: "u"), UInt8(ascii: "i"): return integer(UInt32.self).map { .uint32($0) }
        case UInt8(ascii: "t"), UInt8(ascii: "x"): return integer(UInt64.self).map { .uint64($0) }
        case UInt8(ascii: "s"):
            guard let count = integer(UInt32.self) else { return nil }
            return text(Int(count)).map { .string($0) }
        case UInt8(ascii: "o"):
            guard let count = integer(UInt32.self) else { return nil }
            return text(Int(count)).map { .objectPath($0) }
        case UInt8(ascii: "g"):
            guard let count = integer(UInt8.self) else { return nil }
            return text(Int(count)).map { .signature($0) }
        case UInt8(ascii: "v"):
            guard let count = integer(UInt8.self), let inner = text(Int(count)) else { return nil }
            var rest = Array(inner.utf8)[...]
            return value(&rest, depth: depth + 1).map { .variant($0) }
        case UInt8(ascii: "a"): return array(&signature, depth: depth)
        case UInt8(ascii: "("), UInt8(ascii: "{"): return structure(&signature, depth: depth)
        default: return nil
        }
    }

    private mutating func array(_ signature: inout ArraySlice<UInt8>, depth: Int) -> BusValue? {
        guard let count = integer(UInt32.self), count <= 1 << 26 else { return nil }
        // The element's signature is taken even where there is no element.
        let before = signature
        guard let length = BusReader.length(of: signature) else { return nil }
        let element = String(decoding: before.prefix(length), as: UTF8.self)
        align(BusWriter.alignment(element))
        let end = position + Int(count)
        guard end <= bytes.count else { return nil }
        var values: [BusValue] = []
        while position < end {
            var rest = before
            guard let value = value(&rest, depth: depth + 1) else { return nil }
            values.append(value)
        }
        signature = before.dropFirst(length)
        return .array(element, values)
    }

    private mutating func structure(_ signature: inout ArraySlice<UInt8>, depth: Int) -> BusValue? {
        align(8)
        var members: [BusValue] = []
        while let next = signature.first, next != UInt8(ascii: ")"), next != UInt8(ascii: "}") {
            guard let value = value(&signature, depth: depth + 1) else { return nil }
            members.append(value)
        }
        guard signature.popFirst() != nil else { return nil }
        return .structure(members)
    }

    /// How many characters one complete type takes.
    private static func length(of signature: ArraySlice<UInt8>) -> Int? {
        var depth = 0
        for (index, character) in signature.enumerated() {
            switch character {
            case UInt8(ascii: "a"): continue
            case UInt8(ascii: "("), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: ")"), UInt8(ascii: "}"): depth -= 1
            default: break
            }
            if depth == 0 { return index + 1 }
        }
        return nil
    }
}
