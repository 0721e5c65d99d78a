#if Registry
import AsyncHTTPClient
import Glibc
import LinuxKernel
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// A request that got no answer, or a broken one: in words, and whether trying again makes sense.
struct TransportFailure: Error, Sendable {
    enum Kind: Sendable {
        /// Nobody listens there, or speaks TLS there.
        case unreachable
        /// The server's certificate is not one that we trust.
        case untrusted
        /// It may go better next time.
        case transient
        case final
    }

    let kind: Kind
    let error: RegistryError

    init(_ kind: Kind, _ error: RegistryError) {
        self.kind = kind
        self.error = error
    }

    init(_ error: any Error, url: RegistryURL) {
        let host = "\(url.host.contains(":") ? "[\(url.host)]" : url.host):\(url.port)"
        switch error {
        case let error as TransportFailure: self = error
        case let error as RegistryError: self.init(.final, error)
        case is CancellationError: self.init(.final, RegistryError(.cancelled, "pull: cancelled"))
        case let error as NIOConnectionError: self.init(error, host: host)
        case let error as HTTPClientError: self.init(error, host: host)
        case let error as NIOSSLError: self.init(error, host: host, url: url)
        case is NIOSSLExtraError:
            self.init(
                .untrusted,
                RegistryError(.tls, "connect to \(host): the server's certificate is not for \(url.host)"))
        case let error as BoringSSLError: self.init(tls: String(describing: error), host: host, url: url)
        case let error as ChannelError:
            if case .connectTimeout = error {
                self.init(.transient, RegistryError(.network, "connect to \(host): timed out"))
            } else {
                self.init(.transient, RegistryError(.network, "read from \(host): the connection was cut"))
            }
        case is HTTPParserError:
            self.init(.transient, RegistryError(.network, "read from \(host): the answer is not valid http"))
        case let error as IOError:
            self.init(
                .transient,
                RegistryError(.network, "talk to \(host): \(SyscallError.reason(error.errnoCode))"))
        default:
            self.init(.transient, RegistryError(.network, "talk to \(host): \(error)"))
        }
    }

    private init(_ error: NIOConnectionError, host: String) {
        guard let first = error.connectionErrors.first else {
            self.init(.final, RegistryError(.network, "look up host \(error.host): no such host"))
            return
        }
        guard let cause = first.error as? IOError else {
            self.init(.transient, RegistryError(.network, "connect to \(host): timed out"))
            return
        }
        self.init(
            .unreachable,
            RegistryError(.network, "connect to \(host): \(SyscallError.reason(cause.errnoCode))"))
    }

    private init(_ error: HTTPClientError, host: String) {
        switch error {
        case .connectTimeout, .tlsHandshakeTimeout, .getConnectionFromPoolTimeout, .httpProxyHandshakeTimeout:
            self.init(.transient, RegistryError(.network, "connect to \(host): timed out"))
        case .readTimeout, .deadlineExceeded:
            self.init(.transient, RegistryError(.network, "read from \(host): nothing came for too long"))
        case .remoteConnectionClosed, .uncleanShutdown, .bodyLengthMismatch:
            self.init(.transient, RegistryError(.network, "read from \(host): the connection was cut"))
        case .cancelled, .requestStreamCancelled:
            self.init(.final, RegistryError(.cancelled, "pull: cancelled"))
        case .proxyAuthenticationRequired:
            self.init(.final, RegistryError(.unauthorized, "connect to \(host): the proxy asks for credentials"))
        case .invalidProxyResponse:
            self.init(.unreachable, RegistryError(.network, "connect to \(host): the proxy refuses"))
        default:
            self.init(.transient, RegistryError(.network, "talk to \(host): \(error.shortDescription)"))
        }
    }

    private init(_ error: NIOSSLError, host: String, url: RegistryURL) {
        switch error {
        case .handshakeFailed(let cause): self.init(tls: String(describing: cause), host: host, url: url)
        case .unableToValidateCertificate, .noCertificateToValidate:
            self.init(tls: "CERTIFICATE_VERIFY_FAILED", host: host, url: url)
        case .uncleanShutdown:
            self.init(.transient, RegistryError(.network, "read from \(host): the connection was cut"))
        default:
            self.init(.final, RegistryError(.tls, "connect to \(host): \(error)"))
        }
    }

    /// The TLS library's own words say too much and too little; only the common cases deserve others.
    private init(tls words: String, host: String, url: RegistryURL) {
        let reasons = [
            (
                "CERTIFICATE_VERIFY_FAILED",
                "the server's certificate is signed by an unknown authority or is not valid (put the authority into "
                    + "certs.d/\(url.authority)/ca.crt or use --tls-verify=false)"
            ),
            ("WRONG_VERSION_NUMBER", "the server speaks http, not https (use --tls-verify=false)"),
            ("HTTP_REQUEST", "the server speaks http, not https (use --tls-verify=false)"),
            ("CERTIFICATE_REQUIRED", "the server asks for a client certificate"),
            ("UNKNOWN_CA", "the server does not know the authority of our client certificate"),
            ("HANDSHAKE_FAILURE", "the server and we have no way to encrypt in common"),
            ("PROTOCOL_VERSION", "the server speaks only old versions of TLS"),
        ]
        let reason = reasons.first { words.contains($0.0) }
        let isUntrusted = reason?.0 == "CERTIFICATE_VERIFY_FAILED"
        self.init(
            isUntrusted ? .untrusted : .unreachable,
            RegistryError(.tls, "connect to \(host): \(reason?.1 ?? "the TLS handshake failed")"))
    }
}
#endif
