import OCISpec
import Testing

@Suite struct JSONTests {
    static let values: [(String, JSON)] = [
        ("null", .null), (" true ", true), ("\t\r\nfalse\n", false), ("0", 0), ("-0", 0), ("-1", -1),
        ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
        ("9223372036854775808", .unsigned(1 << 63)), ("18446744073709551615", .unsigned(.max)),
        ("18446744073709551616", .number(18_446_744_073_709_551_616)),
        ("-9223372036854775809", .number(-9_223_372_036_854_775_808)), ("1.5", 1.5), ("1e3", .number(1000)),
        ("-0.25E-2", -0.0025), ("1E+2", .number(100)), ("1e-400", .number(0)), ("\"\"", ""),
        (#""a\"\\\/\b\f\n\r\t""#, .string("a\"\\/\u{8}\u{C}\n\r\t")), (#""\u0041\u00e9\u20AC""#, "Aé€"),
        (#""\ud83d\ude00 \uDBFF\uDFFF""#, .string("😀 \u{10FFFF}")), (#""\u0000""#, .string("\0")),
        ("\"é€😀\u{7F}\"", "é€😀\u{7F}"), ("[]", []), ("[ ]", []), ("[1,[2],{}]", [1, [2], [:]]), ("{ }", [:]),
        (#"{"b":1,"a":{"b":[null]}}"#, ["b": 1, "a": ["b": [.null]]]),
    ]

    @Test(arguments: values) func reads(text: String, value: JSON) throws {
        #expect(try JSON(parsing: text) == value)
        // What we write reads back as the same.
        #expect(try JSON(parsing: value.encoded()) == value)
        #expect(try JSON(parsing: value.encoded(pretty: true)) == value)
    }

    static let flaws: [(String, String)] = [
        ("", "is an empty document"), (" \n", "is an empty document"),
        ("nul", "is not valid JSON: ends too early at line 1, column 4"),
        ("nulL", "is not valid JSON: has an unexpected character 'L' at line 1, column 4"),
        ("[1\n, 2,]", "is not valid JSON: has an unexpected character ']' at line 2, column 5"),
        ("[1] 2", "is not valid JSON: has an unexpected character '2' at line 1, column 5"),
        (#"{"a":1,"a":2}"#, #"is not valid JSON: has the name "a" twice at line 1, column 8"#),
        (#"{"\n":1,"\u000a":2}"#, #"is not valid JSON: has the name "\u{a}" twice at line 1, column 9"#),
        ("{\"\u{E9}\":1,\"e\u{301}\":2}", "is not valid JSON: has the name \"e\u{301}\" twice at line 1, column 9"),
        (#""\ud83d""#, "is not valid JSON: has half of a surrogate pair at line 1, column 2"),
        ("\u{FEFF}1", "is not valid JSON: has an unexpected byte 0xef at line 1, column 1"),
        ("1e999", "is not valid JSON: has a number out of range at line 1, column 1"),
        ("01", "is not valid JSON: has a number that starts with 0 at line 1, column 1"),
        ("\"a\tb\"", "is not valid JSON: has a control character in a string at line 1, column 3"),
    ]

    @Test(arguments: flaws) func saysWhatIsWrong(text: String, reason: String) {
        #expect(throws: DocumentError(reason: reason)) { try JSON(parsing: text) }
    }

    @Test(arguments: [
        "{", "[", "\"", "\"\\", "\"\\u", "\"\\u12", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{a:1}", "{1:1}",
        "[1 2]",
        "{\"a\" 1}", "{\"a\":1 \"b\":2}", "{,}", "[,1]", "+1", "-", ".5", "1.", "1.e1", "1e", "1e+", "-a", "00", "-01",
        "0x1",
        "NaN", "Infinity", "tru", "True", "'a'", #""\x""#, #""\u12g4""#, #""\udc00""#, #""\ud800\u0041""#,
        #""\ud800\ud800""#, #""\ud800x""#, "1,2", "{}{}", "//\n1", "\0", "1\0", "\u{A0}1",
    ])
    func refuses(text: String) {
        #expect(throws: DocumentError.self) { try JSON(parsing: text) }
    }

    @Test(
        arguments: [
            [0xFF], [0xC0, 0x80], [0xC3], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x80],
            [0xF8, 0x88, 0x80, 0x80, 0x80], [0x5C, 0x6E, 0xFF],
        ] as [[UInt8]])
    func refusesWhatIsNotUTF8(bytes: [UInt8]) {
        #expect(throws: DocumentError.self) { try JSON(parsing: [0x22] + bytes + [0x22]) }
        #expect(throws: DocumentError.self) { try JSON(parsing: bytes) }
    }

    @Test func nestsAsDeepAsTheLimitAndNoDeeper() throws {
        let limit = JSON.depthLimit
        let nested = { (depth: Int) in
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(try JSON(parsing: nested(limit)).array != nil)
        #expect(throws: DocumentError.self) { try JSON(parsing: nested(limit + 1)) }
        // Far deeper than any stack, unclosed, and of both kinds.
        #expect(throws: DocumentError.self) { try JSON(parsing: String(repeating: "[{\"a\":", count: 1_000_000)) }
    }

    @Test func refusesNumbersThatAreOnlyLong() {
        let digits = String(repeating: "1", count: 100_000)
        for text in [digits, "-" + digits, "0." + digits, "1e" + digits, "1e-" + digits] {
            #expect(throws: DocumentError.self) { try JSON(parsing: text) }
        }
    }

    @Test func findsDoubleNamesInLargeObjects() throws {
        let members = (0..<2000).map { "\"n\($0)\":\($0)" }
        let value = try JSON(parsing: "{" + members.joined(separator: ",") + "}")
        #expect(value.members?.count == 2000)
        #expect(value["n1999"] == 1999)
        for twice in [0, 11, 12, 1999] {
            #expect(throws: DocumentError.self) {
                try JSON(parsing: "{" + (members + ["\"n\(twice)\":0"]).joined(separator: ",") + "}")
            }
        }
    }

    @Test func readsOtherCollectionsThanArrays() throws {
        let bytes = Array("xx[1]yy".utf8)
        #expect(try JSON(parsing: bytes[2..<5]) == [1])
        let viewed = bytes.withUnsafeBytes { try? JSON(parsing: UnsafeRawBufferPointer(rebasing: $0[2..<5])) }
        #expect(viewed == [1])
    }

    @Test func writesCompactAndPretty() {
        let value: JSON = [
            "a": [], "b": [1, "x\u{1}\u{1F}\"\\/\u{8}\t\n\u{C}\r"], "c": [:], "d": 1.5, "e": .unsigned(.max),
        ]
        #expect(
            value.text
                == #"{"a":[],"b":[1,"x\u0001\u001f\"\\/\b\t\n\f\r"],"c":{},"d":1.5,"e":18446744073709551615}"#)
        let pretty: JSON = ["a": [1, [:]], "b": .null]
        #expect(
            String(decoding: pretty.encoded(pretty: true, indent: 2), as: UTF8.self) == """
                {
                  "a": [
                    1,
                    {}
                  ],
                  "b": null
                }
                """)
    }

    @Test func writesNoNumberThatJSONLacks() {
        #expect(JSON.number(.infinity).text == "null")
        #expect(JSON.number(.nan).text == "null")
    }

    @Test func looksInside() throws {
        let value: JSON = ["s": "x", "i": -1, "u": .unsigned(.max), "d": 1.5, "t": true, "n": .null]
        #expect(value["s"]?.string == "x")
        #expect(value["i"]?.integer == -1)
        #expect(value["i"]?.unsigned == nil)
        #expect(value["u"]?.unsigned == .max)
        #expect(value["u"]?.integer == nil)
        #expect(value["d"]?.double == 1.5)
        #expect(value["d"]?.integer == nil)
        #expect(value["t"]?.bool == true)
        #expect(value["n"]?.isNull == true)
        #expect(value["missing"] == nil)
        #expect(JSON.null["s"] == nil)
        #expect(value["s"]?.bool == nil)
    }

    @Test func setsMembers() {
        var value: JSON = ["a": 1]
        value.set("b", 2)
        value.set("a", 3)
        #expect(value == ["a": 3, "b": 2])
        value.set("a", nil)
        value.set("c", nil)
        #expect(value == ["b": 2])
    }
}

/// What a list of many documents does not read.
@Suite struct BeginningOfDocumentTests {
    @Test(arguments: [
        #"{"a": 1, "b": [2], "big": {"x": [1, {"}": "]\"}"}]}}"#, #"{"a": 1, "b": [2], "big": {"x"#,
        #" {"a": 1, "b": [2], "big": "#, #"{"a": 1, "b": [2], "big": null, "a": 2, rubbish"#,
    ])
    func endsBeforeTheName(_ text: String) throws {
        let json = try JSON(parsing: Array(text.utf8), before: "big")
        #expect(json == ["a": 1, "b": [2]])
    }

    @Test func onlyTheOutermostObjectIsCut() throws {
        let json = try JSON(parsing: Array(#"{"in": {"big": {"a": 1}}, "big": "#.utf8), before: "big")
        #expect(json == ["in": ["big": ["a": 1]]])
    }

    @Test(arguments: [
        #"{"a": 1, "b": [2"#, #"{"a": 1, "bi"#, #"{"a": 1}"#, "{}", "", "[1]", #"{"a": 1, "a": 2, "big": 3}"#,
        #"{"a": 1, "big""#,
    ])
    func aBeginningThatIsTooShortIsAnError(_ text: String) {
        #expect(throws: DocumentError.self) { try JSON(parsing: Array(text.utf8), before: "big") }
    }
}
