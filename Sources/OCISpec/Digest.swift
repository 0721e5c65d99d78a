/// A content digest, `sha256:` and 64 lower-case hexadecimal digits. No other algorithm is accepted.
public struct Digest: Hashable, Sendable, CustomStringConvertible {
    /// The 64 hexadecimal digits.
    public let hex: String

    /// Wraps digits that are known to be right.
    public init(uncheckedHex hex: String) {
        self.hex = hex
    }

    public var description: String { "sha256:" + hex }
}

extension Digest {
    /// Reads `sha256:…`; nil for anything else, upper case and spaces included.
    public init?(_ text: String) {
        try? self.init(parsing: text)
    }

    /// Reads `sha256:…`.
    ///
    /// - Throws: `DocumentError` that says what is wrong with the text, without quoting it.
    public init(parsing text: String) throws(DocumentError) {
        let utf8 = Array(text.utf8)
        let prefix = Array("sha256:".utf8)
        guard utf8.starts(with: prefix) else {
            let algorithm = text.prefix { $0 != ":" }
            let known = ["sha512", "sha384"].contains(String(algorithm))
            throw DocumentError(
                reason: known ? "is a \(algorithm) digest, only sha256 is supported" : "is not a sha256 digest")
        }
        let digits = utf8.dropFirst(prefix.count)
        guard digits.count == 64, digits.allSatisfy(\.isLowerHexDigit) else {
            throw DocumentError(reason: "is not sha256: and 64 lower-case hexadecimal digits")
        }
        self.init(uncheckedHex: String(decoding: digits, as: UTF8.self))
    }

    /// Wraps the 32 bytes that the hash function gave.
    public init(bytes: some Collection<UInt8>) {
        precondition(bytes.count == 32, "SHA-256 has 32 bytes")
        let digits = Array("0123456789abcdef".utf8)
        var hex: [UInt8] = []
        hex.reserveCapacity(64)
        for byte in bytes {
            hex.append(digits[Int(byte >> 4)])
            hex.append(digits[Int(byte & 0xF)])
        }
        self.init(uncheckedHex: String(decoding: hex, as: UTF8.self))
    }
}

extension Digest: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        try self.init(parsing: try String(json: json))
    }

    public var json: JSON { .string(description) }
}

extension UInt8 {
    var isLowerHexDigit: Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(self)
    }

    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
    var isLowerLetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) }
    var isUpperLetter: Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) }
}
