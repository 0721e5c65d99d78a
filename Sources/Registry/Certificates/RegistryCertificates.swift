import Glibc
import LinuxKernel

/// The files that decide whom we trust and who we are towards one host: containers-certs.d(5).
package struct RegistryCertificates: Equatable, Sendable {
    package struct ClientCertificate: Equatable, Sendable {
        package var certificate: String
        package var key: String

        package init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    /// Paths of authorities trusted beside the system's.
    package var authorities: [String] = []
    /// Of several, the last by name.
    package var client: ClientCertificate?

    package init() {}

    /// The first directory that exists for `host[:port]`, of the user's and the system's; or `--cert-dir`.
    ///
    /// - Parameter host: as in the image's name; `docker.io` is looked up by that name.
    /// - Throws: `.configuration` for a certificate without its key, or a directory that cannot be read.
    package init(
        host: String, environment: RegistryEnvironment, directory explicit: String? = nil
    ) throws(RegistryError) {
        let roots = [
            environment.home + "/.config/containers/certs.d", environment.systemConfiguration + "/containers/certs.d",
            environment.systemConfiguration + "/docker/certs.d",
        ]
        // The host comes from an image's name or from a redirect: never a way out of the directory.
        guard !host.contains("/"), host != ".", host != ".." else { return }
        for directory in explicit.map({ [$0] }) ?? roots.map({ $0 + "/" + host }) {
            guard let names = try RegistryCertificates.list(directory) else { continue }
            try adopt(names.sorted(), in: directory)
            return
        }
    }

    private mutating func adopt(_ names: [String], in directory: String) throws(RegistryError) {
        for name in names {
            let path = directory + "/" + name
            if name.hasSuffix(".crt") {
                authorities.append(path)
            } else if name.hasSuffix(".cert") {
                let key = name.dropLast(".cert".count) + ".key"
                guard names.contains(String(key)) else {
                    throw RegistryError(
                        .configuration,
                        "read \(path): the client certificate's key \(key) is missing; authorities end in .crt")
                }
                client = ClientCertificate(certificate: path, key: directory + "/" + key)
            } else if name.hasSuffix(".key") {
                let certificate = name.dropLast(".key".count) + ".cert"
                guard names.contains(String(certificate)) else {
                    throw RegistryError(
                        .configuration, "read \(path): the client key's certificate \(certificate) is missing")
                }
            }
        }
    }

    /// nil for a directory that is not there.
    private static func list(_ directory: String) throws(RegistryError) -> [String]? {
        do {
            guard access(directory, F_OK) == 0 else {
                // What the caller may not even look at was not meant for it: podman goes on as well.
                return nil
            }
            return try Directory.entries(at: directory).map(\.name)
        } catch  where error.errno == ENOTDIR {
            return nil
        } catch {
            throw RegistryError(.configuration, "read \(directory): \(SyscallError.reason(error.errno))")
        }
    }

    /// Joins what another host's directory adds for a request that this host redirected to it: its authorities, never
    /// its client certificate, which is for the host that it was made for.
    package func trusting(_ other: RegistryCertificates) -> RegistryCertificates {
        var result = self
        for path in other.authorities where !result.authorities.contains(path) { result.authorities.append(path) }
        return result
    }

    // MARK: The system's authorities

    /// The bundle of the system's authorities; nil where there is none.
    ///
    /// The TLS library knows two places and no `SSL_CERT_FILE`; these are Go's, which podman uses.
    package static func systemBundle(_ environment: RegistryEnvironment) throws(RegistryError) -> String? {
        if let explicit = environment.variable("SSL_CERT_FILE") {
            guard access(explicit, R_OK) == 0 else {
                throw RegistryError(.configuration, "read \(explicit): \(SyscallError.reason(errno)) (SSL_CERT_FILE)")
            }
            return explicit
        }
        let places = [
            "/ssl/certs/ca-certificates.crt", "/pki/tls/certs/ca-bundle.crt", "/ssl/ca-bundle.pem",
            "/pki/tls/cacert.pem", "/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/ssl/cert.pem",
        ]
        return places.map { environment.systemConfiguration + $0 }.first { access($0, R_OK) == 0 }
    }

    /// Directories whose files are further authorities, from `SSL_CERT_DIR`.
    package static func systemDirectories(_ environment: RegistryEnvironment) -> [String] {
        (environment.variable("SSL_CERT_DIR") ?? "").split(separator: ":").map(String.init)
    }
}
