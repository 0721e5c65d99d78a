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
        let directory = try doing("start slirp4netns") { () throws(SyscallError) in
            try OwnedDescriptor.open(layout.container(record.id), O_RDONLY | O_DIRECTORY)
        }
        let helper = try doing("start slirp4netns") { () throws(SyscallError) in
            unlinkat(directory.raw, Self.slirpSocket, 0)
            let ready = try OwnedDescriptor.pipe()
            let reader = ready.reader
            let writer = ready.writer
            let text = try OwnedDescriptor.memoryFile(named: "diagnostics")
            let helper = try program.start(
                [
                    "--configure", "--mtu=65520", "--disable-host-loopback", "--enable-sandbox", "--enable-seccomp",
                    // By a descriptor, since a socket's name holds 107 bytes and a container's directory may be longer.
                    "--api-socket=/proc/self/fd/4/" + Self.slirpSocket,
                    "--ready-fd=3", "--netns-type=path", "/proc/\(pid)/ns/net", "tap0",
                ], descriptors: [(writer.raw, 3), (directory.raw, 4), (text.raw, 2)])
            let pidFile = layout.container(record.id) + "/" + NetworkConnection.pidFile
            try File.writeAtomically("\(helper)\n".utf8, to: pidFile, mode: 0o600)
            _ = consume writer
            // It writes one byte when the device stands, or ends.
            guard try !reader.readAll(limit: 16).isEmpty else {
                throw SyscallError("slirp4netns", "tap0", errno: ECHILD)
            }
            return ProcessIdentity(runningAs: helper)
        }
        do throws(EngineError) {
            for port in record.ports { try publish(port, socketIn: directory.raw) }
        } catch {
            NetworkConnection.end(helper)
            throw error
        }
        return helper
    }

    private static let slirpSocket = "slirp.sock"

    /// slirp4netns(1), "API SOCKET": one request a connection, ended by our end of it.
    private func publish(_ port: NetworkOptions.PortMapping, socketIn directory: Int32) throws(EngineError) {
        let hostPort = port.hostPort ?? port.containerPort
        let name = "\(port.hostAddress ?? "0.0.0.0"):\(hostPort)/\(port.transport)"
        let request = JSON(members: [
            "execute": "add_hostfwd",
            "arguments": JSON(members: [
                "proto": .string(port.transport), "host_addr": .string(port.hostAddress ?? "0.0.0.0"),
                "host_port": .integer(Int64(hostPort)), "guest_port": .integer(Int64(port.containerPort)),
            ]),
        ])
        let answer = try doing("publish port \(name)") { () throws(SyscallError) -> [UInt8] in
            let socket = swiftpod_connect("/proc/self/fd/\(directory)/" + Self.slirpSocket)
            guard socket >= 0 else { throw SyscallError("connect", Self.slirpSocket) }
            let connection = OwnedDescriptor(adopting: socket)
            try connection.writeAll(request.encoded())
            shutdown(connection.raw, Int32(SHUT_WR))
            return try connection.readAll(limit: 1 << 16)
        }
        let document = try? JSON(parsing: answer)
        if document?["return"] != nil { return }
        throw EngineError(
            .failed, "publish port \(name): slirp4netns: \(document?["error"]?["desc"]?.string ?? "no answer")")
    }
}
