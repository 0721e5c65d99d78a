import Foundation
import OCISpec
import Registry
import Testing

@Suite struct CredentialStoreTests {
    /// `user:NAME` as an auth file's entry.
    private func entry(_ key: String, _ password: String) -> String {
        "{\"auths\":{\"\(key)\":{\"auth\":\"\(Base64.encode(Array("user:\(password)".utf8)))\"}}}"
    }

    @Test func filesAreSearchedInPodmansOrder() throws {
        let home = try ScratchHome()
        let environment = home.environment(["XDG_RUNTIME_DIR": "$ROOT/runtime"])
        let places = [
            "home/.dockercfg", "home/.docker/config.json", "home/.config/containers/auth.json",
            "runtime/containers/auth.json",
        ]
        #expect(try CredentialStore(environment: environment).credentials(for: "r.example/a/b") == nil)
        for place in places {
            let text = entry("r.example", place)
            try home.write(
                place, place == "home/.dockercfg" ? String(text.dropFirst("{\"auths\":".count).dropLast()) : text)
            #expect(
                try CredentialStore(environment: environment).credentials(for: "r.example/a/b")
                    == Credentials(username: "user", password: place))
        }
        let explicit = try home.write("explicit.json", entry("r.example", "explicit"))
        for store in [
            CredentialStore(environment: environment, authFile: explicit),
            CredentialStore(environment: home.environment(["REGISTRY_AUTH_FILE": explicit])),
        ] {
            #expect(try store.credentials(for: "r.example/a/b")?.password == "explicit")
            #expect(store.primaryPath == explicit)
        }
    }

    @Test func dockersDirectoryMayBeElsewhere() throws {
        let home = try ScratchHome()
        try home.write("elsewhere/config.json", entry("r.example", "there"))
        let store = CredentialStore(environment: home.environment(["DOCKER_CONFIG": "$ROOT/elsewhere"]))
        #expect(try store.credentials(for: "r.example")?.password == "there")
        #expect(store.primaryPath == home.root + "/run/containers/1000/auth.json")
    }

    @Test(
        "the most specific entry wins",
        arguments: [
            ("r.example/team/app/web", "app"), ("r.example/team/app", "app"), ("r.example/team/other", "team"),
            ("r.example/else", "registry"), ("r.example:5000/team", nil), ("docker.io/library/debian", "hub"),
            ("old.example/x", "old"), ("older.example:99/x", "older"), ("empty.example/x", nil),
        ])
    func specific(key: String, password: String?) throws {
        func auth(_ password: String) -> String { "{\"auth\":\"\(Base64.encode(Array("u:\(password)".utf8)))\"}" }
        let home = try ScratchHome()
        try home.write(
            "home/.docker/config.json",
            """
            {"auths": {"r.example/team": \(auth("team")), "r.example": \(auth("registry")),
            "r.example/team/app": \(auth("app")), "https://index.docker.io/v1/": \(auth("hub")),
            "https://old.example": \(auth("old")), "http://older.example:99/v2/": \(auth("older")),
            "empty.example": {}}, "HttpHeaders": {"x": "y"}}
            """)
        #expect(try CredentialStore(environment: home.environment()).credentials(for: key)?.password == password)
    }

    @Test func identityTokens() throws {
        let home = try ScratchHome()
        try home.write(
            "home/.docker/config.json", #"{"auths": {"r.example": {"auth": "dTo=", "identitytoken": "refresh"}}}"#)
        #expect(
            try CredentialStore(environment: home.environment()).credentials(for: "r.example")
                == Credentials(username: "u", password: "", identityToken: "refresh"))
    }

    @Test(
        "malformed files are named",
        arguments: [
            ("{", nil), ("[]", "it is not a JSON object"), (#"{"auths": 1}"#, "auths is not an object"),
            (#"{"credHelpers": []}"#, "credHelpers is not an object"),
            (#"{"auths":{"r.example":{"auth":"!"}}}"#, "auth of r.example is not base 64 of user:password"),
            (#"{"auths":{"r.example":{"auth":"dXNlcg=="}}}"#, "auth of r.example is not base 64 of user:password"),
        ])
    func malformed(text: String, reason: String?) throws {
        let home = try ScratchHome()
        let path = try home.write("auth.json", text)
        let store = CredentialStore(environment: home.environment(), authFile: path)
        #expect {
            try store.credentials(for: "r.example")
        } throws: { error in
            let message = "\(error)"
            return (error as? RegistryError)?.code == .configuration
                && (reason.map { message == "read auth file \(path): \($0)" }
                    ?? message.hasPrefix("read auth file \(path): "))
        }
    }

    @Test func missingExplicitFile() throws {
        let home = try ScratchHome()
        #expect(throws: RegistryError(.configuration, "read auth file /no/auth.json: no such file or directory")) {
            try CredentialStore(environment: home.environment(), authFile: "/no/auth.json").credentials(
                for: "r.example")
        }
    }

    @Test func loginAndLogout() throws {
        let home = try ScratchHome()
        let environment = home.environment(["XDG_RUNTIME_DIR": "$ROOT/runtime"])
        let store = CredentialStore(environment: environment)
        let one = Credentials(username: "one", password: "p:1\u{e9}")
        #expect(try store.store(one, for: "r.example") == home.root + "/runtime/containers/auth.json")
        #expect(try home.mode("runtime/containers/auth.json") == 0o600)
        #expect(try home.mode("runtime/containers") == 0o700)
        #expect(home.names("runtime/containers") == ["auth.json"])
        try store.store(Credentials(username: "two", password: "p"), for: "r.example/team")
        #expect(try store.credentials(for: "r.example/x") == one)
        #expect(try store.credentials(for: "r.example/team/x")?.username == "two")
        #expect(try store.remove("r.example"))
        #expect(try !store.remove("r.example"))
        #expect(try store.credentials(for: "r.example/x") == nil)
        #expect(try store.credentials(for: "r.example/team/x")?.username == "two")
        try store.removeAll()
        #expect(try store.credentials(for: "r.example/team/x") == nil)
    }

    @Test func loginKeepsWhatItDoesNotKnow() throws {
        let home = try ScratchHome()
        let path = try home.write(
            "auth.json", #"{"HttpHeaders":{"a":"b"},"auths":{"o.example":{"auth":"dTpw","x":1}}}"#, mode: 0o644)
        try CredentialStore(environment: home.environment(), authFile: path)
            .store(Credentials(username: "u", password: "p"), for: "r.example")
        let text = try home.read("auth.json")
        for part in ["HttpHeaders", "\"x\": 1", "r.example"] { #expect(text.contains(part)) }
        #expect(try home.mode("auth.json") == 0o600)
    }

    /// A helper that keeps one secret in a file and logs what it was asked.
    private func installHelper(_ home: ScratchHome, _ name: String) throws {
        let text = try home.write(
            "helper.sh",
            """
            #!/bin/sh
            dir=\(home.root)
            read -r input || true
            echo "$1 $input" >> $dir/log
            case "$1" in
            get) if [ -f "$dir/secret-$input" ]; then cat "$dir/secret-$input"
                 else echo "credentials not found in native keychain"; exit 1; fi ;;
            store) echo "$input" > $dir/secret-r.example ;;
            erase) [ -f "$dir/secret-$input" ] || { echo "credentials not found in native keychain"; exit 1; }
                 rm "$dir/secret-$input" ;;
            esac
            """)
        // Made by another process: a fork of this one, by whatever test, would have it open for writing, and it could not
        // be executed.
        let program = "\(home.root)/bin/docker-credential-\(name)"
        let install = try Foundation.Process.run(
            URL(fileURLWithPath: "/usr/bin/install"), arguments: ["-D", "-m", "755", text, program])
        install.waitUntilExit()
        try #require(install.terminationStatus == 0)
    }

    @Test func helpers() throws {
        let home = try ScratchHome()
        try installHelper(home, "test")
        let path = try home.write("auth.json", #"{"credHelpers":{"r.example":"test"}}"#)
        let store = CredentialStore(
            environment: home.environment(["PATH": "$ROOT/bin:/usr/bin:/bin"]), authFile: path)
        #expect(try store.credentials(for: "r.example/x") == nil)
        #expect(
            try store.store(Credentials(username: "me", password: "it's"), for: "r.example") == "docker-credential-test"
        )
        #expect(try store.credentials(for: "r.example/x") == Credentials(username: "me", password: "it's"))
        #expect(try !home.read("auth.json").contains("auths"))
        #expect(try store.remove("r.example"))
        #expect(try store.credentials(for: "r.example/x") == nil)
        try home.write("secret-r.example", #"{"ServerURL":"r.example","Username":"<token>","Secret":"refresh"}"#)
        #expect(try store.credentials(for: "r.example/x")?.identityToken == "refresh")
        try home.write("secret-r.example", "nonsense")
        #expect { try store.credentials(for: "r.example/x") } throws: {
            "\($0)".hasPrefix("run docker-credential-test: ")
        }
    }

    @Test func missingHelpers() throws {
        let home = try ScratchHome()
        let environment = home.environment(["PATH": "$ROOT/bin"])
        let named = try home.write("named.json", #"{"credHelpers":{"r.example":"gone"}}"#)
        #expect(throws: RegistryError(.configuration, "run docker-credential-gone: not found in PATH")) {
            try CredentialStore(environment: environment, authFile: named).credentials(for: "r.example")
        }
        // A store for everything must not keep public images from being pulled.
        try home.write("home/.docker/config.json", #"{"auths":{"r.example":{}},"credsStore":"gone"}"#)
        var warnings: [String] = []
        let found = try CredentialStore(environment: environment).credentials(for: "r.example") { warnings.append($0) }
        #expect(found == nil)
        #expect(warnings.count == 1 && warnings[0].hasPrefix("run docker-credential-gone: not found in PATH, as "))
        let escape = try home.write("escape.json", #"{"credHelpers":{"r.example":"x/../../bin/sh"}}"#)
        #expect(throws: RegistryError.self) {
            try CredentialStore(environment: environment, authFile: escape).credentials(for: "r.example")
        }
    }

    @Test(arguments: ["", "f", "fo", "foo", "foob", "fooba", "foobar", "\u{0}\u{ff}ü"])
    func base64(text: String) throws {
        let bytes = Array(text.utf8)
        #expect(Base64.encode(bytes) == Data(bytes).base64EncodedString())
        #expect(Base64.decode(Base64.encode(bytes)) == bytes)
    }

    @Test(arguments: ["!", "abcde", "ab=c", "a===", "Zm9v\n"])
    func base64Refuses(text: String) { #expect(Base64.decode(text) == nil) }

    @Test func credentialsArgument() throws {
        #expect(try Credentials(argument: "u:p:q") == Credentials(username: "u", password: "p:q"))
        #expect(try Credentials(argument: "u") == Credentials(username: "u", password: ""))
        #expect(throws: RegistryError.self) { try Credentials(argument: ":p") }
    }
}
