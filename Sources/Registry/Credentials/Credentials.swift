/// What a caller proves its identity with.
public struct Credentials: Equatable, Sendable {
    public var username: String
    public var password: String
    /// A long-lived token that is exchanged for access tokens, instead of a password.
    public var identityToken: String?

    public init(username: String, password: String, identityToken: String? = nil) {
        self.username = username
        self.password = password
        self.identityToken = identityToken
    }

    /// `USER[:PASSWORD]`, the argument of `--creds`.
    ///
    /// - Throws: `.invalid` where there is no user name.
    public init(argument: String) throws(RegistryError) {
        let parts = argument.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let username = parts.first, !username.isEmpty else {
            throw RegistryError(.invalid, "read credentials: the user name is missing")
        }
        self.init(username: String(username), password: parts.count > 1 ? String(parts[1]) : "")
    }

    var isEmpty: Bool { username.isEmpty && password.isEmpty && identityToken == nil }

    /// The `Authorization` value of basic authentication, also the `auth` member of an auth file after `Basic `.
    var basic: String { Base64.encode(Array("\(username):\(password)".utf8)) }
}

/// RFC 4648's base 64, because Foundation's is out of bounds here.
package enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    package static func encode(_ bytes: [UInt8]) -> String {
        var result: [UInt8] = []
        result.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var bits: UInt32 = 0
            for (index, byte) in group.enumerated() { bits |= UInt32(byte) << (16 - 8 * index) }
            for digit in 0..<4 {
                result.append(
                    digit <= group.count ? alphabet[Int(bits >> (18 - 6 * digit)) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// nil where the text is no base 64; padding may be missing, as some tools leave it out.
    package static func decode(_ text: String) -> [UInt8]? {
        var result: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        var digits = Array(text.utf8)
        var padding = 0
        while digits.last == UInt8(ascii: "=") {
            digits.removeLast()
            padding += 1
        }
        guard padding <= 2, digits.count % 4 != 1 else { return nil }
        for digit in digits {
            let value: UInt8
            switch digit {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = digit - UInt8(ascii: "A")
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = digit - UInt8(ascii: "a") + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digit - UInt8(ascii: "0") + 52
            case UInt8(ascii: "+"): value = 62
            case UInt8(ascii: "/"): value = 63
            default: return nil
            }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                result.append(UInt8(truncatingIfNeeded: bits >> count))
            }
        }
        return result
    }
}
