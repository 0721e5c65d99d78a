#if Registry
import Glibc
import LinuxKernel
import NIOSSL
import Synchronization

/// TLS configurations by host: what certs.d and the system say, read once.
final class TLSSettings: Sendable {
    private let environment: RegistryEnvironment
    private let options: PullOptions
    private let verifies: Bool
    /// The registry's host as certs.d knows it.
    private let registry: String
    private let cache = Mutex<[String: TLSConfiguration]>([:])

    init(registry: String, verifies: Bool, environment: RegistryEnvironment, options: PullOptions) {
        self.registry = registry
        self.verifies = verifies
        self.environment = environment
        self.options = options
    }

    /// - Parameter isRegistry: whether the request goes to the registry itself and not to where it has sent us.
    func configuration(for url: RegistryURL, isRegistry: Bool) throws(RegistryError) -> TLSConfiguration {
        let host = isRegistry ? registry : url.authority
        if let known = cache.withLock({ $0[host] }) { return known }
        var certificates = try RegistryCertificates(
            host: host, environment: environment, directory: isRegistry ? options.certificateDirectory : nil)
        if !isRegistry {
            // Storage behind a registry is often signed by the same authority.
            certificates = certificates.trusting(
                try RegistryCertificates(
                    host: registry, environment: environment, directory: options.certificateDirectory))
        }
        let configuration = try self.configuration(certificates)
        cache.withLock { $0[host] = configuration }
        return configuration
    }

    private func configuration(_ certificates: RegistryCertificates) throws(RegistryError) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if verifies {
            if let bundle = try RegistryCertificates.systemBundle(environment) {
                configuration.trustRoots = .file(bundle)
            } else {
                configuration.trustRoots = .certificates([])
            }
            var additional: [NIOSSLCertificate] = []
            for path in certificates.authorities { additional += try TLSSettings.certificates(path) }
            for directory in RegistryCertificates.systemDirectories(environment) {
                // Such directories hold links, lists of hashes and READMEs beside certificates.
                for entry in (try? Directory.entries(at: directory)) ?? [] {
                    additional += (try? TLSSettings.certificates(directory + "/" + entry.name)) ?? []
                }
            }
            configuration.additionalTrustRoots = [.certificates(additional)]
        } else {
            configuration.certificateVerification = .none
        }
        if let client = certificates.client {
            configuration.certificateChain = try TLSSettings.certificates(client.certificate).map { .certificate($0) }
            do {
                configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: client.key, format: .pem))
            } catch {
                throw RegistryError(.configuration, "read \(client.key): it is not a private key in PEM form")
            }
        }
        return configuration
    }

    private static func certificates(_ path: String) throws(RegistryError) -> [NIOSSLCertificate] {
        let text: [UInt8]
        do {
            text = try File.read(path, limit: 16 << 20)
        } catch {
            throw RegistryError(.configuration, "read \(path): \(SyscallError.reason(error.errno))")
        }
        guard let certificates = try? NIOSSLCertificate.fromPEMBytes(text), !certificates.isEmpty else {
            throw RegistryError(.configuration, "read \(path): it is not a certificate in PEM form")
        }
        return certificates
    }
}
#endif
