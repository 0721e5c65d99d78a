import OCISpec
import Registry
import Testing

@Suite struct RegistriesConfigurationTests {
    private func configuration(_ text: String) throws -> RegistriesConfiguration {
        let home = try ScratchHome()
        try home.write("etc/containers/registries.conf", text)
        return try RegistriesConfiguration.load(home.environment())
    }

    private static let sample = """
        unqualified-search-registries = ["one.example", "two.example:5000"]
        [[registry]]
        prefix = "example.com/foo"
        location = "internal.example/bar"
        [[registry.mirror]]
        location = "mirror-0.example/for-foo"
        [[registry.mirror]]
        location = "mirror-1.example/m/foo"
        insecure = true
        [[registry]]
        location = "example.com"
        insecure = true
        [[registry]]
        location = "bad.example"
        blocked = true
        [[registry]]
        prefix = "*.wild.example"
        insecure = true
        [[registry]]
        location = "digests.example"
        mirror-by-digest-only = true
        [[registry.mirror]]
        location = "dm.example"
        [[registry]]
        location = "uses.example"
        [[registry.mirror]]
        location = "tags.example"
        pull-from-mirror = "tag-only"
        [[registry.mirror]]
        location = "only-digests.example"
        pull-from-mirror = "digest-only"
        [[registry]]
        prefix = "example.com/tagged:v1"
        location = "old.example/tagged:v1"
        [aliases]
        "short" = "alias.example/team/short"
        """

    private static let digest = "sha256:" + String(repeating: "a", count: 64)

