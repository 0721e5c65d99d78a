#if Registry
import NIOHTTP1
import OCISpec
import Synchronization

/// Answers a registry's challenges: shows credentials, or gets a token for them (distribution's token
/// specification, with refresh tokens by OAuth 2's form).
final class Authenticator: Sendable {
    typealias Exchange =
        @Sendable (HTTPTransport.Request, _ isRegistry: Bool) async throws(TransportFailure) -> HTTPTransport.Response

    private let registry: String
    private let credentials: Credentials?
    private let fallbackScope: String?
    private let current = Mutex<String?>(nil)

    /// Bytes of a token service's answer.
    static let answerLimit = 1 << 20

    init(registry: String, credentials: Credentials?, fallbackScope: String?) {
        self.registry = registry
        self.credentials = credentials
        self.fallbackScope = fallbackScope
    }

    /// The header to send, once there is one.
    var authorization: String? { current.withLock { $0 } }

    /// Finds a new `authorization` for a registry that answered 401.
    ///
    /// - Parameter stale: what the refused request had shown. Where another transfer has found a new one since, that
    ///   is tried first.
    func authenticate(
        _ response: HTTPTransport.Response, stale: String?, origin: RegistryURL, exchange: Exchange
    ) async throws(RegistryError) {
        if let now = authorization, now != stale { return }
        let challenges = response.headers["www-authenticate"].flatMap(AuthenticationChallenge.parse)
        for challenge in challenges {
            if let request = TokenRequest(challenge, fallbackScope: fallbackScope) {
                let token = try await self.token(request, origin: origin, exchange: exchange)
                current.withLock { $0 = "Bearer " + token }
                return
            }
            if challenge.scheme == "basic" {
                guard let credentials, !credentials.username.isEmpty else { throw missing }
                let header = "Basic " + credentials.basic
                guard header != stale else { throw wrong }
                current.withLock { $0 = header }
                return
            }
        }
        throw RegistryError(.unauthorized, "log in to \(registry): the registry asks for credentials in no way we know")
    }

    private var missing: RegistryError {
        RegistryError(.unauthorized, "pull from \(registry): authentication required (log in first)")
    }

    private var wrong: RegistryError {
        RegistryError(.unauthorized, "log in to \(registry): wrong user name or password")
    }

    /// What it means that the registry says 401 to what we show: about a password there is no doubt, while a token
    /// may be right and its holder have no right to the repository.
    var refused: RegistryError? {
        authorization?.hasPrefix("Basic ") == true ? wrong : nil
    }

    // MARK: Tokens

    private func token(
        _ request: TokenRequest, origin: RegistryURL, exchange: Exchange
    ) async throws(RegistryError) -> String {
        guard let realm = origin.resolving(request.realm) else {
            throw RegistryError(.invalid, "log in to \(registry): the token service's address makes no sense")
        }
        guard realm.scheme == .https || origin.scheme == .http else {
            throw RegistryError(
                .tls, "log in to \(registry): the token service at \(realm.authority) is reached by http alone")
        }
        let message = tokenMessage(request, realm: realm)
        let response: HTTPTransport.Response
        do throws(TransportFailure) {
            response = try await exchange(message, realm.hasSameOrigin(as: origin))
        } catch {
            throw error.error
        }
        switch response.status {
        case 200: break
        case 401: throw credentials == nil ? missing : wrong
        default:
            throw await RegistryError(refusedBy: response, action: "get a token from \(realm.authority)")
        }
        let bytes = try await response.bytes(limit: Authenticator.answerLimit, subject: "token from \(realm.authority)")
        guard let json = try? JSON(parsing: bytes),
            let token = [json["token"], json["access_token"]].compactMap({ $0?.string }).first(where: { !$0.isEmpty }),
            token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
        else {
            throw RegistryError(.invalid, "log in to \(registry): the answer of \(realm.authority) has no token")
        }
        return token
    }

    private func tokenMessage(_ request: TokenRequest, realm: RegistryURL) -> HTTPTransport.Request {
        if let refresh = credentials?.identityToken {
            var form = [("grant_type", "refresh_token"), ("refresh_token", refresh), ("client_id", "swiftpod")]
            if let service = request.service { form.append(("service", service)) }
            if let scope = request.scope { form.append(("scope", scope)) }
            let body = form.map { "\($0.0)=\(RegistryURL.encode($0.1))" }.joined(separator: "&")
            return HTTPTransport.Request(
                method: .POST, url: realm, headers: [("Content-Type", "application/x-www-form-urlencoded")],
                body: Array(body.utf8))
        }
        var url = realm
        if let service = request.service { url.add("service", service) }
        // Several scopes come as one parameter, separated by blanks.
        for scope in (request.scope ?? "").split(separator: " ") { url.add("scope", String(scope)) }
        var message = HTTPTransport.Request(url: url)
        if let credentials, !credentials.username.isEmpty {
            message.url.add("account", credentials.username)
            message.headers.append(("Authorization", "Basic " + credentials.basic))
        }
        return message
    }
}
#endif
