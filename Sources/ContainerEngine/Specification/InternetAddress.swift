import Glibc
import LinuxKernel

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

    /// The address that the machine itself uses towards others, of IPv4 where it has one: what podman calls
    /// host.containers.internal. nil on a machine without a network.
    package static func ofHost() -> String? {
        // The kernel is asked for its choice of source, in three calls that send nothing: a list of all the addresses
        // costs a twentieth of a container's start. 192.0.2.0/24 and 2001:db8::/32 are nobody's (RFC 5737, 3849).
        source(towards: "192.0.2.1", AF_INET) ?? source(towards: "2001:db8::1", AF_INET6)
    }

    private static func source(towards address: String, _ family: Int32) -> String? {
        let plain = socket(family, Int32(2 /* SOCK_DGRAM */) | 0o2_000_000 /* SOCK_CLOEXEC */, 0)
        guard plain >= 0 else { return nil }
        let file = OwnedDescriptor(adopting: plain)
        var storage = sockaddr_storage()
        var length = socklen_t(family == AF_INET ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size)
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let isKnown = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { target -> Bool in
                target.pointee.sa_family = sa_family_t(family)
                // The port of the discard service, at byte 2 in both families.
                UnsafeMutableRawPointer(pointer).storeBytes(of: UInt16(9).bigEndian, toByteOffset: 2, as: UInt16.self)
                // The address: sin_addr at byte 4, sin6_addr at byte 8.
                let place = UnsafeMutableRawPointer(pointer) + (family == AF_INET ? 4 : 8)
                guard inet_pton(family, address, place) == 1, connect(file.raw, target, length) == 0,
                    getsockname(file.raw, target, &length) == 0
                else { return false }
                return inet_ntop(family, place, &text, socklen_t(text.count)) != nil
            }
        }
        return isKnown ? string(text) : nil
    }

    private static func string(_ buffer: [CChar]) -> String {
        String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
