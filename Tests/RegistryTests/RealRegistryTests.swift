#if Registry
import Foundation
import ImageStore
import OCISpec
import Registry
import Synchronization
import Testing

/// Debian's docker-registry, skopeo's images and the real store.
@Suite(
    .serialized,
    .enabled(if: RealRegistry.isUsable, "\(RealRegistry.missing ?? "nothing") is not installed"))
struct RealRegistryTests {
    private func pull(
        _ name: String, into store: ImageStore, home: ScratchHome, options: PullOptions = Pull.options,
        variables: [String: String] = [:]
    ) async throws -> StoredImage {
        let client = RegistryClient(environment: home.environment(variables))
        return try await Pull.onThread { try client.pull(name, into: store, options: options) }
    }

    private func store(_ home: ScratchHome) throws -> ImageStore { try ImageStore(root: home.root + "/store") }

    @Test(
        "every format that skopeo makes",
        arguments: [
            [], ["--format", "v2s2"], ["--dest-compress", "--dest-compress-format", "zstd"], ["--dest-decompress"],
        ])
    func formats(arguments: [String]) async throws {
        let registry = try RealRegistry()
        let digest = try registry.push("team/app:1", arguments: arguments)
        let home = try ScratchHome()
        let store = try store(home)
        let image = try await pull("\(registry.host)/team/app:1", into: store, home: home)
        #expect(image.manifestDigest.description == digest)
        #expect(image.names == ["\(registry.host)/team/app:1"])
        #expect(image.layers.count == 2 && image.config.config.cmd == ["/bin/tool"])
        #expect(try store.image("\(registry.host)/team/app:1")?.id == image.id)
        // Again, and by digest: nothing but a name is new.
        let again = try await pull("\(registry.host)/team/app@\(digest)", into: store, home: home)
        #expect(again.id == image.id)
        #expect(again.names.contains("\(registry.host)/team/app@\(digest)"))
    }

    @Test func whatIsMissingIsSaidInOneLine() async throws {
        let registry = try RealRegistry()
        try registry.push("app:1")
        let home = try ScratchHome()
        let store = try store(home)
        await #expect(throws: RegistryError(.notFound, "pull \(registry.host)/app:2: manifest unknown")) {
            try await pull("\(registry.host)/app:2", into: store, home: home)
        }
        await #expect {
            try await pull("\(registry.host)/none:1", into: store, home: home)
        } throws: {
            ($0 as? RegistryError)?.code == .notFound
        }
    }

    @Test func basicAuthentication() async throws {
        let registry = try RealRegistry(.basic)
        try registry.push("app:1")
        let home = try ScratchHome()
        let store = try store(home)
        let name = "\(registry.host)/app:1"
        await #expect(
            throws: RegistryError(
                .unauthorized, "pull from \(registry.host): authentication required (log in first)")
        ) {
            try await pull(name, into: store, home: home)
        }
        let client = RegistryClient(environment: home.environment())
        let host = registry.host
        let good = Credentials(username: RealRegistry.user, password: RealRegistry.password)
        await #expect(
            throws: RegistryError(.unauthorized, "log in to \(host): wrong user name or password")
        ) {
            let bad = Credentials(username: RealRegistry.user, password: "guess")
            try await Pull.onThread { try client.verify(bad, for: host, options: Pull.options) }
        }
        try await Pull.onThread { try client.verify(good, for: host, options: Pull.options) }
        let credentials = CredentialStore(environment: home.environment())
        try credentials.store(good, for: host)
        let image = try await pull(name, into: store, home: home)
        #expect(image.layers.count == 2)
        #expect(try credentials.remove(host))
        await #expect(throws: RegistryError.self) { try await pull(name, into: store, home: home) }
    }

    @Test func tls() async throws {
        let registry = try RealRegistry(.tls)
        try registry.push("app:1")
        let home = try ScratchHome()
        let store = try store(home)
        let name = "\(registry.host)/app:1"
        var strict = Pull.options
        strict.verifiesTLS = nil
        let options = strict
        await #expect {
            try await pull(name, into: store, home: home, options: options)
        } throws: {
            ($0 as? RegistryError)?.code == .tls
                && "\($0)".hasPrefix("connect to \(registry.host): the server's certificate is signed by an unknown ")
                && "\($0)".contains("--tls-verify=false") && "\($0)".contains("certs.d/\(registry.host)/ca.crt")
        }
        _ = try await pull(name, into: store, home: home)
        // Each of the places for an authority, alone.
        let authority = try String(contentsOfFile: registry.authority, encoding: .utf8)
        let bundle = try home.write("bundle.pem", authority)
        _ = try await pull(name, into: store, home: home, options: options, variables: ["SSL_CERT_FILE": bundle])
        let directory = try home.write("own/any.crt", authority)
        strict.certificateDirectory = (directory as NSString).deletingLastPathComponent
        _ = try await pull(name, into: store, home: home, options: strict)
        try home.write("etc/containers/certs.d/\(registry.host)/ca.crt", authority)
        _ = try await pull(name, into: store, home: home, options: options)
        // The certificate is for localhost and 127.0.0.1: by its address it is right as well.
        let byAddress = "127.0.0.1:\(registry.port)"
        try home.write("etc/containers/certs.d/\(byAddress)/ca.crt", authority)
        _ = try await pull("\(byAddress)/app:1", into: store, home: home, options: options)
        try home.write("etc/containers/certs.d/\(registry.host)/ca.crt", "nonsense")
        await #expect {
            try await pull(name, into: store, home: home, options: options)
        } throws: {
            ($0 as? RegistryError)?.code == .configuration
                && "\($0)".hasSuffix("ca.crt: it is not a certificate in PEM form")
        }
    }

    @Test func twoPullsShareTheWork() async throws {
        let registry = try RealRegistry()
        try registry.push("app:1")
        let home = try ScratchHome()
        let store = try store(home)
        let finished = Mutex(0)
        var watched = Pull.options
        watched.progress = { if case .finished = $0 { finished.withLock { $0 += 1 } } }
        let options = watched
        try await withThrowingTaskGroup(of: Digest.self) { group in
            for _ in 0..<4 {
                group.addTask { try await pull("\(registry.host)/app:1", into: store, home: home, options: options).id }
            }
            var ids: Set<Digest> = []
            for try await id in group { ids.insert(id) }
            #expect(ids.count == 1)
        }
    }

    @Test func aStoreWithoutSpaceOrRightsIsBlamed() async throws {
        let registry = try RealRegistry()
        try registry.push("app:1")
        let home = try ScratchHome()
        try home.write("store", "a file where the directory should be")
        await #expect {
            try await pull("\(registry.host)/app:1", into: try store(home), home: home)
        } throws: {
            ($0 as? RegistryError)?.code == .storage && "\($0)".hasPrefix("pull \(registry.host)/app:1: ")
        }
    }
}
#endif
