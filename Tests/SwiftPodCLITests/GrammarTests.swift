import OptionGrammar
import ContainerEngine
import SwiftPodCLI
import Testing

@Suite struct GrammarTests {
    @Test(
        arguments: [
            ("ctrl-p,ctrl-q", [0x10, 0x11]), ("", []), ("a", [0x61]), ("A,CTRL-A", [0x41, 1]),
            ("ctrl-@,ctrl-_", [0, 0x1F]),
        ] as [(String, [UInt8])])
    func detachKeys(text: String, expected: [UInt8]) throws {
        #expect(try parseDetachKeys(text) == expected)
    }

    @Test(arguments: ["ab", ",", "ctrl-", "ctrl-1", "ctrl-pp", "\u{e9}", "a,,b"]) func badDetachKeys(text: String) {
        #expect(throws: CommandError.self) { try parseDetachKeys(text) }
    }

    @Test(arguments: [
        ("/a:/b", MountRequest(kind: .bind("/a"), destination: "/b")),
        ("./a:/b/", MountRequest(kind: .bind("/here/a"), destination: "/b")),
        ("..:/b", MountRequest(kind: .bind("/"), destination: "/b")),
        ("/a:/b:ro,Z", MountRequest(kind: .bind("/a"), destination: "/b", options: ["ro", "Z"])),
        ("/a:/b:", MountRequest(kind: .bind("/a"), destination: "/b")),
        ("data:/b:U", MountRequest(kind: .volume("data"), destination: "/b", options: ["U"])),
        ("/b", MountRequest(kind: .volume(nil), destination: "/b")),
    ])
    func volumes(text: String, expected: MountRequest) throws {
        #expect(try configuration("-v \(text)").mounts == [expected])
    }

    @Test(arguments: [
        ("type=bind,src=/a,dst=/b", MountRequest(kind: .bind("/a"), destination: "/b")),
        (
            "type=bind,source=a,target=/b,readonly,relabel=shared,bind-propagation=rshared",
            MountRequest(kind: .bind("/here/a"), destination: "/b", options: ["ro", "z", "rshared"])
        ),
        (
            "type=bind,src=/a,destination=/b,ro=false,bind-nonrecursive,U=true",
            MountRequest(kind: .bind("/a"), destination: "/b", options: ["rw", "U", "bind"])
        ),
        ("type=volume,src=v,dst=/b,ro", MountRequest(kind: .volume("v"), destination: "/b", options: ["ro"])),
        ("dst=/b", MountRequest(kind: .volume(nil), destination: "/b")),
        (
            "type=tmpfs,tmpfs-size=1m,tmpfs-mode=700,dst=/b,notmpcopyup",
            MountRequest(kind: .tmpfs, destination: "/b", options: ["size=1m", "mode=700", "notmpcopyup"])
        ),
        ("type=bind,\"src=/a,x\",dst=/b", MountRequest(kind: .bind("/a,x"), destination: "/b")),
    ])
    func mounts(text: String, expected: MountRequest) throws {
        #expect(try configuration("--mount \(text)").mounts == [expected])
    }

    @Test(arguments: [
        ("/a", MountRequest(kind: .tmpfs, destination: "/a")),
        ("/a:size=5,exec", MountRequest(kind: .tmpfs, destination: "/a", options: ["size=5", "exec"])),
    ])
    func tmpfs(text: String, expected: MountRequest) throws {
        #expect(try configuration("--tmpfs \(text)").mounts == [expected])
    }

    @Test(arguments: [
        "-v a:b:c:d", "-v a:b", "-v :/b", "-v /a:", "-v a/b:/c", "-v /a:/b:O", "--mount type=foo,dst=/b",
        "--mount type=bind,dst=/b", "--mount type=bind,src=/a", "--mount type=tmpfs,dst=/b,foo",
        "--mount type=bind,src=/a,dst=b", "--tmpfs a", "--mount type=bind,src=,dst=/b",
    ])
    func wrongMounts(options: String) {
        #expect(refusal(options + " image").hasPrefix("invalid argument"))
    }

    private static func port(
        _ address: String?, _ host: UInt16?, _ container: UInt16, _ transport: String = "tcp"
    ) -> NetworkOptions.PortMapping {
        .init(hostAddress: address, hostPort: host, containerPort: container, transport: transport)
    }

