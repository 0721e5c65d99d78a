import DeviceInjection
import OCISpec
import Testing

/// Which documents are CDI and which are not, and what the errors say.
@Suite struct DecodingTests {
    static func document(
        version: String = "1.1.0", kind: String = "vendor.com/dev", top: String = "", device: String = "",
        edits: String = #""env": ["A=b"]"#, name: String = "one"
    ) -> String {
        """
        {"cdiVersion": "\(version)", "kind": "\(kind)"\(top.isEmpty ? "" : ", " + top), "devices": [
          {"name": "\(name)"\(device.isEmpty ? "" : ", " + device), "containerEdits": {\(edits)}}]}
        """
    }

    static func reason(_ text: String) -> String {
        do {
            _ = try CDISpecification(parsing: text.utf8)
            return "accepted"
        } catch { return "\(error)" }
    }

    static let everything = #"""
        {"cdiVersion": "1.1.0", "kind": "vendor.com/dev", "annotations": {"a.b/c": "d"},
         "devices": [{"name": "0", "annotations": {"k": "v"}, "containerEdits": {
            "env": ["FOO=bar", "EMPTY="],
            "deviceNodes": [{"path": "/dev/a", "hostPath": "/host/a", "type": "c", "major": 10, "minor": 3,
                "fileMode": 432, "permissions": "rw", "uid": 5, "gid": 6}, {"path": "/dev/b", "permissions": "none"}],
            "netDevices": [{"hostInterfaceName": "eth7", "name": "net0"}],
            "hooks": [{"hookName": "createContainer", "path": "/bin/h", "args": ["h", "x"], "env": ["H=1"],
                "timeout": 3}],
            "mounts": [{"hostPath": "/lib/a", "containerPath": "/lib/b", "options": ["ro"], "type": "none"}],
            "intelRdt": {"closID": "c", "l3CacheSchema": "L3:0=f", "memBwSchema": "MB:0=7", "schemata": ["L2:0=1"],
                "enableMonitoring": true},
            "additionalGids": [7, 0]}}],
         "containerEdits": {"env": ["ALL=1"]}}
        """#

    @Test("everything that there is, read and written") func everything() throws {
        let specification = try CDISpecification(parsing: Self.everything.utf8)
        #expect(specification.json == (try JSON(parsing: Self.everything)))
        #expect(specification.minimumVersion == .v1_1)
        let edits = specification.devices[0].edits
        #expect(edits.deviceNodes[0].source == "/host/a")
        #expect(edits.deviceNodes[1].access == "")
        #expect(edits.hooks[0].timeout == 3)
    }

    static let refused: [(String, String)] = [
        (document(top: #""more": 1"#), "more is not a member that CDI knows"),
        (document(device: #""extra": {}"#), "devices[0].extra is not a member that CDI knows"),
        (document(edits: #""envs": []"#), "devices[0].containerEdits.envs is not a member"),
        (document(edits: #""deviceNodes": [{"path": "/a", "mode": 1}]"#), "deviceNodes[0].mode is not a member"),
        (document(edits: #""intelRdt": {"enableCMT": true}"#), "intelRdt.enableCMT is not a member"),
        (document(version: "1.2.0"), "cdiVersion is \"1.2.0\", which is no known version"),
        (document(version: "1.0"), "no known version"),
        (
            document(version: "0.6.0", edits: #""additionalGids": [1]"#),
            "is 0.6.0, but the document uses what came with 0.7.0"
        ),
        (
            document(version: "0.3.0", edits: #""mounts": [{"hostPath": "/a", "containerPath": "/b", "type": "x"}]"#),
            "came with 0.4.0"
        ),
        (document(version: "0.4.0", edits: #""deviceNodes": [{"path": "/a", "hostPath": "/b"}]"#), "came with 0.5.0"),
        (document(version: "0.4.0", name: "0"), "came with 0.5.0"),
        (document(version: "0.5.0", top: #""annotations": {"a": "b"}"#), "came with 0.6.0"),
        (document(version: "0.5.0", kind: "vendor.com/a.b"), "came with 0.6.0"),
        (
            document(version: "1.0.0", edits: #""netDevices": [{"hostInterfaceName": "a", "name": "b"}]"#),
            "came with 1.1.0"
        ),
        (document(version: "1.0.0", edits: #""intelRdt": {"enableMonitoring": true}"#), "came with 1.1.0"),
        (document(kind: "vendor.com"), "kind is wrong"),
        (document(kind: "vendor.com/a/b"), "kind is wrong"),
        (document(kind: "1vendor.com/a"), "must begin with a letter"),
        (document(edits: ""), "containerEdits is missing or empty"),
        (document(edits: #""env": ["NOVALUE"]"#), "env[0] is not NAME=VALUE"),
        (document(edits: #""env": ["=x"]"#), "env[0] is not NAME=VALUE"),
        (document(edits: #""deviceNodes": [{"path": ""}]"#), "path is not an absolute path"),
        (document(edits: #""deviceNodes": [{"path": "/a", "type": "z"}]"#), "not b, c, u or p"),
        (document(edits: #""deviceNodes": [{"path": "/a", "permissions": "rx"}]"#), "not some of rwm"),
        (document(edits: #""deviceNodes": [{"path": "/a", "major": -1}]"#), "no device number"),
        (document(edits: #""mounts": [{"hostPath": "/a"}]"#), "containerPath is missing"),
        (document(edits: #""hooks": [{"hookName": "later", "path": "/a"}]"#), "which is no hook"),
        (document(edits: #""hooks": [{"hookName": "poststop", "path": "a"}]"#), "path is not an absolute path"),
        (document(edits: #""hooks": [{"hookName": "poststop", "path": "/a", "timeout": 0}]"#), "not more than 0"),
        (document(edits: #""netDevices": [{"hostInterfaceName": "a/b", "name": "b"}]"#), "not the name of a network"),
        (document(edits: #""intelRdt": {"closID": "../x"}"#), "not a file name"),
        (document(top: #""annotations": {"a b": "c"}"#), "invalid key"),
        (document(name: "-a"), "must begin and end"),
        (#"{"cdiVersion": "1.0.0", "kind": "v.com/c", "devices": []}"#, "devices is missing or empty"),
        ("[]", "is not an object"), ("{", "line 1"),
    ]

    @Test("refused", arguments: refused) func refusals(_ text: String, _ words: String) {
        let reason = Self.reason(text)
        #expect(reason.contains(words), "\(reason)")
    }

    static let accepted = [
        document(version: "v0.6.0"), document(version: "0.3.0", edits: #""env": ["A=b=c"]"#),
        document(version: "0.5.0", name: "0a:b"), document(version: "0.7.0", edits: #""intelRdt": {"closID": "/"}"#),
        document(version: "0.3.0", edits: #""deviceNodes": [{"path": "/a", "hostPath": ""}]"#),
    ]

    @Test("accepted", arguments: accepted) func acceptance(_ text: String) { #expect(Self.reason(text) == "accepted") }

    static let names: [(String, Bool)] = [
        ("nvidia.com/gpu=0", true), ("nvidia.com/gpu=all", true), ("a/b=c", true), ("v-1.x_y/c.d-e_f=GPU-1:2.3", true),
        ("nvidia.com/gpu=", false), ("/dev/null", false), ("/dev/x=y", false), ("nvidia.com=0", false),
        ("nvidia.com/gpu", false), ("/gpu=0", false), ("nvidia.com/=0", false), ("nvidia.com-/gpu=0", false),
        ("nvidia.com/gpu=0=1", false), ("nvidia.com/gpu=a/b", false), ("nvidia.com/gpu=a:", false),
        ("nvidia.com/gp u=a", false), ("../x/y=z", false), ("a/b=\u{e4}", false),
    ]

    @Test("qualified names", arguments: names) func grammar(_ text: String, _ isName: Bool) {
        #expect(CDIName.isQualified(text) == isName)
        if isName { #expect((try? CDIName(text).description) == text) }
    }
}