    @Test(
        "mirrors and locations",
        arguments: [
            ("other.example/x:1", ["other.example/x:1"]),
            (
                "example.com/foo/image:latest",
                [
                    "mirror-0.example/for-foo/image:latest mirror",
                    "mirror-1.example/m/foo/image:latest mirror insecure",
                    "internal.example/bar/image:latest",
                ]
            ),
            ("example.com/foobar", ["example.com/foobar:latest insecure"]),
            ("example.com:5000/x", ["example.com:5000/x:latest insecure"]),
            ("example.community/x", ["example.community/x:latest"]),
            ("a.wild.example/x", ["a.wild.example/x:latest insecure"]),
            ("a.b.wild.example:81/x", ["a.b.wild.example:81/x:latest insecure"]),
            ("wild.example/x", ["wild.example/x:latest"]),
            ("evil.example/a.wild.example/x", ["evil.example/a.wild.example/x:latest"]),
            ("digests.example/x", ["digests.example/x:latest"]),
            ("digests.example/x@\(digest)", ["dm.example/x@\(digest) mirror", "digests.example/x@\(digest)"]),
            ("uses.example/x", ["tags.example/x:latest mirror", "uses.example/x:latest"]),
            ("uses.example/x@\(digest)", ["only-digests.example/x@\(digest) mirror", "uses.example/x@\(digest)"]),
            ("example.com/tagged:v1", ["old.example/tagged:v1"]),
            ("example.com/tagged:v2", ["example.com/tagged:v2 insecure"]),
        ])
    func sources(name: String, expected: [String]) throws {
        let sources = try configuration(Self.sample).sources(for: try Reference(parsing: name))
        #expect(
            sources.map { "\($0.reference)" + ($0.isMirror ? " mirror" : "") + ($0.insecure ? " insecure" : "") }
                == expected)
    }

    @Test func blocked() throws {
        let configuration = try configuration(Self.sample)
        #expect {
            try configuration.sources(for: try Reference(parsing: "bad.example/x"))
        } throws: {
            ($0 as? RegistryError)?.code == .blocked
                && "\($0)".hasPrefix("pull bad.example/x:latest: registry bad.example is blocked in ")
        }
    }

    @Test(
        "short names",
        arguments: [
            ("debian", ["one.example/debian:latest", "two.example:5000/debian:latest"]),
            ("team/debian:12", ["one.example/team/debian:12", "two.example:5000/team/debian:12"]),
            ("short", ["alias.example/team/short:latest"]),
            ("short:2", ["alias.example/team/short:2"]),
            ("short@\(digest)", ["alias.example/team/short@\(digest)"]),
            ("localhost/x", ["localhost/x:latest"]),
            ("host:5000/x", ["host:5000/x:latest"]),
            ("docker.io/debian", ["docker.io/library/debian:latest"]),
            ("docker://debian", ["docker.io/library/debian:latest"]),
        ])
    func candidates(name: String, expected: [String]) throws {
        #expect(try configuration(Self.sample).candidates(for: name).map(\.description) == expected)
    }

    @Test(arguments: ["Debian", "", "a//b", "x:", "x@sha256:12"])
    func refusesWhatIsNoName(name: String) throws {
        let configuration = try configuration(Self.sample)
        #expect { try configuration.candidates(for: name) } throws: { ($0 as? RegistryError)?.code == .invalid }
    }

    @Test func withoutAnyFileDockerIsSearched() throws {
        let home = try ScratchHome()
        let configuration = try RegistriesConfiguration.load(home.environment())
        #expect(try configuration.candidates(for: "debian").map(\.description) == ["docker.io/library/debian:latest"])
    }

    @Test func aFileWithoutSearchRegistriesMeansNone() throws {
        let configuration = try configuration("# nothing\n")
        #expect {
            try configuration.candidates(for: "debian")
        } throws: {
            "\($0)".hasPrefix("pull debian: the short name is no alias, and ")
                && "\($0)".hasSuffix("registries.conf defines no unqualified-search-registries")
        }
    }

    @Test func enforcingRefusesAmbiguity() throws {
        let configuration = try configuration(
            "unqualified-search-registries = [\"a.example\", \"b.example\"]\nshort-name-mode = \"enforcing\"")
        #expect {
            try configuration.candidates(for: "x")
        } throws: {
            "\($0)".contains("ambiguous (a.example, b.example)")
        }
    }

    @Test func dropInsComeLaterAndReplace() throws {
        let home = try ScratchHome()
        try home.write(
            "etc/containers/registries.conf",
            "unqualified-search-registries = ['system.example']\n[[registry]]\nlocation='r.example'\ninsecure=true")
        try home.write(
            "etc/containers/registries.conf.d/20-b.conf", "[aliases]\n'one' = 'b.example/one'\n'two' = 'b.example/two'")
        try home.write("etc/containers/registries.conf.d/10-a.conf", "[aliases]\n'one' = 'a.example/one'")
        try home.write("etc/containers/registries.conf.d/30.ignored", "nonsense")
        try home.write(
            "home/.config/containers/registries.conf.d/1.conf",
            "[aliases]\n'two' = ''\n[[registry]]\nlocation='r.example'\nblocked=true")
        try home.write("home/.cache/containers/short-name-aliases.conf", "[aliases]\n'three' = 'c.example/three'")
        let configuration = try RegistriesConfiguration.load(home.environment())
        #expect(configuration.aliases == ["one": "b.example/one", "three": "c.example/three"])
        #expect(configuration.registries.count == 1)
        #expect(configuration.registries[0].blocked && !configuration.registries[0].endpoint.insecure)
        #expect(configuration.searchRegistries == ["system.example"])

        // The user's main file takes the system's place; the drop-ins of both stay.
        try home.write("home/.config/containers/registries.conf", "unqualified-search-registries = ['user.example']")
        let own = try RegistriesConfiguration.load(home.environment())
        #expect(own.searchRegistries == ["user.example"])
        #expect(own.aliases["one"] == "b.example/one")

        let explicit = try home.write("mine.conf", "unqualified-search-registries = ['explicit.example']")
        let chosen = try RegistriesConfiguration.load(
            home.environment(["CONTAINERS_REGISTRIES_CONF": explicit]))
        #expect(chosen.searchRegistries == ["explicit.example"])
        #expect(throws: RegistryError(.configuration, "read /no/such.conf: no such file or directory")) {
            try RegistriesConfiguration.load(home.environment(["CONTAINERS_REGISTRIES_CONF": "/no/such.conf"]))
        }
    }

    @Test func versionOne() throws {
        let configuration = try configuration(
            """
            [registries.search]
            registries = ['a.example', 'b.example']
            [registries.insecure]
            registries = ['c.example']
            [registries.block]
            registries = ['d.example/untrusted']
            """)
        #expect(configuration.searchRegistries == ["a.example", "b.example"])
        #expect(try configuration.sources(for: Reference(parsing: "c.example/x"))[0].insecure)
        #expect(throws: RegistryError.self) {
            try configuration.sources(for: Reference(parsing: "d.example/untrusted/x"))
        }
    }

    @Test(
        "malformed files",
        arguments: [
            ("a = ", "line 1: a value is expected"),
            ("unqualified-search-registries = 'x'", "unqualified-search-registries is not an array"),
            (
                "unqualified-search-registries = ['a.example/b']",
                "unqualified-search-registries: a.example/b is not a host"
            ),
            ("[[registry]]\nblocked = true", "a registry has neither prefix nor location"),
            (
                "[[registry]]\nprefix = 'a.example'",
                "registry a.example has no location, which only a prefix like *.example.com may leave out"
            ),
            ("[[registry]]\nlocation = 'https://a.example'", "location https://a.example must not have a scheme"),
            ("[[registry]]\nlocation = 'a.example'\ninsecure = 'yes'", "insecure is neither true nor false"),
            (
                "[[registry]]\nprefix = 'a.*.example'\nlocation='x.example'",
                "prefix a.*.example: a wildcard stands only at the start of a host, as in *.example.com"
            ),
            (
                "[[registry]]\nlocation = 'a.example'\n[[registry.mirror]]\ninsecure = true",
                "a mirror of a.example has no location"
            ),
            (
                "[[registry]]\nlocation = 'a.example'\n[[registry.mirror]]\nlocation = 'b.example'\npull-from-mirror = 'x'",
                "mirror b.example: pull-from-mirror x is not one of all, digest-only, tag-only"
            ),
            (
                """
                [[registry]]
                location = 'a.example'
                mirror-by-digest-only = true
                [[registry.mirror]]
                location = 'b.example'
                pull-from-mirror = 'all'
                """, "mirror b.example: pull-from-mirror and mirror-by-digest-only exclude each other"
            ),
            (
                "[[registry]]\nlocation = 'a.example'\n[[registry]]\nprefix = 'b.example'\nlocation = 'a.example'\nblocked = true",
                "registry a.example is defined twice with conflicting blocked settings"
            ),
            ("short-name-mode = 'strict'", "short-name-mode strict is not one of enforcing, permissive, disabled"),
            ("[aliases]\n'a:1' = 'b.example/a'", "alias a:1 is not a short name without tag and digest"),
            ("[aliases]\n'a' = 'b'", "alias a = b is not a full name without tag and digest"),
            (
                "unqualified-search-registries = ['a.example']\n[registries.search]\nregistries = ['b.example']",
                "settings of version 1 and version 2 are mixed"
            ),
        ])
    func malformed(text: String, reason: String) throws {
        let home = try ScratchHome()
        let path = try home.write("etc/containers/registries.conf", text)
        #expect(throws: RegistryError(.configuration, "read \(path): \(reason)")) {
            try RegistriesConfiguration.load(home.environment())
        }
    }
}
