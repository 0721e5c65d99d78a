#if Registry
import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// Sends single requests: no redirects, no authentication, no repetition. Those are a registry's business, this is
/// HTTP's: connections, timeouts, proxies, certificates, and errors in words.
final class HTTPTransport: Sendable {
    struct Request: Sendable {
        var method = HTTPMethod.GET
        var url: RegistryURL
        var headers: [(String, String)] = []
        var body: [UInt8]?
    }

    struct Response: Sendable {
        var status: Int
        var headers: HTTPHeaders
        var body: HTTPClientResponse.Body
        var url: RegistryURL

        func header(_ name: String) -> String? { headers.first(name: name) }

        /// The whole body; more than `limit` bytes is an error.
        func bytes(limit: Int, subject: String) async throws(RegistryError) -> [UInt8] {
            do {
                if let length = header("content-length").flatMap({ Int($0) }), length > limit {
                    throw RegistryError(.invalid, "read \(subject): it has \(length) bytes; the limit is \(limit)")
                }
                var result: [UInt8] = []
                for try await buffer in body {
                    guard result.count + buffer.readableBytes <= limit else {
                        throw RegistryError(.invalid, "read \(subject): it has more than the limit of \(limit) bytes")
                    }
                    result.append(contentsOf: buffer.readableBytesView)
                }
                return result
            } catch {
                throw TransportFailure(error, url: url).error
            }
        }
    }

    private let configuration: HTTPClient.Configuration
    private let environment: RegistryEnvironment
    private let proxies: ProxySettings
    private let clients = Mutex<[ProxySettings.Proxy?: HTTPClient]>([:])

    init(environment: RegistryEnvironment, options: PullOptions) throws(RegistryError) {
        self.environment = environment
        proxies = try ProxySettings(environment)
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(
                connect: .nanoseconds(Int64(options.connectTimeout * 1e9)),
                read: .nanoseconds(Int64(options.readTimeout * 1e9))))
        configuration.httpVersion = .http1Only
        // A refused connection is an answer, not something to keep trying for the whole time limit.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = max(8, options.parallelLayers)
        self.configuration = configuration
    }

    /// Closes all connections.
    func shutdown() async {
        let all = clients.withLock { clients in
            defer { clients = [:] }
            return Array(clients.values)
        }
        for client in all { try? await client.shutdown() }
    }

    private func client(for url: RegistryURL) -> HTTPClient {
        let proxy = proxies.proxy(for: url)
        return clients.withLock { clients in
            if let client = clients[proxy] { return client }
            var configuration = self.configuration
            if let proxy {
                let authorization = proxy.username.map {
                    HTTPClient.Authorization.basic(username: $0, password: proxy.password ?? "")
                }
                configuration.proxy = .server(host: proxy.host, port: proxy.port, authorization: authorization)
            }
            let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
            clients[proxy] = client
            return client
        }
    }

    func execute(
        _ request: Request, tls: TLSConfiguration?
    ) async throws(TransportFailure) -> Response {
        var message = HTTPClientRequest(url: request.url.description)
        message.method = request.method
        message.headers.add(name: "User-Agent", value: "swiftpod")
        for (name, value) in request.headers { message.headers.add(name: name, value: value) }
        if let body = request.body { message.body = .bytes(ByteBuffer(bytes: body)) }
        if request.url.scheme == .https { message.tlsConfiguration = tls }
        do {
            let response = try await client(for: request.url).execute(message, deadline: .distantFuture)
            return Response(
                status: Int(response.status.code), headers: response.headers, body: response.body, url: request.url)
        } catch {
            throw TransportFailure(error, url: request.url)
        }
    }
}
#endif
