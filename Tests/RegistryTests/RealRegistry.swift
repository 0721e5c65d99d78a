#if Registry
import Foundation
import Testing

/// Debian's docker-registry on loopback, in a directory of its own, gone with the test.
final class RealRegistry: Sendable {
    enum Security { case none, basic, tls }

    static let programs = ["docker-registry", "skopeo", "htpasswd", "openssl", "tar", "gzip"]
    static var missing: String? { programs.first { find($0) == nil } }
    /// Missing programs are no excuse where every test must run.
    static var isUsable: Bool {
        missing == nil || ProcessInfo.processInfo.environment["SWIFTPOD_REQUIRE"] == "1"
    }

    let home: ScratchHome
    let port: Int
    private let process: Process

    var host: String { "localhost:\(port)" }
    /// The authority of a `.tls` registry.
    var authority: String { home.root + "/tls/ca.crt" }

    static let user = "tester"
    static let password = "pass:word"

    init(_ security: Security = .none) throws {
        home = try ScratchHome()
        port = try RealRegistry.freePort()
        var settings = """
            version: 0.1
            log: {level: error, accesslog: {disabled: true}}
            storage: {filesystem: {rootdirectory: \(home.root)/data}, delete: {enabled: true}}
            http:
              addr: 127.0.0.1:\(port)
            """
        switch security {
        case .none: break
        case .basic:
            try home.write(
                "htpasswd", try RealRegistry.tool("htpasswd", "-Bbn", RealRegistry.user, RealRegistry.password))
            settings += "\nauth: {htpasswd: {realm: test, path: \(home.root)/htpasswd}}"
        case .tls:
            try RealRegistry.makeCertificates(home)
            settings += "\n  tls: {certificate: \(home.root)/tls/server.crt, key: \(home.root)/tls/server.key}"
        }
        let path = try home.write("config.yml", settings + "\n")
        process = Process()
        process.executableURL = URL(fileURLWithPath: RealRegistry.find("docker-registry") ?? "")
        process.arguments = ["serve", path]
        process.environment = ["PATH": "/usr/bin:/bin", "OTEL_TRACES_EXPORTER": "none"]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        try process.run()
        try waitUntilItListens()
    }

    deinit {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    private func waitUntilItListens() throws {
        let deadline = Date().addingTimeInterval(30)
        while Date() < deadline {
            if RealRegistry.connects(port) { return }
            usleep(50_000)
        }
        throw CocoaError(.fileReadUnknown, userInfo: [NSLocalizedDescriptionKey: "docker-registry does not start"])
    }

    private static func makeCertificates(_ home: ScratchHome) throws {
        try home.write("tls/san", "subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        let tls = home.root + "/tls"
        try tool(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test authority",
            "-keyout", tls + "/ca.key", "-out", tls + "/ca.crt")
        try tool(
            "openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", tls + "/server.key",
            "-out", tls + "/server.csr")
        try tool(
            "openssl", "x509", "-req", "-in", tls + "/server.csr", "-CA", tls + "/ca.crt", "-CAkey", tls + "/ca.key",
            "-CAcreateserial", "-days", "2", "-extfile", tls + "/san", "-out", tls + "/server.crt")
    }

    // MARK: Images

    /// Makes an image of two small layers and pushes it. Returns its manifest's digest at the registry.
    @discardableResult
    func push(_ name: String, arguments: [String] = []) throws -> String {
        let layout = try makeLayout(name)
        let digests = home.root + "/digest-" + name.replacingOccurrences(of: "/", with: "-")
        try RealRegistry.tool(
            [
                "skopeo", "--insecure-policy", "copy", "-q", "--dest-tls-verify=false", "--digestfile", digests,
                "--dest-creds", "\(RealRegistry.user):\(RealRegistry.password)",
            ] + arguments
                + ["oci:\(layout):x", "docker://\(host)/\(name)"])
        return try String(contentsOfFile: digests, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// An OCI layout, put together from tar and gzip so that nothing of ours is tested against itself.
    private func makeLayout(_ name: String) throws -> String {
        let work = "layout-" + name.replacingOccurrences(of: "/", with: "-").replacingOccurrences(of: ":", with: "-")
        let path = home.root + "/" + work
        try home.write("\(work)/oci-layout", #"{"imageLayoutVersion":"1.0.0"}"#)
        try home.write("\(work)-1/etc/os-release", "NAME=test\n")
        try home.write("\(work)-1/bin/tool", String(repeating: "#!/bin/sh\n", count: 40_000), mode: 0o755)
        try home.write("\(work)-2/etc/\(work)", "second layer\n")
        var layers: [String] = []
        var diffIDs: [String] = []
        for number in 1...2 {
            let tar = home.root + "/\(work)-\(number).tar"
            try RealRegistry.tool("tar", "--owner=0", "--group=0", "-C", "\(path)-\(number)", "-cf", tar, ".")
            diffIDs.append("\"sha256:\(try RealRegistry.sha256(tar))\"")
            try RealRegistry.tool("gzip", "-nf", tar)
            layers.append(try addBlob(tar + ".gz", to: work, type: "application/vnd.oci.image.layer.v1.tar+gzip"))
        }
        let config = try home.write(
            "\(work)-config",
            """
            {"os":"linux","architecture":"\(FakeImage.architecture)","config":{"Cmd":["/bin/tool"]},
            "rootfs":{"type":"layers","diff_ids":[\(diffIDs.joined(separator: ","))]}}
            """)
        let descriptor = try addBlob(config, to: work, type: "application/vnd.oci.image.config.v1+json")
        let manifest = try home.write(
            "\(work)-manifest",
            #"{"schemaVersion":2,"config":\#(descriptor),"layers":[\#(layers.joined(separator: ","))]}"#)
        let entry = try addBlob(manifest, to: work, type: "application/vnd.oci.image.manifest.v1+json")
        let named = entry.dropLast() + #","annotations":{"org.opencontainers.image.ref.name":"x"}}"#
        try home.write("\(work)/index.json", #"{"schemaVersion":2,"manifests":[\#(named)]}"#)
        return path
    }

    private func addBlob(_ file: String, to layout: String, type: String) throws -> String {
        let digest = try RealRegistry.sha256(file)
        let data = try Data(contentsOf: URL(fileURLWithPath: file))
        let blobs = home.root + "/\(layout)/blobs/sha256"
        try FileManager.default.createDirectory(atPath: blobs, withIntermediateDirectories: true)
        try data.write(to: URL(fileURLWithPath: blobs + "/" + digest))
        return #"{"mediaType":"\#(type)","digest":"sha256:\#(digest)","size":\#(data.count)}"#
    }

    // MARK: Tools

    static func find(_ name: String) -> String? {
        ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"].map { $0 + "/" + name }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    @discardableResult
    static func tool(_ words: String...) throws -> String { try tool(words) }

    @discardableResult
    static func tool(_ words: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: find(words[0]) ?? words[0])
        process.arguments = Array(words.dropFirst())
        process.environment = [
            "PATH": "/usr/bin:/bin:/usr/sbin", "HOME": "/nonexistent", "REGISTRY_AUTH_FILE": "/dev/null",
        ]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw CocoaError(.fileReadUnknown, userInfo: [NSLocalizedDescriptionKey: "\(words): \(text)"])
        }
        return text
    }

    private static func sha256(_ path: String) throws -> String {
        String(try tool("sha256sum", path).prefix { $0 != " " })
    }

    private static func address(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        address.sin_port = UInt16(port).bigEndian
        return address
    }

    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = address(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard bound else { throw POSIXError(.EADDRNOTAVAIL) }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    private static func connects(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = address(port)
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
#endif
