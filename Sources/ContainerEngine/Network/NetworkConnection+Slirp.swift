import CShims
import Glibc
import LinuxKernel
import OCISpec

extension NetworkConnection {
    func connectBySlirp(_ pid: Int32) throws(EngineError) -> ProcessIdentity? {
        guard let program = HelperProgram(named: "slirp4netns") else {
            throw EngineError(
                .unsupported, "create network: slirp4netns is not installed (install the package slirp4netns)")
        }
        let opened = try doing("start slirp4netns") { () throws(SyscallError) in
            try OwnedDescriptor.open(layout.container(record.id), O_RDONLY | O_DIRECTORY).release()
        }
        let directory = OwnedDescriptor(adopting: opened)
        let helper = try doing("start slirp4netns") { () throws(SyscallError) in
            try start(program, pid, directory)
        }
        let identity = ProcessIdentity(runningAs: helper)
        defer { unlinkat(directory.raw, Self.socket, 0) }
        do {
            for port in record.ports { try publish(port, by: directory) }
        } catch {
            NetworkConnection.end(identity)
            throw EngineError(.failed, "publish ports: \(error)", cause: error)
        }
        return identity
    }

    /// In the container's directory, as long as ports are being published.
    private static let socket = "slirp4netns.socket"

    private func start(
        _ program: HelperProgram, _ pid: Int32, _ directory: borrowing OwnedDescriptor
    ) throws(SyscallError) -> Int32 {
        let ready = try OwnedDescriptor.pipe()
        let reader = ready.reader
        let writer = ready.writer
        let text = try OwnedDescriptor.memoryFile(named: "diagnostics")
        var words = [
            "--configure", "--mtu=65520", "--disable-host-loopback", "--enable-sandbox", "--enable-seccomp",
            "--ready-fd=3",
        ]
        var descriptors: [(source: Int32, number: Int32)] = [(writer.raw, 3), (text.raw, 2)]
        if !record.ports.isEmpty {
            // By way of the directory's descriptor: a socket's path has 107 bytes at most.
            words.append("--api-socket=/proc/self/fd/4/\(Self.socket)")
            descriptors.append((directory.raw, 4))
        }
        words += record.networkOptions + ["--netns-type=path", "/proc/\(pid)/ns/net", "tap0"]
        let helper = try program.start(words, descriptors: descriptors)
        let pidFile = layout.container(record.id) + "/" + NetworkConnection.pidFile
        try File.writeAtomically("\(helper)\n".utf8, to: pidFile, mode: 0o600)
        _ = consume writer
        // It writes one byte when the device stands, or ends.
        guard try !reader.readAll(limit: 16).isEmpty else {
            throw SyscallError("slirp4netns", "tap0", errno: ECHILD)
        }
        return helper
    }

    /// One request of slirp4netns's own protocol (its manual page): a JSON object each way, ended by a shutdown.
    private func publish(
        _ port: NetworkOptions.PortMapping, by directory: borrowing OwnedDescriptor
    ) throws {
        let path = "\(directory.procPath)/\(Self.socket)"
        let socket = OwnedDescriptor(adopting: try check("connect", Self.socket) { swiftpod_connect(path) })
        let host = port.hostPort ?? port.containerPort
        let request = JSON(members: [
            "execute": "add_hostfwd",
            "arguments": JSON(members: [
                "proto": .string(port.transport), "host_addr": .string(port.hostAddress ?? "0.0.0.0"),
                "host_port": .integer(Int64(host)), "guest_port": .integer(Int64(port.containerPort)),
            ]),
        ])
        try socket.writeAll(request.encoded())
        // SHUT_WR, which Swift does not see.
        try check("shutdown", Self.socket) { shutdown(socket.raw, 1) }
        let reply = try JSON(parsing: try socket.readAll(limit: 1 << 16))
        if let error = reply["error"] {
            throw EngineError(
                .failed, "slirp4netns: port \(host)/\(port.transport): \(error["desc"]?.string ?? "refused")")
        }
    }
}
