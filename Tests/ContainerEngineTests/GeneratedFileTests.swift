import ContainerEngine
import OCISpec
import Testing

/// hosts, resolv.conf, hostname, .containerenv.
@Suite struct GeneratedFileTests {
    private func file(
        _ name: String, caller: CallerFacts = Fixture.rootless, _ change: (inout ContainerConfiguration) -> Void
    ) throws -> String? {
        try Fixture.build(caller: caller, change).files.first { $0.name == "files/" + name }
            .map { String(decoding: $0.contents, as: UTF8.self) }
    }

    @Test func hostsOfTheHostsNetwork() throws {
        let text = try file("hosts") { $0.network.mode = .host }
        #expect(
            text == """
                127.0.0.1\tlocalhost
                192.0.2.7\tprinter
                192.0.2.9\thost.containers.internal host.docker.internal

                """)
    }

    @Test func hostsWithoutNetwork() throws {
        let text = try file("hosts") {
            $0.network.mode = NetworkOptions.Mode.none
            $0.network.addHosts = [("printer", "192.0.2.8"), ("gate;door", "host-gateway")]
        }
        #expect(
            text == """
                192.0.2.8\tprinter
                192.0.2.9\tgate door
                127.0.0.1\tlocalhost
                192.0.2.7\tprinter
                192.0.2.9\thost.containers.internal host.docker.internal
                127.0.0.1\t0123456789ab box

                """)
    }

    @Test func noHosts() throws {
        let made = try Fixture.build { $0.network.noHosts = true }
        #expect(!made.files.contains { $0.name == "files/hosts" })
        #expect(!made.runtime.mounts.contains { $0.destination == "/etc/hosts" })
    }

    /// The host's loopback is not the container's.
    @Test func resolverOfAPrivateNetwork() throws {
        #expect(try file("resolv.conf") { _ in } == "search example.test\nnameserver 192.0.2.1\n")
    }

    @Test func resolverOfTheHostsNetwork() throws {
        #expect(
            try file("resolv.conf") { $0.network.mode = .host }
                == "search example.test\nnameserver 127.0.0.53\nnameserver 192.0.2.1\n")
    }

    @Test func resolverOptions() throws {
        let text = try file("resolv.conf") {
            $0.network.dnsServers = ["9.9.9.9"]
            $0.network.dnsSearch = ["a.test", "b.test"]
            $0.network.dnsOptions = ["ndots:3"]
        }
        #expect(text == "search a.test b.test\nnameserver 9.9.9.9\noptions ndots:3\n")
        #expect(try file("resolv.conf") { $0.network.dnsSearch = ["."] } == "nameserver 192.0.2.1\n")
    }

    @Test(arguments: [
        ("nameserver 127.0.0.53\n", true, ["8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "2001:4860:4860::8844"]),
        ("nameserver ::1\nnameserver 2001:db8::1\n", true, ["2001:db8::1"]),
        ("nameserver 2001:db8::1\n", false, ["8.8.8.8", "8.8.4.4"]),
        ("# nameserver 192.0.2.1\n  nameserver\t192.0.2.2 # x\n", true, ["192.0.2.2"]),
    ])
    func filtered(_ host: String, _ hasIPv6: Bool, _ expected: [String]) {
        var now = ResolverFile.Situation()
        now.hasIPv6 = hasIPv6
        #expect(ResolverFile(NetworkOptions(), host: Array(host.utf8), now).nameServers == expected)
    }

    @Test func hostname() throws {
        #expect(try file("hostname") { _ in } == "0123456789ab\n")
        #expect(try file("hostname") { $0.hostname = "named" } == "named\n")
        #expect(try file("hostname") { $0.network.mode = .host } == "vm\n")
    }

    @Test func containerEnvironment() throws {
        #expect(try file("containerenv") { _ in } == "")
        let text = try file("containerenv") { $0.security.privileged = true }
        #expect(text?.contains("name=\"box\"\n") ?? false)
        #expect(text?.contains("image=\"localhost/img:plain\"\n") ?? false)
        #expect(text?.hasSuffix("rootless=1\n") ?? false)
    }

    /// Root of the container owns them, whatever id that is outside.
    @Test func owners() throws {
        let made = try Fixture.build { $0.namespaces.user = .keepID(uid: nil, gid: nil) }
        #expect(made.files.allSatisfy { $0.uid == 1 && $0.gid == 1 && $0.mode == 0o644 })
        #expect(made.rootEntries.allSatisfy { $0.uid == 1 && $0.gid == 1 })
    }

    @Test func userMountsComeFirst() throws {
        let made = try Fixture.build {
            $0.mounts = [.init(kind: .bind("/etc/hosts"), destination: "/etc/hosts", options: ["ro"])]
        }
        #expect(made.runtime.mounts.filter { $0.destination == "/etc/hosts" }.map(\.source) == ["/etc/hosts"])
    }
}
