#if Registry
import Foundation
import OCISpec
import Registry
import Synchronization
import Testing

/// Credentials: shown to whom they belong, and to nobody else.
@Suite struct AuthenticationTests {
    private static let secret = "Basic " + Base64.encode(Array("me:secret".utf8))

    private func basic(_ image: FakeImage) throws -> FakeRegistry {
        try FakeRegistry { request in
            guard request.headers["authorization"] == Self.secret else {
                return FakeRegistry.Reply(status: 401, headers: ["WWW-Authenticate": "Basic realm=\"r\""])
            }
            return request.path == "/v2/" ? .json("{}") : image.serve(request)
        }
    }

    @Test func basicFromTheAuthFile() async throws {
        let server = try basic(FakeImage())
        let home = try ScratchHome()
        let client = RegistryClient(environment: home.environment())
        let store = CredentialStore(environment: home.environment())
        await #expect(
            throws: RegistryError(
                .unauthorized, "pull from \(server.host): authentication required (log in first)")
        ) {
            try await Pull.pull("\(server.host)/app", to: MemoryDestination(), home: home)
        }
        let wrong = Credentials(username: "me", password: "guess")
        let right = Credentials(username: "me", password: "secret")
        let refusal = RegistryError(.unauthorized, "log in to \(server.host): wrong user name or password")
        let host = server.host
        await #expect(throws: refusal) {
            try await Pull.onThread { try client.verify(wrong, for: host, options: Pull.options) }
        }
        try store.store(wrong, for: server.host)
        await #expect(throws: refusal) {
            try await Pull.pull("\(server.host)/app", to: MemoryDestination(), home: home)
        }
        try await Pull.onThread { try client.verify(right, for: host + "/namespace", options: Pull.options) }
        try store.store(right, for: server.host + "/app")
        _ = try await Pull.pull("\(server.host)/app", to: MemoryDestination(), home: home)
        await #expect(throws: refusal) {
            try await Pull.pull("\(server.host)/other", to: MemoryDestination(), home: home)
        }
        var options = Pull.options
        options.credentials = right
        _ = try await Pull.pull("\(server.host)/other", to: MemoryDestination(), options: options, home: home)
    }

    /// A registry that wants tokens, and the service that gives them.
    private struct TokenRegistry {
        let registry: FakeRegistry
        let service: FakeRegistry

        /// - Parameter uses: requests that one token is good for.
        init(
            _ image: FakeImage, uses: Int = .max,
            grants: @escaping @Sendable (FakeRegistry.Request) -> Bool
        ) throws {
            let left = Mutex<[String: Int]>([:])
            let count = Mutex(0)
            let shared = Shared(left: left, count: count)
            service = try FakeRegistry { request in
                guard grants(request) else {
                    return .json(#"{"details":"incorrect username or password"}"#, status: 401)
                }
                let token = shared.count.withLock {
                    $0 += 1; return "token-\($0)"
                }
                shared.left.withLock { $0[token] = uses }
                return .json(request.method == "POST" ? #"{"access_token":"\#(token)"}"# : #"{"token":"\#(token)"}"#)
            }
            let realm = "http://localhost:\(service.port)/token?x=1"
            registry = try FakeRegistry { request in
                let token = request.headers["authorization"].map { String($0.dropFirst("Bearer ".count)) } ?? ""
                let isGood = shared.left.withLock { left in
                    guard let uses = left[token], uses > 0 else { return false }
                    left[token] = uses - 1
                    return true
                }
                guard isGood else {
                    return FakeRegistry.Reply(
                        status: 401,
                        headers: [
                            "WWW-Authenticate": """
                            Bearer realm="\(realm)",service="the, service",scope="repository:app:pull"
                            """
                        ])
                }
                return image.serve(request)
            }
        }

        private final class Shared: Sendable {
            let left: Mutex<[String: Int]>
            let count: Mutex<Int>

            init(left: consuming sending Mutex<[String: Int]>, count: consuming sending Mutex<Int>) {
                self.left = left
                self.count = count
            }
        }
    }

    @Test func anonymousTokens() async throws {
        let pair = try TokenRegistry(FakeImage()) { $0.headers["authorization"] == nil }
        _ = try await Pull.pull("\(pair.registry.host)/app", to: MemoryDestination())
        #expect(
            pair.service.requests.map(\.path)
                == ["/token?x=1&service=the%2C%20service&scope=repository%3Aapp%3Apull"])
    }

    @Test func tokensForCredentials() async throws {
        let pair = try TokenRegistry(FakeImage()) { $0.headers["authorization"] == Self.secret }
        var options = Pull.options
        options.credentials = Credentials(username: "me", password: "secret")
        _ = try await Pull.pull("\(pair.registry.host)/app", to: MemoryDestination(), options: options)
        #expect(pair.service.requests.map(\.path).allSatisfy { $0.hasSuffix("&account=me") })
        #expect(!pair.registry.requests.contains { $0.headers["authorization"]?.hasPrefix("Basic") == true })

        options.credentials = Credentials(username: "me", password: "guess")
        let refused = options
        await #expect(
            throws: RegistryError(
                .unauthorized, "log in to \(pair.registry.host): wrong user name or password")
        ) {
            try await Pull.pull("\(pair.registry.host)/app", to: MemoryDestination(), options: refused)
        }
    }

    @Test func identityTokensAreExchanged() async throws {
        let pair = try TokenRegistry(FakeImage()) { request in
            request.method == "POST" && request.body.contains("grant_type=refresh_token&refresh_token=re%2Ffresh&")
                && request.body.hasSuffix("&service=the%2C%20service&scope=repository%3Aapp%3Apull")
        }
        var options = Pull.options
        options.credentials = Credentials(username: "", password: "", identityToken: "re/fresh")
        _ = try await Pull.pull("\(pair.registry.host)/app", to: MemoryDestination(), options: options)
    }

    @Test func anExpiredTokenIsReplaced() async throws {
        let pair = try TokenRegistry(FakeImage(), uses: 1) { _ in true }
        var options = Pull.options
        // Side by side, one transfer would use the token that another has just got.
        options.parallelLayers = 1
        _ = try await Pull.pull("\(pair.registry.host)/app", to: MemoryDestination(), options: options)
        #expect(pair.service.requests.count == 4)
    }

    @Test func aUselessTokenServiceIsNamed() async throws {
        let service = try FakeRegistry { _ in .json("{}") }
        let server = try FakeRegistry { _ in
            FakeRegistry.Reply(
                status: 401, headers: ["WWW-Authenticate": "Bearer realm=\"http://\(service.host)/\""])
        }
        await #expect(
            throws: RegistryError(
                .invalid, "log in to \(server.host): the answer of \(service.host) has no token")
        ) {
            try await Pull.pull("\(server.host)/app", to: MemoryDestination())
        }
    }

    // MARK: Redirects

    @Test func credentialsStayWithTheRegistry() async throws {
        let image = FakeImage()
        let storage = try FakeRegistry { image.serve($0) }
        let server = try FakeRegistry { request in
            guard request.headers["authorization"] == Self.secret else {
                return FakeRegistry.Reply(status: 401, headers: ["WWW-Authenticate": "Basic realm=\"r\""])
            }
            if request.path.hasSuffix("\(image.layerDigests[0])") {
                return FakeRegistry.Reply(status: 307, headers: ["Location": "http://\(storage.host)\(request.path)"])
            }
            if request.path.hasSuffix("\(image.layerDigests[1])") {
                return FakeRegistry.Reply(status: 302, headers: ["Location": "/elsewhere/\(image.layerDigests[1])?x=y"])
            }
            return image.serve(
                FakeRegistry.Request(
                    method: request.method, path: request.path.replacingOccurrences(of: "?x=y", with: ""),
                    headers: request.headers, body: ""))
        }
        var options = Pull.options
        options.credentials = Credentials(username: "me", password: "secret")
        let store = MemoryDestination()
        _ = try await Pull.pull("\(server.host)/app", to: store, options: options)
        #expect(storage.requests.count == 1)
        #expect(storage.requests.allSatisfy { $0.headers["authorization"] == nil })
        let same = server.requests.filter { $0.path.hasPrefix("/elsewhere/") }
        #expect(same.count == 1 && same[0].headers["authorization"] == Self.secret)
    }

    @Test(
        "redirects that lead nowhere",
        arguments: [
            ("/again", "more than 10 redirects"), ("ftp://x/", "a redirect leads nowhere"),
            (nil, "a redirect leads nowhere"),
        ]
            as [(String?, String)])
    func badRedirects(location: String?, words: String) async throws {
        let server = try FakeRegistry { _ in
            FakeRegistry.Reply(status: 302, headers: location.map { ["Location": $0] } ?? [:])
        }
        await #expect(throws: RegistryError(.invalid, "pull \(server.host)/app: \(words)")) {
            try await Pull.pull("\(server.host)/app", to: MemoryDestination())
        }
    }
}
#endif
