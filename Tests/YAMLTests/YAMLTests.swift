import OCISpec
import Testing
import YAML

@Suite struct YAMLTests {
    @Test(arguments: scalarRows)
    func scalars(text: String, value: JSON) throws {
        #expect(try JSON(yaml: text) == value)
    }

    @Test func serveFile() throws {
        let text = """
            # what a user writes
            applications:
              - name: whisper
                runtime_env: &env
                  container:
                    image: "localhost/whisper:1"
                    run_options: ['--device nvidia.com/gpu=all', --cap-drop=ALL]
                port: 8000
              - {name: resnet, runtime_env: *env}
            text: |
              two
              lines
            """
        let env: JSON = [
            "container": [
                "image": "localhost/whisper:1", "run_options": ["--device nvidia.com/gpu=all", "--cap-drop=ALL"],
            ]
        ]
        let expected: JSON = [
            "applications": [
                ["name": "whisper", "runtime_env": env, "port": 8000], ["name": "resnet", "runtime_env": env],
            ],
            "text": "two\nlines",
        ]
        #expect(try JSON(yaml: text) == expected)
    }

    @Test func mergesAsPyYAML() throws {
        let text = """
            base: &base {a: 1, b: 2}
            other: &other {a: 5, c: 6}
            one: {<<: *base, b: 3}
            two: {<<: [*base, *other], d: 4}
            quoted: {"<<": 7}
            """
        let value = try JSON(yaml: text)
        #expect(value["one"] == ["b": 3, "a": 1])
        #expect(value["two"] == ["d": 4, "a": 1, "b": 2, "c": 6])
        #expect(value["quoted"] == ["<<": 7])
    }

    @Test func namesAreTexts() throws {
        #expect(try JSON(yaml: "5: a\nyes: b\n~: c\n&k k: *k") == ["5": "a", "yes": "b", "~": "c", "k": "k"])
    }

    @Test(arguments: refusedRows)
    func refused(text: String, reason: String) {
        let error = #expect(throws: DocumentError.self) { try JSON(yaml: text) }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
    }

    @Test func invalidUTF8IsRefused() {
        #expect(throws: DocumentError.self) { try JSON(yaml: [UInt8(ascii: "a"), 0xFF]) }
        // UTF-16 with its mark.
        #expect(throws: DocumentError.self) { try JSON(yaml: [0xFF, 0xFE, 0x61, 0x00]) }
    }

    @Test func aliasesOfAliasesEnd() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<12 {
            let alias = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(alias)]\n"
        }
        let error = #expect(throws: DocumentError.self) { try JSON(yaml: text) }
        #expect(error?.description.contains("more than 1048576 values") == true)
    }

    @Test func longTextsByAliasEnd() {
        let text = "a: &a \(String(repeating: "x", count: 1 << 20))\nb: [" + String(repeating: "*a,", count: 100) + "]"
        let error = #expect(throws: DocumentError.self) { try JSON(yaml: text) }
        #expect(error?.description.contains("bytes of text") == true)
    }

    @Test func depthAndLengthEnd() throws {
        let deep = String(repeating: "[", count: 100_000)
        let error = #expect(throws: DocumentError.self) { try JSON(yaml: deep) }
        #expect(error?.description.contains("nests deeper than 128 levels") == true)
        let allowed = String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
        _ = try JSON(yaml: allowed)
        let half = String(repeating: "[", count: 64) + "&b 1" + String(repeating: "]", count: 64)
        _ = try JSON(yaml: "- &a \(half)\n- \(half.replacing("&b 1", with: "[[[]]]"))")
        let chained = "[&a \(half), \(half.replacing("&b 1", with: "*a"))]"
        let deeper = #expect(throws: DocumentError.self) { try JSON(yaml: chained) }
        #expect(deeper?.description.contains("nests deeper than 128 levels") == true)
        _ = try JSON(yaml: "[&a \(half), \(String(half.dropFirst().dropLast()).replacing("&b 1", with: "*a"))]")
        var limits = JSON.YAMLLimits()
        limits.bytes = 3
        #expect(throws: DocumentError.self) { try JSON(yaml: Array("abcd".utf8), limits: limits) }
        #expect(try JSON(yaml: Array("abc".utf8), limits: limits) == "abc")
    }
}

private let scalarRows: [(String, JSON)] = [
    ("", JSON.null), ("~", .null), ("null", .null), ("text", "text"), ("'5'", "5"), ("\"a\\tb\"", "a\tb"),
    ("5", 5), ("-5", -5), ("+5", 5), ("0x1F", 31), ("0b101", 5), ("0o17", 15), ("0660", 432), ("1_000", 1000),
    ("0", 0),
    ("18446744073709551615", .unsigned(.max)), ("0.5", 0.5), ("-1.5e+3", -1500.0), ("1e3", 1000.0), (".5", 0.5),
    ("184467440737095516160", .number(184467440737095516160)),
    ("yes", true), ("Off", false), ("true", true), ("FALSE", false), ("y", "y"), ("tRue", "tRue"),
    ("1.2.3", "1.2.3"), ("--5", "--5"), ("+-5", "+-5"), ("089", "089"), ("0x", "0x"), (".inf", ".inf"),
    ("-", [.null]),
    ("8080:80", "8080:80"), ("2001-01-01", "2001-01-01"), ("_1", "_1"), ("-_1", "-_1"), (".", "."), ("e5", "e5"),
    ("!!str 5", "5"), ("! 5", "5"), ("!!int '5'", 5), ("--- 5\n...\n", 5), ("# nothing\n", .null),
]

private let refusedRows: [(String, String)] = [
    ("a: b: c", "mapping values are not allowed"), ("[1, 2", "at line 2, column 1"),
    ("a: 1\na: 2", "\"a\" twice at line 2, column 1"),
    ("a: *b", "no anchor &b before *b at line 1, column 4"), ("&a [*a]", "no anchor &a before *a"),
    ("? [1]\n: 2", "a name that is a list or a map"), ("!foo 5", "means nothing here: !foo"),
    ("!!int five", "not of its tag"), ("--- 1\n--- 2\n", "second document at line 2"),
    ("<<: 5", "merges what is not a map"),
    ("!!python/object:os.system x", "means nothing here: tag:yaml.org,2002:python/object:os.system"),
    ("\u{0}", "line 1"), ("a:\n\t- b", "line 2"), ("%YAML 3.0\n---\n1", "incompatible"),
]
