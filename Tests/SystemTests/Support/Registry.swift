import Foundation

/// Debian's docker-registry on loopback, in a directory of its own, gone with this process.
final class Registry: @unchecked Sendable {
    let port: UInt16
    var host: String { "127.0.0.1:\(port)" }
    let directory: String
    private let server: RunningCommand

    /// Open to everybody, without TLS, with the images of the tests in it.
    static let shared: Result<Registry, any Error> = Result {
        let registry = try Registry()
        for image in ["tiny", "large", "many", "torture"] {
            try registry.push("oci-archive:\(Machine.archives)/\(image).tar", "tests/\(image):latest")
        }
        try registry.push("oci-archive:\(Machine.archives)/tiny.tar", "tests/docker:latest", "--format", "v2s2")
        try registry.push("oci-archive:\(Machine.archives)/tiny.tar", "library/short:latest")
        for compression in ["zstd", "plain", "index"] {
            let path = Machine.scratch + "/\(compression).tar"
            let made = Machine.tool("python3", Machine.images + "/variants.py", compression, path)
            guard made.ok else { throw Failure("\(made)") }
            try registry.pushLayout(path, "tests/\(compression)")
        }
        return registry
    }

    init(user: String? = nil, password: String = "", tls: Bool = false) throws {
        port = try freePort()
        directory = Machine.scratch + "/registry-\(port)"
        mkdir(directory, 0o755)
        var configuration = """
            version: 0.1
            log: {level: error, accesslog: {disabled: true}}
            storage: {filesystem: {rootdirectory: \(directory)/data}, delete: {enabled: true}}
            http:
              addr: 127.0.0.1:\(port)

            """
        if tls {
            let made = Machine.tool(
                "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=localhost",
                "-addext",
                "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", directory + "/key.pem", "-out",
                directory + "/ca.crt")
            guard made.ok else { throw Failure("\(made)") }
            configuration += "  tls: {certificate: \(directory)/ca.crt, key: \(directory)/key.pem}\n"
        }
        if let user {
            let made = Machine.tool("htpasswd", "-Bbn", user, password)
            guard made.ok else { throw Failure("\(made)") }
            try made.out.write(toFile: directory + "/htpasswd", atomically: false, encoding: .utf8)
            configuration += "auth: {htpasswd: {realm: tests, path: \(directory)/htpasswd}}\n"
        }
        try configuration.write(toFile: directory + "/config.yml", atomically: false, encoding: .utf8)
        server = try Command(
            words: ["sh", "-c", "exec docker-registry serve config.yml > log 2>&1"],
            environment: ["PATH": Machine.path],
            directory: directory
        ).start()
        ProcessesToEnd.add(server.pid)
        let scheme = tls ? "https" : "http"
        let up = eventually(seconds: 15) {
            Machine.tool("curl", "-k", "-s", "-o", "/dev/null", "\(scheme)://127.0.0.1:\(port)/v2/").ok
        }
        guard up else { throw Failure("docker-registry does not answer") }
    }

    deinit { stop() }

    func stop() {
        server.signal(SIGKILL)
        _ = server.finish(seconds: 5)
    }

    func push(_ source: String, _ name: String, _ more: String...) throws {
        var command = Command(
            words: ["skopeo", "copy", "-q", "--all", "--dest-tls-verify=false"] + more + [
                source, "docker://\(host)/\(name)",
            ],
            environment: ["PATH": Machine.path, "HOME": "/root"])
        command.seconds = 120
        let output = command.run()
        guard output.ok else { throw Failure("\(output)") }
    }

    /// Pushes an OCI archive blob by blob, as it stands: nothing is compressed again.
    func pushLayout(_ archive: String, _ repository: String) throws {
        let output = Machine.tool("python3", Machine.images + "/push.py", archive, host, repository)
        guard output.ok else { throw Failure("\(output)") }
    }

    /// Requests of a faulty registry's log.
    struct Request {
        let method: String
        let path: String
        let range: String?
        let authorization: String
        let status: Int
        let host: String
    }
}

/// The proxy of `registry.py` before the shared registry.
final class FaultyRegistry: @unchecked Sendable {
    let port: UInt16
    var host: String { "127.0.0.1:\(port)" }
    private let log: String
    private let server: RunningCommand

    init(_ faults: String...) throws {
        let upstream = try Registry.shared.get().port
        port = try freePort()
        log = Machine.scratch + "/requests-\(port)"
        server = try Command(
            words: [
                "python3", Machine.images + "/registry.py", "--upstream", "\(upstream)", "--listen", "\(port)", "--log",
                log,
            ] + faults, environment: ["PATH": Machine.path]
        ).start()
        ProcessesToEnd.add(server.pid)
        let port = port
        let up = eventually(seconds: 15) {
            Machine.tool("curl", "-s", "-o", "/dev/null", "http://127.0.0.1:\(port)/token").ok
        }
        guard up else { throw Failure("registry.py does not answer: \(server.errSoFar)") }
        clearLog()
    }

    deinit {
        server.signal(SIGKILL)
        _ = server.finish(seconds: 5)
    }

    func clearLog() { unlink(log) }

    var requests: [Registry.Request] {
        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap { line in
            guard let fields = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
                return nil
            }
            return Registry.Request(
                method: fields["method"] as? String ?? "", path: fields["path"] as? String ?? "",
                range: fields["range"] as? String, authorization: fields["authorization"] as? String ?? "",
                status: fields["status"] as? Int ?? 0, host: fields["host"] as? String ?? "")
        }
    }

    /// How often each blob was asked for.
    var blobRequests: [String: Int] {
        requests.filter { $0.method == "GET" && $0.path.contains("/blobs/") && $0.status < 300 }
            .reduce(into: [:]) { $0[$1.path, default: 0] += 1 }
    }
}

/// Servers that are still up when the tests end.
enum ProcessesToEnd {
    private static let lock = NSLock()
    nonisolated(unsafe) private static var pids: [pid_t] = []

    static func add(_ pid: pid_t) {
        lock.lock()
        defer { lock.unlock() }
        if pids.isEmpty { atexit { for pid in ProcessesToEnd.pids { kill(pid, SIGKILL) } } }
        pids.append(pid)
    }
}
