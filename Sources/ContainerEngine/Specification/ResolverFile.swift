/// resolv.conf(5) of a container.
package struct ResolverFile: Equatable, Sendable {
    package var nameServers: [String] = []
    package var search: [String] = []
    package var options: [String] = []

    /// Where a private network would be left without a name server: podman's choice too.
    package static let publicServers = ["8.8.8.8", "8.8.4.4"]
    package static let publicServersV6 = ["2001:4860:4860::8888", "2001:4860:4860::8844"]

    /// The last `search` and `options` line count, as in libc.
    package init(parsing bytes: [UInt8]) {
        for line in bytes.split(separator: 0x0A) {
            let words = line.prefix { $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: ";") }
                .split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }.map { String(decoding: $0, as: UTF8.self) }
            guard let keyword = words.first else { continue }
            switch keyword {
            case "nameserver" where words.count > 1: nameServers.append(words[1])
            case "search", "domain": search = Array(words.dropFirst())
            case "options": options = Array(words.dropFirst())
            default: break
            }
        }
    }

    package struct Situation: Equatable, Sendable {
        /// The container has a network namespace of its own: the host's loopback is not there.
        package var isPrivate = true
        package var hasIPv6 = true
        /// What the network tool offers; asked before the host's servers.
        package var forwarders: [String] = []

        package init() {}
    }

    /// - Parameter host: the host's file.
    package init(_ network: NetworkOptions, host: [UInt8], _ now: Situation) {
        self.init(parsing: host)
        if now.isPrivate {
            nameServers.removeAll {
                InternetAddress.isLoopback($0) || (!now.hasIPv6 && InternetAddress.isV6($0))
            }
            if nameServers.isEmpty && now.forwarders.isEmpty {
                nameServers = Self.publicServers + (now.hasIPv6 ? Self.publicServersV6 : [])
            }
            nameServers = now.forwarders + nameServers
        }
        if !network.dnsServers.isEmpty { nameServers = network.dnsServers }
        if !network.dnsSearch.isEmpty { search = network.dnsSearch }
        if !network.dnsOptions.isEmpty { options = network.dnsOptions }
    }

    package var bytes: [UInt8] {
        var text = ""
        // `--dns-search .` is the way to have none.
        if !search.isEmpty, search != ["."] { text += "search \(search.joined(separator: " "))\n" }
        for server in nameServers { text += "nameserver \(server)\n" }
        if !options.isEmpty { text += "options \(options.joined(separator: " "))\n" }
        return Array(text.utf8)
    }
}
