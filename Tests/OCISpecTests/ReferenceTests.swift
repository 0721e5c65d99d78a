import OCISpec
import Testing

private let digits = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

@Suite struct ReferenceTests {
    /// As written, in full, and whether no registry was named.
    static let names: [(text: String, full: String, short: Bool)] = [
        ("debian", "docker.io/library/debian:latest", true),
        ("debian:12", "docker.io/library/debian:12", true),
        ("debian@sha256:" + digits, "docker.io/library/debian@sha256:" + digits, true),
        ("debian:12@sha256:" + digits, "docker.io/library/debian:12@sha256:" + digits, true),
        ("library/debian", "docker.io/library/debian:latest", true),
        ("user/app:v1.0-rc_2", "docker.io/user/app:v1.0-rc_2", true),
        ("a/b/c", "docker.io/a/b/c:latest", true),
        ("docker.io/debian", "docker.io/library/debian:latest", false),
        ("index.docker.io/debian", "docker.io/library/debian:latest", false),
        ("docker.io/user/app", "docker.io/user/app:latest", false),
        ("localhost/app", "localhost/app:latest", false),
        ("localhost:5000/app:t", "localhost:5000/app:t", false),
        ("127.0.0.1:5000/a/b", "127.0.0.1:5000/a/b:latest", false),
        ("[::1]:5000/app", "[::1]:5000/app:latest", false),
        ("[fe80::1]/app", "[fe80::1]/app:latest", false),
        ("Registry.Example.com/app", "Registry.Example.com/app:latest", false),
        ("registry:5000/app", "registry:5000/app:latest", false),
        ("registry/app", "docker.io/registry/app:latest", true),
        ("xn--nxasmq6b.example/app", "xn--nxasmq6b.example/app:latest", false),
        ("registry.example/a__b/c.d/e---f/g_h:T_1.x", "registry.example/a__b/c.d/e---f/g_h:T_1.x", false),
        ("localhost", "docker.io/library/localhost:latest", true),
        (
            "app:" + String(repeating: "t", count: 128), "docker.io/library/app:" + String(repeating: "t", count: 128),
            true
        ),
        // A port or a tag: without a slash it is a tag.
        ("localhost:5000", "docker.io/library/localhost:5000", true),
        (
            String(repeating: "a", count: 255), "docker.io/library/" + String(repeating: "a", count: 255) + ":latest",
            true
        ),
    ]