    @Test(arguments: [
        ("80", [port(nil, nil, 80)]),
        ("8080:80", [port(nil, 8080, 80)]),
        ("8080:80/udp", [port(nil, 8080, 80, "udp")]),
        ("127.0.0.1:8080:80", [port("127.0.0.1", 8080, 80)]),
        ("127.0.0.1::80", [port("127.0.0.1", nil, 80)]),
        ("0.0.0.0:8080:80", [port(nil, 8080, 80)]),
        ("[::1]:8080:80", [port("::1", 8080, 80)]),
        ("8080-8082:80-82", [port(nil, 8080, 80), port(nil, 8081, 81), port(nil, 8082, 82)]),
        ("80-81", [port(nil, nil, 80), port(nil, nil, 81)]),
        ("65535:65535", [port(nil, 65535, 65535)]),
    ])
    func ports(text: String, expected: [NetworkOptions.PortMapping]) throws {
        #expect(try NetworkOptions.PortMapping.parse(text) == expected)
    }

    @Test(arguments: [
        "", "a", "0", "65536", "1:2:3:4", "1-3:5-6", "5-3:5-3", "80/sctp", "80/x", "[::1]80:80", "1:", "-1",
    ])
    func wrongPorts(text: String) {
        #expect(throws: CommandError.self) { try NetworkOptions.PortMapping.parse(text) }
    }

    @Test(
        arguments: [
            ("0", 0), ("5", 5), ("5b", 5), ("1k", 1024), ("64m", 64 << 20), ("1.5g", 3 << 29), ("2GiB", 2 << 30),
            ("1 kb", 1024),
            ("65536k", 64 << 20),
        ] as [(String, UInt64)])
    func sizes(text: String, bytes: UInt64) throws {
        #expect(try parseSize(text) == bytes)
    }

    @Test(arguments: ["", "x", "-1", "1x", "99999999999999999999", "9999999999g", ".", "1k1"])
    func wrongSizes(text: String) {
        #expect(throws: CommandError.self) { try parseSize(text) }
    }

    @Test(
        arguments: [
            ("250ms", 250_000_000), ("1h30m", 5_400_000_000_000), ("1.5s", 1_500_000_000), ("0", 0),
            ("-2s", -2_000_000_000),
        ] as [(String, Int64)])
    func durations(text: String, nanoseconds: Int64) throws {
        #expect(try parseDuration(text) == nanoseconds)
    }

    @Test(arguments: ["", "5", "s", "1x", "1h30", "9999999999999h"])
    func wrongDurations(text: String) {
        #expect(throws: CommandError.self) { try parseDuration(text) }
    }

    @Test(arguments: [
        ("a", ["a"]), ("a,b", ["a", "b"]), ("a,", ["a", ""]), ("\"a,b\",c", ["a,b", "c"]), ("\"a\"\"b\"", ["a\"b"]),
        ("a\"b,c", ["a\"b", "c"]),
    ])
    func lists(text: String, fields: [String]) {
        #expect(splitList(text) == fields)
    }

    @Test(arguments: [
        ("/a/../b/./c//", "/b/c"), ("/..", "/"), ("a/..", "."), ("../a", "../a"), ("", "."),
    ])
    func paths(path: String, clean: String) {
        #expect(cleanPath(path) == clean)
    }

    @Test func storePaths() throws {
        func paths(_ environment: [(String, String)], _ uid: UInt32, root: String? = nil) throws -> StorePaths {
            var globals = GlobalOptions()
            globals.root = root
            return try StorePaths(globals, caller: caller(environment: environment), uid: uid)
        }
        #expect(try paths([], 0).data == "/var/lib/swiftpod")
        #expect(try paths([], 0).runtime == "/run/swiftpod")
        #expect(try paths([("HOME", "/h")], 7).data == "/h/.local/share/swiftpod")
        #expect(try paths([("HOME", "/h"), ("XDG_DATA_HOME", "/d")], 7).data == "/d/swiftpod")
        #expect(try paths([("HOME", "/h"), ("XDG_RUNTIME_DIR", "/r")], 7).runtime == "/r/swiftpod")
        #expect(try paths([("HOME", "/h")], 4_000_000_000).runtime == "/tmp/swiftpod-run-4000000000")
        #expect(try paths([], 7, root: "x").data == "/here/x")
        #expect(throws: CommandError.self) { try paths([], 7) }
    }
}
