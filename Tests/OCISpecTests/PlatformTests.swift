import OCISpec
import Testing

@Suite struct PlatformTests {
    static let names: [(String, String)] = [
        ("linux/amd64", "linux/amd64"), ("amd64", "linux/amd64"), ("x86_64", "linux/amd64"),
        ("linux/x86-64", "linux/amd64"), ("linux/amd64/v1", "linux/amd64"), ("linux/amd64/v3", "linux/amd64/v3"),
        ("aarch64", "linux/arm64"), ("linux/arm64/v8", "linux/arm64"), ("linux/arm64/8", "linux/arm64"),
        ("linux/arm64/v8.2", "linux/arm64/v8.2"), ("linux/arm64/v9.0", "linux/arm64/v9"), ("arm", "linux/arm/v7"),
        ("linux/arm/7", "linux/arm/v7"), ("armhf", "linux/arm/v7"), ("armel", "linux/arm/v6"),
        ("linux/i386", "linux/386"), ("Linux/AMD64", "linux/amd64"), ("linux/s390x", "linux/s390x"),
        ("windows/amd64", "windows/amd64"),
    ]

    @Test(arguments: names) func readsAsIndexesWriteIt(text: String, expected: String) throws {
        #expect(try Platform(parsing: text).description == expected)
    }

    @Test(arguments: [
        "", "/", "linux/", "/amd64", "linux//v8", "a/b/c/d", "linux/amd 64", "linux/amd64\n", "li\0nux/amd64",
    ])
    func refuses(text: String) {
        #expect(throws: DocumentError.self) { try Platform(parsing: text) }
    }

    @Test func errorStaysOnOneLine() {
        #expect(
            throws: DocumentError(reason: #"platform "a\u{a}b/c" is not OS/ARCHITECTURE[/VARIANT]"#)
        ) { try Platform(parsing: "a\nb/c") }
    }

    static let candidates: [(String, [String])] = [
        ("linux/amd64", ["linux/amd64"]),
        ("linux/amd64/v3", ["linux/amd64/v3", "linux/amd64/v2", "linux/amd64"]),
        ("linux/arm/v7", ["linux/arm/v7", "linux/arm/v6", "linux/arm/v5"]),
        ("linux/arm/v5", ["linux/arm/v5"]),
        ("linux/arm64", ["linux/arm64"]),
        ("linux/arm64/v8.2", ["linux/arm64/v8.2", "linux/arm64/v8.1", "linux/arm64"]),
        (
            "linux/arm64/v9",
            ["v9", "v8.5", "v8.4", "v8.3", "v8.2", "v8.1"].map { "linux/arm64/" + $0 } + ["linux/arm64"]
        ),
        ("linux/s390x", ["linux/s390x"]),
        ("linux/amd64/v4000000000000000000000", ["linux/amd64/v4000000000000000000000", "linux/amd64"]),
    ]

    @Test(arguments: candidates) func listsWhatRuns(text: String, expected: [String]) throws {
        #expect(try Platform(parsing: text).candidates.map(\.description) == expected)
    }

    @Test func acceptsOlderVariantsOnly() throws {
        let machine = try Platform(parsing: "linux/amd64/v2")
        #expect(machine.accepts(try Platform(parsing: "linux/amd64")))
        #expect(machine.accepts(Platform(os: "linux", architecture: "x86_64", variant: "v2")))
        #expect(!machine.accepts(try Platform(parsing: "linux/amd64/v3")))
        #expect(!machine.accepts(try Platform(parsing: "linux/386")))
        #expect(!machine.accepts(try Platform(parsing: "windows/amd64")))
        #expect(Platform.host.accepts(.host))
    }

    @Test func keepsItsVariantInJSON() throws {
        let platform = Platform(os: "linux", architecture: "arm", variant: "v6")
        #expect(platform.json.text == #"{"architecture":"arm","os":"linux","variant":"v6"}"#)
        #expect(try Platform(json: platform.json) == platform)
    }
}
