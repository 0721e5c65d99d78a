/// One challenge of a `WWW-Authenticate` header (RFC 9110, section 11.6.1).
package struct AuthenticationChallenge: Equatable, Sendable {
    /// Lower case.
    package var scheme: String
    /// Names in lower case.
    package var parameters: [String: String]

    /// The challenges of one header value, which may hold several, with commas between them and inside them.
    ///
    /// Reads as much as makes sense: a server's slip must not cost what stands before it.
    package static func parse(_ header: String) -> [AuthenticationChallenge] {
        var scanner = Scanner(bytes: Array(header.utf8))
        var challenges: [AuthenticationChallenge] = []
        while true {
            scanner.skip { $0 == UInt8(ascii: ",") || Scanner.isBlank($0) }
            let word = scanner.token()
            guard !word.isEmpty else { return challenges }
            scanner.skip(Scanner.isBlank)
            if scanner.peek == UInt8(ascii: "="), !challenges.isEmpty {
                scanner.position += 1
                scanner.skip(Scanner.isBlank)
                let value = scanner.peek == UInt8(ascii: "\"") ? scanner.quotedString() : scanner.token()
                challenges[challenges.count - 1].parameters[word.lowercased()] = value
            } else {
                challenges.append(AuthenticationChallenge(scheme: word.lowercased(), parameters: [:]))
            }
        }
    }

    private struct Scanner {
        var bytes: [UInt8]
        var position = 0

        init(bytes: [UInt8]) {
            self.bytes = bytes
        }

        var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

        static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

        mutating func skip(_ isSkipped: (UInt8) -> Bool) {
            while let byte = peek, isSkipped(byte) { position += 1 }
        }

        /// Laxer than the grammar: unquoted URLs and base 64 come through.
        mutating func token() -> String {
            let start = position
            skip {
                !Scanner.isBlank($0) && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: "\"")
            }
            return String(decoding: bytes[start..<position], as: UTF8.self)
        }

        mutating func quotedString() -> String {
            position += 1
            var result: [UInt8] = []
            while let byte = peek {
                position += 1
                if byte == UInt8(ascii: "\"") { break }
                if byte == UInt8(ascii: "\\"), let next = peek {
                    result.append(next)
                    position += 1
                } else {
                    result.append(byte)
                }
            }
            return String(decoding: result, as: UTF8.self)
        }
    }
}

/// Where and for what to ask for a token.
package struct TokenRequest: Hashable, Sendable {
    package var realm: String
    package var service: String?
    package var scope: String?

    /// The request that a bearer challenge asks for; nil for other challenges and for one without a realm.
    ///
    /// - Parameter fallbackScope: for servers that leave the scope out.
    package init?(_ challenge: AuthenticationChallenge, fallbackScope: String?) {
        guard challenge.scheme == "bearer", let realm = challenge.parameters["realm"], !realm.isEmpty else {
            return nil
        }
        self.realm = realm
        service = challenge.parameters["service"].flatMap { $0.isEmpty ? nil : $0 }
        scope = challenge.parameters["scope"].flatMap { $0.isEmpty ? nil : $0 } ?? fallbackScope
    }
}
