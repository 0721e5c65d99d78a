#if Registry
import Glibc
import NIOHTTP1
import NIOSSL
import OCISpec
import Synchronization

/// Talks to one registry about one repository: finds out whether it speaks https or (where allowed) http, shows
/// credentials when asked, follows redirects by hand, repeats what failed in passing.
final class RegistrySession: Sendable {
    let registry: String
    let repository: String
    /// Whether plain http and certificates that do not verify are allowed.
    let insecure: Bool
    private let transport: HTTPTransport
    private let tls: TLSSettings
    private let authenticator: Authenticator
    private let options: PullOptions
    private let policy: RetryPolicy
    /// nil until the first answer.
    private let scheme = Mutex<RegistryURL.Scheme?>(nil)

    static let redirectLimit = 10

    init(
        _ source: RegistriesConfiguration.Source, insecure: Bool, credentials: Credentials?, transport: HTTPTransport,
        environment: RegistryEnvironment, options: PullOptions
    ) {
        registry = source.reference.registry
        repository = source.reference.repository
        self.insecure = insecure
        self.transport = transport
        self.options = options
        policy = RetryPolicy(limit: options.retries, delay: options.retryDelay)
        tls = TLSSettings(registry: registry, verifies: !insecure, environment: environment, options: options)
        authenticator = Authenticator(
            registry: registry, credentials: credentials,
            fallbackScope: repository.isEmpty ? nil : "repository:\(repository):pull")
    }

    // MARK: Repeating

    /// Sends a GET and returns the answer, whatever its status, once it is none that time may cure.
    ///
    /// - Parameters:
    ///   - target: a path at the registry, or another URL that its documents name.
    ///   - headers: in addition to the session's own.
    func get(
        _ target: Target, headers: [(String, String)] = []
    ) async throws(RegistryError) -> HTTPTransport.Response {
        var attempt = 0
        while true {
            let failure: TransportFailure
            var retryAfter: String?
            do throws(TransportFailure) {
                let response = try await send(target, headers: headers)
                guard RetryPolicy.isTransient(response.status) else { return response }
                retryAfter = response.header("retry-after")
                failure = TransportFailure(.transient, await RegistryError(refusedBy: response, action: action))
            } catch {
                failure = error
            }
            guard failure.kind == .transient, attempt < policy.limit else { throw failure.error }
            try await pause(attempt: attempt, retryAfter: retryAfter, after: failure.error)
            attempt += 1
        }
    }

    /// Waits before a repetition.
    func pause(attempt: Int, retryAfter: String? = nil, after error: RegistryError) async throws(RegistryError) {
        var random = SystemRandomNumberGenerator()
        let wait = policy.wait(
            attempt: attempt, retryAfter: retryAfter, now: Double(time(nil)),
            jitter: Double.random(in: 0...1, using: &random))
        options.progress(.retrying(reason: error.message, seconds: wait))
        do {
            try await Task.sleep(for: .milliseconds(Int(wait * 1000)))
        } catch {
            throw RegistryError(.cancelled, "pull: cancelled")
        }
    }

    /// What the session is there for, as errors begin.
    var action: String { repository.isEmpty ? "log in to \(registry)" : "pull \(registry)/\(repository)" }

    // MARK: One attempt

    enum Target: Sendable {
        case path(String)
        case url(RegistryURL)
    }

    private func send(
        _ target: Target, headers: [(String, String)]
    ) async throws(TransportFailure) -> HTTPTransport.Response {
        switch target {
        case .url(let url): return try await follow(url, headers: headers, origin: nil)
        case .path(let path):
            if let scheme = scheme.withLock({ $0 }) {
                let url = try address(scheme, path)
                return try await follow(url, headers: headers, origin: url)
            }
            let secure = try address(.https, path)
            do throws(TransportFailure) {
                let response = try await follow(secure, headers: headers, origin: secure)
                scheme.withLock { $0 = .https }
                return response
            } catch {
                guard insecure, error.kind == .unreachable || error.kind == .untrusted else { throw error }
                let plain = try address(.http, path)
                do throws(TransportFailure) {
                    let response = try await follow(plain, headers: headers, origin: plain)
                    scheme.withLock { $0 = .http }
                    return response
                } catch let second {
                    // Nobody listens at all: say so once, in the words of the attempt that was meant.
                    throw second.kind == .unreachable ? error : second
                }
            }
        }
    }

    private func address(_ scheme: RegistryURL.Scheme, _ path: String) throws(TransportFailure) -> RegistryURL {
        guard let url = RegistryURL(scheme: scheme, registry: registry, path: path) else {
            throw TransportFailure(.final, RegistryError(.invalid, "\(registry) is not the name of a registry"))
        }
        return url
    }

    /// Sends to one URL and on to where it redirects. Credentials go to `origin` alone.
    private func follow(
        _ start: RegistryURL, headers: [(String, String)], origin: RegistryURL?
    ) async throws(TransportFailure) -> HTTPTransport.Response {
        var url = start
        var redirects = 0
        var challenged = false
        while true {
            let isRegistry = origin.map { url.hasSameOrigin(as: $0) } ?? false
            var request = HTTPTransport.Request(url: url, headers: headers)
            let authorization = isRegistry ? authenticator.authorization : nil
            if let authorization { request.headers.append(("Authorization", authorization)) }
            let response = try await exchange(request, isRegistry: isRegistry)
            switch response.status {
            case 401 where isRegistry && !challenged:
                challenged = true
                do throws(RegistryError) {
                    try await authenticator.authenticate(
                        response, stale: authorization, origin: url, exchange: exchange)
                } catch {
                    throw TransportFailure(error.code == .network ? .transient : .final, error)
                }
            case 401 where isRegistry:
                guard let error = authenticator.refused else { return response }
                throw TransportFailure(.final, error)
            case 301, 302, 303, 307, 308:
                redirects += 1
                url = try redirect(response, count: redirects)
            default: return response
            }
        }
    }

    private func redirect(
        _ response: HTTPTransport.Response, count: Int
    ) throws(TransportFailure) -> RegistryURL {
        func refuse(_ reason: String) -> TransportFailure {
            TransportFailure(.final, RegistryError(.invalid, "\(action): \(reason)"))
        }
        guard count <= RegistrySession.redirectLimit else {
            throw refuse("more than \(RegistrySession.redirectLimit) redirects")
        }
        guard let location = response.header("location"), let next = response.url.resolving(location) else {
            throw refuse("a redirect leads nowhere")
        }
        guard next.scheme == .https || response.url.scheme == .http else {
            throw refuse("a redirect leads from https to http at \(next.authority)")
        }
        return next
    }

    private func exchange(
        _ request: HTTPTransport.Request, isRegistry: Bool
    ) async throws(TransportFailure) -> HTTPTransport.Response {
        var configuration: TLSConfiguration?
        if request.url.scheme == .https {
            do {
                configuration = try tls.configuration(for: request.url, isRegistry: isRegistry)
            } catch {
                throw TransportFailure(.final, error)
            }
        }
        return try await transport.execute(request, tls: configuration)
    }
}
#endif
