import Glibc
import LinuxKernel
import OCISpec

/// What a container's network request comes to on this machine.
struct NetworkChoice: Equatable, Sendable {
    /// podman's word: `host`, `none`, `pasta`, `slirp4netns`, `container:ID`, `ns:PATH`.
    var word: String
    /// Words of the user's for the tool.
    var options: [String] = []

    /// The program that has to connect the container's own network namespace.
    var tool: NetworkTool? { NetworkTool(rawValue: word) }

    /// - Throws: `.unsupported` where a private network is asked for and nothing is installed that could make one.
    init(_ request: NetworkOptions, store: ContainerStore) throws(EngineError) {
        switch request.mode {
        case .host: word = "host"
        case .none?: word = "none"
        case .container(let name): word = "container:\(try store.find(name))"
        case .path(let path): word = "ns:\(path)"
        case .pasta(let options):
            word = "pasta"
            self.options = options
            try NetworkChoice.require(.pasta)
        case .slirp4netns(let options):
            word = "slirp4netns"
            self.options = options
            try NetworkChoice.require(.slirp4netns)
        case .private, nil:
            guard let tool = NetworkTool.installed() else {
                throw EngineError(
                    .unsupported,
                    "create network: neither pasta nor slirp4netns is installed (install the package passt, "
                        + "or use --network=host or --network=none)")
            }
            word = tool.rawValue
        }
    }

    private static func require(_ tool: NetworkTool) throws(EngineError) {
        if HelperProgram(named: tool.rawValue) == nil {
            throw EngineError(
                .unsupported,
                "create network: \(tool.rawValue) is not installed (install the package \(tool.packageName))")
        }
    }

    /// Ports of the host for those that were published without one, free at this moment.
    static func withHostPorts(_ ports: [NetworkOptions.PortMapping]) -> [NetworkOptions.PortMapping] {
        ports.map { mapping in
            var mapping = mapping
            if mapping.hostPort == nil { mapping.hostPort = freePort(datagrams: mapping.transport == "udp") }
            return mapping
        }
    }

    private static func freePort(datagrams: Bool) -> UInt16? {
        // SOCK_STREAM and SOCK_DGRAM.
        let socket = Glibc.socket(AF_INET, datagrams ? 2 : 1, 0)
        guard socket >= 0 else { return nil }
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic -> UInt16? in
                guard bind(socket, generic, length) == 0, getsockname(socket, generic, &length) == 0 else { return nil }
                return pointer.pointee.sin_port.bigEndian
            }
        }
    }
}
