#if Registry
import Foundation
import OCISpec
import Registry
import Synchronization
import Testing

/// Which server is asked: mirrors, search registries, proxies, other platforms, other places.
@Suite struct SourceTests {
    private func home(_ configuration: String) throws -> ScratchHome {
        let home = try ScratchHome()
        try home.write("etc/containers/registries.conf", configuration)
        return home
    }

    private var configured: PullOptions {
        var options = Pull.options
        options.verifiesTLS = nil
        return options
    }

    @Test func mirrorsComeFirstAndTheNameStays() async throws {
        let image = FakeImage()
        let mirror = try FakeRegistry { image.serve($0) }
        let broken = try FakeRegistry { _ in FakeRegistry.Reply(status: 404) }
        let home = try home(
            """
            [[registry]]
            location = "registry.invalid/team"
            [[registry.mirror]]
            location = "\(broken.host)/x"
            insecure = true
            [[registry.mirror]]
            location = "\(mirror.host)/copy"
            insecure = true
            """)
        let events = Mutex<[PullEvent]>([])
        var options = configured
        options.progress = { event in events.withLock { $0.append(event) } }
        let pulled = try await Pull.pull(
            "registry.invalid/team/app:1", to: MemoryDestination(), options: options, home: home)
        #expect(pulled.reference.description == "registry.invalid/team/app:1")
        #expect(broken.requests.map(\.path) == ["/v2/x/app/manifests/1"])
        #expect(mirror.requests[0].path == "/v2/copy/app/manifests/1")
        let tried = events.withLock { $0.compactMap { if case .trying(let name) = $0 { "\(name)" } else { nil } } }
        #expect(tried == ["\(broken.host)/x/app:1", "\(mirror.host)/copy/app:1"])
    }

