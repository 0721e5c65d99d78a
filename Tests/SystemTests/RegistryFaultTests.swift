import Foundation
import Testing

/// Registries that cut, corrupt, redirect, delay and refuse.
@Suite(.needs(.program("docker-registry")), .needs(.program("python3"))) struct RegistryFaultTests {
    static let insecure = RegistryTests.insecure

    @Test(.needs(.swiftpod), arguments: Account.all) func aCutConnection(_ account: Account) throws {
        let registry = try FaultyRegistry("--cut", "1000000")
        try Pod.with(account, "none") { pod in
            let pulled = pod("pull", "-q", Self.insecure, "\(registry.host)/tests/large")
            #expect(pulled.ok, "\(pulled)")
            let ranges = registry.requests.compactMap(\.range)
            #expect(
                ranges.contains { $0.hasPrefix("bytes=") && $0 != "bytes=0-" }, "goes on where it was cut: \(ranges)")
            let ran = pod(
                "run", "--rm", "--network=none", "\(registry.host)/tests/large", "sh", "-c",
                "cat /large/?-* | sha256sum; ls /large | wc -l")
            #expect(ran.lines.last == "1248", "\(ran)")
        }
    }

    @Test(.needs(.swiftpod), arguments: Account.all) func aCutConnectionWithoutRanges(_ account: Account) throws {
        let registry = try FaultyRegistry("--cut", "1000000", "--no-range")
        try Pod.with(account, "none") { pod in
            let pulled = pod("pull", "-q", Self.insecure, "\(registry.host)/tests/large")
            #expect(pulled.ok, "\(pulled)")
            #expect(pod("run", "--rm", "--network=none", "\(registry.host)/tests/large", "true").ok)
        }
    }

    /// What came before a kill is not asked for again.
    @Test(.needs(.swiftpod), arguments: Account.all) func aKilledPullGoesOn(_ account: Account) throws {
        let registry = try FaultyRegistry("--slow", "0.02")
        try Pod.with(account, "none") { pod in
            let name = "\(registry.host)/tests/large"
            let pull = try pod.start("pull", "-q", Self.insecure, name)
            usleep(1_200_000)
            kill(-pull.pid, SIGKILL)
            _ = pull.finish(seconds: 5)
            #expect(pod("image", "exists", name).code == 1)
            registry.clearLog()
            let again = pod("pull", "-q", Self.insecure, name)
            #expect(again.ok, "\(again)")
            let ranges = registry.requests.compactMap(\.range)
            #expect(!ranges.isEmpty, "\(registry.requests)")
            #expect(pod("run", "--rm", "--network=none", name, "sh", "-c", "ls /large | wc -l").text == "1248")
        }
    }

    @Test(arguments: Account.all) func aConnectionThatIsAlwaysCut(_ account: Account) throws {
        let registry = try FaultyRegistry("--cut", "100", "--cut-always", "--no-range")
        try Pod.with(account, "none") { pod in
            let pulled = pod("pull", "-q", Self.insecure, "\(registry.host)/tests/tiny", seconds: 120)
            #expect(pulled.code == 125, "\(pulled)")
            expectOneLine(pulled, ".")
            #expect(pod("images", "-q").text.isEmpty)
        }
    }

    @Test(arguments: Account.all, ["--corrupt", "--corrupt-manifest", "--longer=100", "--longer=100000000"])
    func contentThatDoesNotFit(_ account: Account, _ fault: String) throws {
        let registry = try FaultyRegistry(fault)
        try Pod.with(account, "none") { pod in
            let digest = try Self.digest("tests/tiny")
            let pulled = pod("pull", "-q", Self.insecure, "\(registry.host)/tests/tiny@\(digest)", seconds: 120)
            #expect(pulled.code == 125, "\(fault): \(pulled)")
            expectOneLine(pulled, "digest|sha256|size|bytes|match")
            #expect(pod("images", "-q").text.isEmpty)
            if !Machine.isPodman { #expect(pod.storeSize() < 2 << 20) }
        }
    }

    static func digest(_ repository: String) throws -> String {
        let registry = try Registry.shared.get()
        let seen = Machine.tool(
            "skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}",
            "docker://\(registry.host)/\(repository):latest")
        guard seen.ok else { throw Failure("\(seen)") }
        return seen.text
    }

    @Test(
        arguments: Account.all,
        ["{", "[]", "{\"schemaVersion\": 2}", "{\"schemaVersion\": 2, \"config\": 1, \"layers\": 2}"])
    func malformedManifests(_ account: Account, _ manifest: String) throws {
        let path = Machine.scratch + "/manifest-\(UUID().uuidString)"
        try manifest.write(toFile: path, atomically: false, encoding: .utf8)
        let registry = try FaultyRegistry("--manifest", path)
        try Pod.with(account, "none") { pod in
            let pulled = pod("pull", "-q", Self.insecure, "\(registry.host)/tests/tiny")
            #expect(pulled.code == 125, "\(pulled)")
            expectOneLine(pulled, "manifest|json|media|schema")
        }
    }

    @Test(arguments: Account.all) func aBusyRegistry(_ account: Account) throws {
        let registry = try FaultyRegistry("--busy", "2")
        try Pod.with(account, "none") { pod in
            let from = now()
            let pulled = pod("pull", "-q", Self.insecure, "\(registry.host)/tests/tiny")
            #expect(pulled.ok, "\(pulled)")
            #expect(now() - from > 0.9, "it waits as long as it was told")
        }
    }

    @Test(.needs(.swiftpod), arguments: Account.all) func aRegistryThatFailsAtTimes(_ account: Account) throws {
        let registry = try FaultyRegistry("--broken", "2")
        try Pod.with(account, "none") { pod in
            let pulled = pod("pull", "-q", Self.insecure, "\(registry.host)/tests/tiny")
            #expect(pulled.ok, "\(pulled)")
        }
    }

    @Test(arguments: Account.all) func redirects(_ account: Account) throws {
        let other = try freePort()
        let registry = try FaultyRegistry("--redirect", "\(other)", "--bearer", "ana:secret")
        try Pod.with(account, "none") { pod in
            let pulled = pod("pull", "-q", Self.insecure, "--creds=ana:secret", "\(registry.host)/tests/tiny")
            #expect(pulled.ok, "\(pulled)")
            let elsewhere = registry.requests.filter { $0.host.hasSuffix(":\(other)") }
            #expect(!elsewhere.isEmpty)
            #expect(elsewhere.allSatisfy { $0.authorization.isEmpty }, "credentials stay with their host")
            #expect(registry.requests.contains { $0.path.hasPrefix("/token") && $0.authorization == "Basic" })
        }
    }

    @Test(arguments: Account.all) func aRedirectToItself(_ account: Account) throws {
        let registry = try FaultyRegistry("--redirect-loop")
        try Pod.with(account, "none") { pod in
            let pulled = pod("pull", "-q", Self.insecure, "\(registry.host)/tests/tiny", seconds: 120)
            #expect(pulled.code == 125)
            expectOneLine(pulled, "redirect")
        }
    }

    @Test(arguments: Account.all) func tokens(_ account: Account) throws {
        let registry = try FaultyRegistry("--bearer", "")
        try Pod.with(account, "none") { pod in
            #expect(pod("pull", "-q", Self.insecure, "\(registry.host)/tests/tiny").ok, "anybody gets a token")
            let strict = try FaultyRegistry("--bearer", "ana:secret")
            let refused = pod("pull", "-q", Self.insecure, "\(strict.host)/tests/tiny")
            #expect(refused.code == 125)
            expectOneLine(refused, "unauthorized|401|authentication|denied")
            #expect(pod("pull", "-q", Self.insecure, "--creds=ana:secret", "\(strict.host)/tests/tiny").ok)
        }
    }

    /// Two pulls of one image at once do the work once.
    @Test(.needs(.swiftpod), arguments: Account.all) func twoAtOnce(_ account: Account) throws {
        let registry = try FaultyRegistry("--slow", "0.005")
        try Pod.with(account, "none") { pod in
            let name = "\(registry.host)/tests/large"
            let both = try (0..<2).map { _ in try pod.start("pull", "-q", Self.insecure, name) }
            let outputs = both.map { $0.finish(seconds: 120) }
            #expect(outputs.allSatisfy(\.ok) && outputs[0].text == outputs[1].text, "\(outputs)")
            let twice = registry.blobRequests.filter { $0.value > 1 && !$0.key.contains("config") }
            #expect(twice.count <= 1, "each layer comes once: \(registry.blobRequests)")
            #expect(pod("run", "--rm", "--network=none", name, "true").ok)
        }
    }

    /// A bar on a terminal's stderr, and the id alone on stdout.
    @Test(arguments: Account.all) func progress(_ account: Account) throws {
        let registry = try FaultyRegistry("--slow", "0.01")
        try Pod.with(account, "none") { pod in
            let name = "\(registry.host)/tests/large"
            let (output, terminal) = try TerminalTests.at(pod, "pull", Self.insecure, name) { _, _ in }
            #expect(output.code == 0, "\(terminal.screen)")
            #expect(terminal.screen.contains("MiB") || terminal.screen.contains("MB"), "\(terminal.screen)")
            #expect(terminal.screen.contains(pod("images", "-q", "--no-trunc").text.dropFirst(7)), "\(terminal.screen)")
        }
    }
}
