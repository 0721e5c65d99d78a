import OCISpec
import Registry
import Testing

@Suite struct TOMLTests {
    @Test(
        "values and tables",
        arguments: [
            ("", "{}"),
            ("a = 1 # one", #"{"a":1}"#),
            ("a = 1_000\nb = -7\nc = true\nd = false", #"{"a":1000,"b":-7,"c":true,"d":false}"#),
            (#"a = "x\ty\u00e9\"" "#, #"{"a":"x\ty\#u{e9}\""}"#),
            (#"a = 'C:\n'"#, #"{"a":"C:\\n"}"#),
            ("a = \"\"\"\none\n  two\\\n   three\"\"\"", #"{"a":"one\n  twothree"}"#),
            ("a = '''x'y'''", #"{"a":"x'y"}"#),
            ("a = \"\"\"q\"\"\"\"\"", #"{"a":"q\"\""}"#),
            ("a = [\n 'x', # first\n \"y\",\n]\n", #"{"a":["x","y"]}"#),
            ("a = []", #"{"a":[]}"#),
            ("a.b.c = 1\na.d = 2", #"{"a":{"b":{"c":1},"d":2}}"#),
            ("\"a.b\" = 1\n'c' = 2", #"{"a.b":1,"c":2}"#),
            ("[t]\nx = 1\n[t.u]\ny = 2", #"{"t":{"x":1,"u":{"y":2}}}"#),
            (
                "[[r]]\nx = 1\n[[r.m]]\ny = 1\n[[r.m]]\ny = 2\n[[r]]\nx = 2",
                #"{"r":[{"x":1,"m":[{"y":1},{"y":2}]},{"x":2}]}"#
            ),
            ("[[r]]\n[r.s]\na = 1\n[[r]]\n[r.s]\na = 2", #"{"r":[{"s":{"a":1}},{"s":{"a":2}}]}"#),
            ("a = { b = 1, 'c' = [true] }", #"{"a":{"b":1,"c":[true]}}"#),
            ("a = 1\r\nb = 2\r\n", #"{"a":1,"b":2}"#),
            ("\u{feff}a = 1", #"{"a":1}"#),
            ("d = 1979-05-27T07:32:00Z\nf = 3.14", #"{"d":"1979-05-27T07:32:00Z","f":"3.14"}"#),
        ])
    func reads(text: String, json: String) throws {
        #expect(try TOML.parse(Array(text.utf8)).text == json)
    }

    @Test(
        "errors name the line",
        arguments: [
            ("a = ", 1, "a value is expected"),
            ("\n\na", 3, "= is expected"),
            ("a = yes", 1, "yes is not a value: strings are quoted"),
            ("a = 1\na = 2", 2, "key a is defined twice"),
            ("[t]\n[t]", 2, "table t is defined twice"),
            ("a = 1\n[[a]]", 2, "a is not an array"),
            ("a = 1\n[a.b]", 2, "table a.b is defined twice"),
            ("a = \"x", 1, "a string is not closed"),
            ("a = 'x\n'", 1, "a string is not closed"),
            ("a = [1 2]", 1, "a comma or ] is expected in an array"),
            ("a = 1 b = 2", 1, "the rest of the line is not understood"),
            ("= 1", 1, "a key is expected"),
            (#"a = "\q""#, 1, "an unknown escape in a string"),
            ("a = " + String(repeating: "[", count: 100), 1, "values are nested too deeply"),
        ])
    func refuses(text: String, line: Int, reason: String) {
        #expect {
            try TOML.parse(Array(text.utf8))
        } throws: { error in
            let error = error as? TOML.SyntaxError
            return error?.line == line && error?.reason == reason
        }
    }

    @Test func refusesOtherEncodings() {
        #expect(throws: TOML.SyntaxError.self) { try TOML.parse([0x61, 0x3d, 0x22, 0xff, 0x22]) }
    }
}
