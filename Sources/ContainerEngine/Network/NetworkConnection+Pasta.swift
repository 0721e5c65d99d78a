import Glibc
import LinuxKernel

extension NetworkConnection {
    func connectByPasta(_ pid: Int32) throws(EngineError) -> ProcessIdentity? {
        guard let program = HelperProgram(named: "pasta") else {
            throw EngineError(.unsupported, "create network: pasta is not installed (install the package passt)")
        }
        let pidFile = layout.container(record.id) + "/" + NetworkConnection.pidFile
        unlink(pidFile)
        let words = NetworkConnection.pastaArguments(
            ports: record.ports, options: record.networkOptions, pidFile: pidFile)
        let path = "/proc/\(pid)/ns/net"
        let (status, diagnostics) = try doing("start pasta") { () throws(SyscallError) in
            if geteuid() == 0, isMachineRoot {
                // Root's pasta gives its rights up before it opens the namespace, and may not look into a process that
                // has more. So it gets the namespace as its stdin, and stays root as podman's does.
                let namespace = try OwnedDescriptor.open(path)
                let given = ["--runas", "0", "--no-netns-quit", "--netns", "/proc/self/fd/0"]
                let result = try program.run(words + given, input: namespace.raw)
                return (result.status, result.diagnostics)
            }
            let result = try program.run(words + ["--netns", path])
            return (result.status, result.diagnostics)
        }
        guard status == .exited(0) else {
            // Its first words are what it found of the host's network; the last say why it gave up.
            let reason = diagnostics.split(separator: "\n").last.map(String.init) ?? "exit status \(status.code)"
            throw EngineError(.failed, "create network: pasta: \(reason)")
        }
        let text = (try? File.read(pidFile, limit: 32)) ?? []
        guard let helper = Int32(String(decoding: text.prefix { $0 != 0x0a }, as: UTF8.self)) else { return nil }
        return ProcessIdentity(runningAs: helper)
    }

    /// Not merely root of a keeper's namespace.
    private var isMachineRoot: Bool {
        (try? IDMaps.read("uid_map")) == [IDRange(inside: 0, outside: 0, count: .max)]
    }

    /// podman's words for pasta: nothing of the host's loopback is reachable but by the ports asked for.
    static func pastaArguments(
        ports: [NetworkOptions.PortMapping], options: [String], pidFile: String
    ) -> [String] {
        var words = ["--config-net"]
        for port in ports {
            let flag = port.transport == "udp" ? "-u" : "-t"
            let address = port.hostAddress.map { $0 + "/" } ?? ""
            words += [flag, "\(address)\(port.hostPort ?? port.containerPort):\(port.containerPort)"]
        }
        words += options
        func given(_ names: String...) -> Bool {
            words.contains { word in names.contains { word == $0 || word.hasPrefix($0 + "=") } }
        }
        if !given("-t", "--tcp-ports") { words += ["-t", "none"] }
        if !given("-u", "--udp-ports") { words += ["-u", "none"] }
        if !given("-T", "--tcp-ns") { words += ["-T", "none"] }
        if !given("-U", "--udp-ns") { words += ["-U", "none"] }
        if !given("--dns-forward") { words += ["--dns-forward", NetworkTool.pasta.nameServer] }
        if !given("--no-map-gw", "--map-gw") { words.append("--no-map-gw") }
        return words + ["--quiet", "--pid", pidFile]
    }
}
