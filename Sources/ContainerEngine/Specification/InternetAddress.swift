import Glibc

/// Internet addresses in text.
package enum InternetAddress {
    /// The address if it is one of IPv4 or IPv6, in brackets or not; nil otherwise.
    package static func canonical(_ text: String) -> String? {
        var plain = text
        if plain.hasPrefix("["), plain.hasSuffix("]") { plain = String(plain.dropFirst().dropLast()) }
        if isV4(plain) || isV6(plain) { return plain }
        return nil
    }

    package static func isV4(_ text: String) -> Bool {
        var address = in_addr()
        return inet_pton(AF_INET, text, &address) == 1
    }

    /// With or without a zone (`fe80::1%eth0`).
    package static func isV6(_ text: String) -> Bool {
        let plain = text.firstIndex(of: "%").map { String(text[..<$0]) } ?? text
        var address = in6_addr()
        return inet_pton(AF_INET6, plain, &address) == 1
    }

    package static func isLoopback(_ text: String) -> Bool {
        (isV4(text) && text.hasPrefix("127.")) || text == "::1"
    }

    /// The first address of the machine that others can reach, of IPv4 where there is one: what podman calls
    /// host.containers.internal. nil on a machine without a network.
    package static func ofHost() -> String? {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0, let first = list else { return nil }
        defer { freeifaddrs(first) }
        var fallback: String?
        for interface in sequence(first: first, next: { $0.pointee.ifa_next }) {
            guard let address = interface.pointee.ifa_addr else { continue }
            var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
            switch Int32(address.pointee.sa_family) {
            case AF_INET:
                address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { four in
                    _ = inet_ntop(AF_INET, &four.pointee.sin_addr, &buffer, socklen_t(buffer.count))
                }
                let text = string(buffer)
                if !text.hasPrefix("127."), !text.hasPrefix("169.254."), !text.isEmpty { return text }
            case AF_INET6:
                address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { six in
                    _ = inet_ntop(AF_INET6, &six.pointee.sin6_addr, &buffer, socklen_t(buffer.count))
                }
                let text = string(buffer)
                if fallback == nil, text != "::1", !text.hasPrefix("fe80:"), !text.isEmpty { fallback = text }
            default:
                continue
            }
        }
        return fallback
    }

    private static func string(_ buffer: [CChar]) -> String {
        String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
