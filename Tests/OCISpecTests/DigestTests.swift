import OCISpec
import Testing

private let digits = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

@Suite struct DigestTests {
    @Test func readsAndWrites() throws {
        let digest = try Digest(parsing: "sha256:" + digits)
        #expect(digest.hex == digits)
        #expect(digest.description == "sha256:" + digits)
        #expect(try Digest(json: digest.json) == digest)
    }

    @Test func wrapsWhatTheHashGave() {
        let bytes = stride(from: 0, to: 64, by: 2).map { UInt8(digits.dropFirst($0).prefix(2), radix: 16)! }
        #expect(Digest(bytes: bytes) == Digest("sha256:" + digits))
    }

    static let flaws: [(String, String)] = [
        ("", "is not a sha256 digest"), (digits, "is not a sha256 digest"), ("sha256", "is not a sha256 digest"),
        ("SHA256:" + digits, "is not a sha256 digest"), (" sha256:" + digits, "is not a sha256 digest"),
        ("sha512:" + digits + digits, "is a sha512 digest, only sha256 is supported"),
        ("md5:d41d8cd98f00b204e9800998ecf8427e", "is not a sha256 digest"),
        ("sha256:", "is not sha256: and 64 lower-case hexadecimal digits"),
        ("sha256:" + digits.dropLast(), "is not sha256: and 64 lower-case hexadecimal digits"),
        ("sha256:" + digits + "0", "is not sha256: and 64 lower-case hexadecimal digits"),
        ("sha256:" + digits.uppercased(), "is not sha256: and 64 lower-case hexadecimal digits"),
        ("sha256:" + digits.dropLast() + "g", "is not sha256: and 64 lower-case hexadecimal digits"),
        ("sha256:" + digits.dropLast() + "\n", "is not sha256: and 64 lower-case hexadecimal digits"),
        ("sha256:" + digits + "\0", "is not sha256: and 64 lower-case hexadecimal digits"),
        ("sha256:../../" + digits.dropLast(6), "is not sha256: and 64 lower-case hexadecimal digits"),
        // Arabic digits are digits to Swift's characters.
        ("sha256:" + String(repeating: "\u{660}", count: 64), "is not sha256: and 64 lower-case hexadecimal digits"),
    ]

    @Test(arguments: flaws) func refuses(text: String, reason: String) {
        #expect(throws: DocumentError(reason: reason)) { try Digest(parsing: text) }
        #expect(Digest(text) == nil)
    }
}
