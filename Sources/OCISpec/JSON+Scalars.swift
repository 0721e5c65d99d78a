// The two tokens of JSON that are more than punctuation.

extension JSONParser {
    mutating func string() throws(DocumentError) -> String {
        position += 1
        let start = position
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                let text = try checked(bytes[start..<position], at: start)
                position += 1
                return text
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
            guard byte >= 0x20 else { throw failure("has a control character in a string") }
            position += 1
        }
        throw unexpected()
    }

    private func checked(_ utf8: ArraySlice<UInt8>, at start: Int) throws(DocumentError) -> String {
        let text = utf8.withUnsafeBufferPointer { bytes in
            // The library's check takes three times as long as making the string, and most strings need none.
            bytes.allSatisfy { $0 < 0x80 }
                ? String(decoding: bytes, as: UTF8.self) : String(validating: bytes, as: UTF8.self)
        }
        guard let text else {
            throw failure("has a string that is not UTF-8", at: start)
        }
        return text
    }

    private mutating func escapedString(from start: Int) throws(DocumentError) -> String {
        var text = Array(bytes[start..<position])
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                let result = try checked(text[...], at: start)
                position += 1
                return result
            case UInt8(ascii: "\\"):
                position += 1
                try appendEscape(to: &text)
            case ..<0x20:
                throw failure("has a control character in a string")
            default:
                text.append(byte)
                position += 1
            }
        }
        throw unexpected()
    }

    private mutating func appendEscape(to text: inout [UInt8]) throws(DocumentError) {
        let byte = peek
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            position += 1
            text.append(contentsOf: String(Character(try scalar())).utf8)
            return
        default: throw unexpected()
        }
        position += 1
    }

    /// What `\uXXXX` says, two of them where the first is the high half of a pair. A half that stands alone is
    /// refused: no string of UTF-8 could hold it, and replacing it would make two names one.
    private mutating func scalar() throws(DocumentError) -> Unicode.Scalar {
        let start = position - 2
        let first = try hexadecimal()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
            throw failure("has half of a surrogate pair", at: start)
        }
        let second = try hexadecimal()
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
        else { throw failure("has half of a surrogate pair", at: start) }
        return scalar
    }

    private mutating func hexadecimal() throws(DocumentError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            let byte = peek
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw unexpected()
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    /// Longer numbers mean nothing to a 64-bit machine and cost time to read.
    private static var numberLengthLimit: Int { 400 }

    mutating func number() throws(DocumentError) -> JSON {
        let start = position
        let negative = take(UInt8(ascii: "-"))
        let digitsStart = position
        var magnitude: UInt64? = 0
        while let digit = takeDigit() {
            if let value = magnitude {
                let (product, overflow) = value.multipliedReportingOverflow(by: 10)
                let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
                magnitude = overflow || carry ? nil : sum
            }
        }
        guard position > digitsStart else { throw unexpected() }
        if bytes[digitsStart] == UInt8(ascii: "0"), position > digitsStart + 1 {
            throw failure("has a number that starts with 0", at: start)
        }
        var isInteger = true
        if take(UInt8(ascii: ".")) {
            isInteger = false
            guard takeDigit() != nil else { throw unexpected() }
            while takeDigit() != nil {}
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isInteger = false
            if !take(UInt8(ascii: "-")) { _ = take(UInt8(ascii: "+")) }
            guard takeDigit() != nil else { throw unexpected() }
            while takeDigit() != nil {}
        }
        if isInteger, let magnitude {
            if !negative { return JSON(magnitude) }
            if magnitude <= 1 << 63 { return .integer(Int64(truncatingIfNeeded: 0 &- magnitude)) }
        }
        guard position - start <= Self.numberLengthLimit,
            let value = Double(String(decoding: bytes[start..<position], as: UTF8.self)), value.isFinite
        else { throw failure("has a number out of range", at: start) }
        return .number(value)
    }

    private mutating func takeDigit() -> UInt8? {
        let digit = peek &- UInt8(ascii: "0")
        guard digit < 10 else { return nil }
        position += 1
        return digit
    }
}