    @Test(arguments: names) func reads(row: (text: String, full: String, short: Bool)) throws {
        let reference = try Reference(parsing: row.text)
        #expect(reference.description == row.full)
        #expect(try ImageName(parsing: row.text).isShort == row.short)
        #expect(try (Reference.parseShort(row.text) != nil) == row.short)
        // The full form means the same.
        if row.full.utf8.count < 255 { #expect(try Reference(parsing: reference.description) == reference) }
    }

    static let flaws: [(String, String)] = [
        ("", "it is empty"),
        ("Debian", "repository names are lower case"),
        ("registry.example/App", "repository names are lower case"),
        ("FOO/bar", "repository names are lower case"),
        ("https://registry.example/app", "it is a URL, leave out what stands before the host"),
        (digits, "64 hexadecimal digits are an image id"),
        ("debian:", "the tag is empty"),
        ("debian:-x", "a tag has letters, digits, _, . and -, and starts with none of the last two"),
        ("debian:a:b", "a tag has letters, digits, _, . and -, and starts with none of the last two"),
        ("debian:" + String(repeating: "t", count: 129), "the tag may have 128 characters"),
        ("debian@", "what follows the @ is not a sha256 digest"),
        ("debian@sha256:abc", "what follows the @ is not sha256: and 64 lower-case hexadecimal digits"),
        (
            "debian@sha256:" + digits.uppercased(),
            "what follows the @ is not sha256: and 64 lower-case hexadecimal digits"
        ),
        ("debian@sha512:" + digits + digits, "what follows the @ is a sha512 digest, only sha256 is supported"),
        (
            "a@sha256:" + digits + "@sha256:" + digits,
            "what follows the @ is not sha256: and 64 lower-case hexadecimal digits"
        ),
        ("@sha256:" + digits, "the repository is missing"),
        (":12", "the repository is missing"),
        ("localhost/", "the repository is missing"),
        ("localhost:5000/", "the repository is missing"),
        ("/debian", "the repository has an empty component"),
        ("debian/", "the repository has an empty component"),
        ("a//b", "the repository has an empty component"),
        ("localhost:/app", "the registry's port is not a number from 1 to 65535"),
        ("localhost:0/app", "the registry's port is not a number from 1 to 65535"),
        ("localhost:65536/app", "the registry's port is not a number from 1 to 65535"),
        ("localhost:+80/app", "the registry's port is not a number from 1 to 65535"),
        ("a:b/app", "the registry's port is not a number from 1 to 65535"),
        (".example/app", "the registry is not a host name"),
        ("registry..example/app", "the registry is not a host name"),
        ("-registry.example/app", "the registry is not a host name"),
        ("reg_istry.example/app", "the registry is not a host name"),
        ("../../etc/passwd", "the registry is not a host name"),
        ("user:password@registry.example/app", "what follows the @ is not a sha256 digest"),
        ("[::1/app", "the registry lacks a ]"),
        ("[::1]5/app", "the registry is not an address in brackets"),
        ("[]:5/app", "the registry is not an address in brackets"),
        ("[::g]:5/app", "the registry is not an address in brackets"),
        ("-a", "a component of the repository starts and ends with a letter or digit"),
        ("a-", "a component of the repository starts and ends with a letter or digit"),
        ("a/.b", "a component of the repository starts and ends with a letter or digit"),
        ("a___b", #""___" may not stand in a repository"#),
        ("a..b", #"".." may not stand in a repository"#),
        ("a-_b", #""-_" may not stand in a repository"#),
        ("a+b", "a repository has letters, digits, _, . and - between slashes"),
        ("a b", "only letters, digits and some punctuation may stand in it"),
        ("a\n", "only letters, digits and some punctuation may stand in it"),
        ("a\0b", "only letters, digits and some punctuation may stand in it"),
        ("dëbian", "only letters, digits and some punctuation may stand in it"),
        ("\u{212A}ernel", "only letters, digits and some punctuation may stand in it"),
        (String(repeating: "a", count: 256), "without tag and digest it may have 255 characters"),
        ("registry.example/" + String(repeating: "a", count: 239), "without tag and digest it may have 255 characters"),
        (String(repeating: "a/", count: 1_000_000), "it is too long"),
    ]

    @Test(arguments: flaws) func refuses(text: String, reason: String) {
        #expect(throws: ReferenceError(text: text, reason: reason)) { try Reference(parsing: text) }
    }

    @Test func errorIsOneLineOfBearableLength() {
        let error = #expect(throws: ReferenceError.self) {
            try Reference(parsing: "a\u{1B}[2J\n" + String(repeating: "b", count: 500))
        }
        let text = error?.description ?? ""
        #expect(text.hasPrefix(#"invalid image name "a\u{1b}[2J\u{a}bbb"#))
        #expect(text.hasSuffix(#"...": it is too long"#))
        #expect(text.count < 150)
    }

    static let familiar: [(String, String)] = [
        ("debian", "debian:latest"), ("user/app:1", "user/app:1"), ("localhost/app", "localhost/app:latest"),
        ("registry.example/app", "registry.example/app:latest"),
        ("docker.io/localhost/app", "docker.io/localhost/app:latest"),
        ("docker.io/a.b/app", "docker.io/a.b/app:latest"),
    ]

    @Test(arguments: familiar) func showsAsDockerDoes(text: String, shown: String) throws {
        #expect(try Reference(parsing: text).familiar == shown)
    }

    @Test func qualifiesShortNames() throws {
        let name = try ImageName(parsing: "app")
        #expect(name.qualified(with: "registry.example").description == "registry.example/app:latest")
        #expect(name.qualified(with: "localhost").description == "localhost/app:latest")
        #expect(name.qualified().description == "docker.io/library/app:latest")
        #expect(try ImageName(parsing: "quay.example/app").qualified(with: "other.example").registry == "quay.example")
    }
}
