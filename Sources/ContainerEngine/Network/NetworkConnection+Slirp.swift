import Glibc
import LinuxKernel

extension NetworkConnection {
    func connectBySlirp(_ pid: Int32) throws(EngineError) -> ProcessIdentity? {
        guard record.ports.isEmpty else {
            throw EngineError(
                .unsupported,
                "publish ports: slirp4netns is used where pasta is missing and publishes none (install the package passt)"
            )
        }
        guard let program = HelperProgram(named: "slirp4netns") else {
            throw EngineError(
                .unsupported, "create network: slirp4netns is not installed (install the package slirp4netns)")
        }
        return try doing("start slirp4netns") { () throws(SyscallError) in
            let ready = try OwnedDescriptor.pipe()
            let reader = ready.reader
            let writer = ready.writer
            let text = try OwnedDescriptor.memoryFile(named: "diagnostics")
            let helper = try program.start(
                [
                    "--configure", "--mtu=65520", "--disable-host-loopback", "--enable-sandbox", "--enable-seccomp",
                    "--ready-fd=3", "--netns-type=path", "/proc/\(pid)/ns/net", "tap0",
                ], descriptors: [(writer.raw, 3), (text.raw, 2)])
            let pidFile = layout.container(record.id) + "/" + NetworkConnection.pidFile
            try File.writeAtomically("\(helper)\n".utf8, to: pidFile, mode: 0o600)
            _ = consume writer
            // It writes one byte when the device stands, or ends.
            guard try !reader.readAll(limit: 16).isEmpty else {
                throw SyscallError("slirp4netns", "tap0", errno: ECHILD)
            }
            return ProcessIdentity(runningAs: helper)
        }
    }
}