    @Test func whenAllFailTheLocationIsBlamed() async throws {
        let mirror = try FakeRegistry { _ in .notFound }
        let home = try home(
            """
            [[registry]]
            location = "registry.invalid"
            [[registry.mirror]]
            location = "\(mirror.host)"
            insecure = true
            """)
        await #expect(
            throws: RegistryError(
                .network,
                "look up host registry.invalid: no such host (mirrors failed as well: "
                    + "pull \(mirror.host)/app:latest: manifest unknown)")
        ) {
            try await Pull.pull("registry.invalid/app", to: MemoryDestination(), options: configured, home: home)
        }
    }

    @Test func credentialsGivenByHandAreNotForMirrors() async throws {
        let image = FakeImage()
        let mirror = try FakeRegistry { request in
            request.headers["authorization"] == nil
                ? FakeRegistry.Reply(status: 401, headers: ["WWW-Authenticate": "Basic realm=\"r\""])
                : image.serve(request)
        }
        let home = try home(
            "[[registry]]\nlocation = 'localhost:1'\n[[registry.mirror]]\nlocation = '\(mirror.host)'\ninsecure = true")
        var options = configured
        options.credentials = Credentials(username: "me", password: "secret")
        let given = options
        await #expect(throws: RegistryError.self) {
            try await Pull.pull("localhost:1/app", to: MemoryDestination(), options: given, home: home)
        }
        #expect(mirror.requests.allSatisfy { $0.headers["authorization"] == nil })
    }

    @Test func shortNamesAreSearched() async throws {
        let image = FakeImage()
        let empty = try FakeRegistry { _ in .notFound }
        let full = try FakeRegistry { image.serve($0) }
        let home = try home(
            """
            unqualified-search-registries = ["\(empty.host)", "\(full.host)"]
            [[registry]]
            location = "\(empty.host)"
            insecure = true
            [[registry]]
            location = "\(full.host)"
            insecure = true
            """)
        let pulled = try await Pull.pull("app", to: MemoryDestination(), options: configured, home: home)
        #expect(pulled.reference.description == "\(full.host)/app:latest")
        #expect(empty.requests.count == 1)
    }

    @Test func verificationCanBeForced() async throws {
        let image = FakeImage()
        let server = try FakeRegistry { image.serve($0) }
        let home = try home("[[registry]]\nlocation = '\(server.host)'\ninsecure = true")
        _ = try await Pull.pull("\(server.host)/app", to: MemoryDestination(), options: configured, home: home)
        var options = configured
        options.verifiesTLS = true
        let strict = options
        await #expect {
            try await Pull.pull("\(server.host)/app", to: MemoryDestination(), options: strict, home: home)
        } throws: {
            ($0 as? RegistryError)?.code == .tls
        }
    }

    @Test func goesThroughAProxy() async throws {
        let proxy = try FakeRegistry { _ in FakeRegistry.Reply(status: 403) }
        let variables = ["HTTPS_PROXY": "http://me:secret@\(proxy.host)"]
        await #expect(throws: RegistryError(.network, "connect to registry.invalid:99: the proxy refuses")) {
            try await Pull.pull(
                "registry.invalid:99/app", to: MemoryDestination(), options: configured, variables: variables)
        }
        #expect(proxy.requests.map(\.method) == ["CONNECT"])
        #expect(proxy.requests[0].path == "registry.invalid:99")
        #expect(proxy.requests[0].headers["proxy-authorization"] == "Basic " + Base64.encode(Array("me:secret".utf8)))
    }

    @Test func platforms() async throws {
        let host = Platform.host
        let ours = FakeImage()
        let other = FakeImage(layers: [Array("other".utf8)])
        func entry(_ image: FakeImage, _ platform: String) -> String {
            let parts = platform.split(separator: "/")
            return """
                {"mediaType":"\(MediaType.ociManifest)","digest":"\(image.manifestDigest)","size":\(image.manifest.count),
                "platform":{"os":"\(parts[0])","architecture":"\(parts[1])"}}
                """
        }
        let index = Array(
            """
            {"schemaVersion":2,"mediaType":"\(MediaType.ociIndex)","manifests":[
            \(entry(other, "linux/s390x")),\(entry(ours, "\(host.os)/\(host.architecture)"))]}
            """.utf8)
        let server = try FakeRegistry { request in
            if request.path.hasSuffix("/manifests/multi") {
                return FakeRegistry.Reply(headers: ["Content-Type": MediaType.ociIndex], body: index)
            }
            let reply = ours.serve(request)
            return reply.status == 404 ? other.serve(request) : reply
        }
        let pulled = try await Pull.pull("\(server.host)/app:multi", to: MemoryDestination())
        #expect(pulled.manifestDigest == ours.manifestDigest && pulled.indexDigest == Digest(hashing: index))

        var options = Pull.options
        let events = Mutex<[PullEvent]>([])
        options.platform = try Platform(parsing: "linux/s390x")
        options.progress = { event in events.withLock { $0.append(event) } }
        let foreign = try await Pull.pull("\(server.host)/app:multi", to: MemoryDestination(), options: options)
        #expect(foreign.manifestDigest == other.manifestDigest)
        // The fake's configuration says that it is for this machine.
        #expect(events.withLock { $0.contains { if case .warning = $0 { true } else { false } } })

        options.platform = try Platform(parsing: "linux/riscv64")
        let missing = options
        await #expect(
            throws: RegistryError(
                .notFound,
                "pull \(server.host)/app:multi: no image for platform linux/riscv64; there is linux/s390x, "
                    + "\(host.os)/\(host.architecture)")
        ) {
            try await Pull.pull("\(server.host)/app:multi", to: MemoryDestination(), options: missing)
        }
    }

    @Test func foreignLayersComeFromTheirURLs() async throws {
        let elsewhere = try FakeRegistry { request in
            request.path == "/there" ? FakeRegistry.Reply(body: Array("foreign".utf8)) : .notFound
        }
        let image = FakeImage(
            layers: [Array("foreign".utf8)],
            urls: [["http://\(elsewhere.host)/not-there", "http://\(elsewhere.host)/there"]])
        let server = try FakeRegistry { $0.path.hasSuffix("\(image.layerDigests[0])") ? .notFound : image.serve($0) }
        let store = MemoryDestination()
        _ = try await Pull.pull("\(server.host)/app", to: store)
        #expect(store.state.withLock { $0.layers } == Set(image.diffIDs))
    }
}
#endif
