import OCISpec
import SwiftPodCLI
import Testing

@Suite struct TemplateTests {
    static let value: JSON = [
        "ID": "abc", "Names": "web", "List": ["a", "b"], "Empty": [], "Number": 5, "Half": 0.5, "Off": false,
        "Map": ["k": "v", "a": "b"], "State": ["Pid": 7, "Health": .null], "Text": "x y",
        "Mounts": [["Source": "/a", "RW": true], ["Source": "/b", "RW": false]],
    ]

    @Test(arguments: [
        ("plain", "plain"),
        ("{{.ID}}", "abc"),
        ("{{ .ID }}\t{{.Names}}", "abc\tweb"),
        ("{{.State.Pid}}", "7"),
        ("{{.id}}", "abc"),
        ("{{.List}}", "[a b]"),
        ("{{.Map}}", "map[a:b k:v]"),
        ("{{.State.Health}}", "<nil>"),
        ("{{json .List}}", "[\"a\",\"b\"]"),
        ("{{.Map | json}}", "{\"k\":\"v\",\"a\":\"b\"}"),
        ("{{len .List}} {{len .Text}}", "2 3"),
        ("{{index .List 1}}", "b"),
        ("{{index .Map \"k\"}}{{index .Map \"none\"}}", "v"),
        ("{{(index .Mounts 0).Source}}", "/a"),
        ("{{range .List}}<{{.}}>{{end}}", "<a><b>"),
        ("{{range $i, $e := .List}}{{$i}}={{$e}} {{end}}", "0=a 1=b "),
        ("{{range $k, $v := .Map}}{{$k}}{{$v}}{{end}}", "abkv"),
        ("{{range .Empty}}x{{else}}none{{end}}", "none"),
        ("{{range .Mounts}}{{if .RW}}{{.Source}} {{end}}{{end}}", "/a "),
        ("{{range .Mounts}}{{$.ID}}{{end}}", "abcabc"),
        ("{{if .Off}}a{{else if .Number}}b{{else}}c{{end}}", "b"),
        ("{{if and .ID (not .Off)}}yes{{end}}", "yes"),
        ("{{if or .Off .Empty}}yes{{else}}no{{end}}", "no"),
        ("{{if eq .Names \"web\" \"db\"}}1{{end}}{{if ne .Number 5}}2{{end}}{{if gt .Number 4}}3{{end}}", "13"),
        ("{{with .State}}{{.Pid}}{{end}}", "7"),
        ("{{$x := .ID}}{{$x}}{{$x}}", "abcabc"),
        ("{{join .List \",\"}}", "a,b"),
        ("{{upper .ID}} {{.Names | upper | lower}} {{title .Text}}", "ABC web X Y"),
        ("{{split .Text \" \"}}", "[x y]"),
        (
            "{{printf \"%s-%5d|%-4s|%.1f|%q|%v%%\" .ID .Number .Names .Half .ID .Off}}",
            "abc-    5|web |0.5|\"abc\"|false%"
        ),
        ("{{slice .ID 1}}{{slice .ID 0 1}}", "bca"),
        ("a {{- \" b \" -}} c", "a b c"),
        ("a{{/* nothing */}}b", "ab"),
        ("{{\"}}\"}}{{`{{`}}", "}}{{"),
        ("{{println .ID 1}}", "abc 1\n"),
        ("{{truncate .Text 1}}|{{pad .ID 1 2}}|", "x| abc  |"),
    ])
    func renders(template: String, expected: String) throws {
        #expect(try Template(template).render(Self.value) == expected)
    }

    @Test(arguments: [
        "{{.Nope}}", "{{.ID.Nope}}", "{{", "{{.ID", "{{end}}", "{{if .ID}}", "{{range .ID}}{{end}}", "{{nope .ID}}",
        "{{index .List 9}}", "{{}}", "{{.ID .Names}}", "{{(.ID}}", "{{.ID)}}", "{{$x}}",
        "{{if .ID}}{{else}}{{else}}{{end}}",
        "{{\"open}}", "{{len}}", "{{/* open}}", "{{.ID | }}",
    ])
    func refuses(template: String) {
        do {
            _ = try Template(template).render(Self.value)
            Issue.record("rendered")
        } catch { #expect(error.message.hasPrefix("template: ")) }
    }

    @Test(
        arguments: [
            (0, "Less than a second"), (1, "1 second"), (59, "59 seconds"), (60, "About a minute"), (150, "2 minutes"),
            (3599, "59 minutes"), (3600, "About an hour"), (7200, "2 hours"), (172_800, "2 days"),
            (86400 * 20, "2 weeks"),
            (86400 * 100, "3 months"), (86400 * 800, "2 years"), (-5, "Less than a second"),
        ] as [(Int64, String)])
    func durations(seconds: Int64, text: String) {
        #expect(humanDuration(seconds: seconds) == text)
    }

    @Test(
        arguments: [
            (0, "0 B"), (999, "999 B"), (1000, "1 kB"), (1_997_976, "2 MB"), (2_070_000, "2.07 MB"),
            (1_234_567_890, "1.23 GB"),
        ] as [(Int64, String)])
    func sizes(bytes: Int64, text: String) {
        #expect(humanSize(bytes) == text)
    }

    @Test func columns() {
        #expect(
            alignColumns(["ID\tLONG NAME OF A COLUMN\tEND", "a\tb\tc", "\t\t"])
                == "ID          LONG NAME OF A COLUMN  END\na           b                      c\n"
                + "                                   \n")
    }
}
