import Registry
import Testing

@Suite struct RegistryCertificatesTests {
    @Test func theFirstDirectoryThatExistsCounts() throws {
        let home = try ScratchHome()
        let environment = home.environment()
        #expect(try RegistryCertificates(host: "r.example:5000", environment: environment) == RegistryCertificates())
        try home.write("etc/docker/certs.d/r.example:5000/docker.crt", "")
        #expect(
            try RegistryCertificates(host: "r.example:5000", environment: environment).authorities
                == [home.root + "/etc/docker/certs.d/r.example:5000/docker.crt"])
        try home.write("etc/containers/certs.d/r.example:5000/system.crt", "")
        try home.write("home/.config/containers/certs.d/r.example:5000/b.crt", "")
        try home.write("home/.config/containers/certs.d/r.example:5000/a.crt", "")
        try home.write("home/.config/containers/certs.d/r.example:5000/client.cert", "")
        try home.write("home/.config/containers/certs.d/r.example:5000/client.key", "")
        try home.write("home/.config/containers/certs.d/r.example:5000/README", "")
        let found = try RegistryCertificates(host: "r.example:5000", environment: environment)
        let base = home.root + "/home/.config/containers/certs.d/r.example:5000/"
        #expect(found.authorities == [base + "a.crt", base + "b.crt"])
        #expect(
            found.client
                == RegistryCertificates.ClientCertificate(certificate: base + "client.cert", key: base + "client.key"))
        #expect(try RegistryCertificates(host: "r.example", environment: environment) == RegistryCertificates())
        try home.write("own/x.crt", "")
        #expect(
            try RegistryCertificates(host: "r.example:5000", environment: environment, directory: home.root + "/own")
                .authorities == [home.root + "/own/x.crt"])
    }

    @Test func halvesOfAPairAreRefused() throws {
        let home = try ScratchHome()
        try home.write("etc/containers/certs.d/a.example/x.cert", "")
        try home.write("etc/containers/certs.d/b.example/y.key", "")
        #expect { try RegistryCertificates(host: "a.example", environment: home.environment()) } throws: {
            "\($0)".hasSuffix("x.cert: the client certificate's key x.key is missing; authorities end in .crt")
        }
        #expect { try RegistryCertificates(host: "b.example", environment: home.environment()) } throws: {
            "\($0)".hasSuffix("y.key: the client key's certificate y.cert is missing")
        }
    }

    @Test func hostsAreNoPaths() throws {
        let home = try ScratchHome()
        try home.write("etc/containers/evil/x.crt", "")
        #expect(
            try RegistryCertificates(host: "../evil", environment: home.environment()) == RegistryCertificates())
    }

    @Test func systemBundle() throws {
        let home = try ScratchHome()
        #expect(try RegistryCertificates.systemBundle(home.environment()) == nil)
        let bundle = try home.write("etc/ssl/certs/ca-certificates.crt", "")
        #expect(try RegistryCertificates.systemBundle(home.environment()) == bundle)
        let own = try home.write("own.pem", "")
        #expect(try RegistryCertificates.systemBundle(home.environment(["SSL_CERT_FILE": own])) == own)
        #expect(throws: RegistryError.self) {
            try RegistryCertificates.systemBundle(home.environment(["SSL_CERT_FILE": "/no/such.pem"]))
        }
    }
}
