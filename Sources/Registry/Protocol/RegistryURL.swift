/// An http or https URL, as far as registries need it.
package struct RegistryURL: Equatable, Sendable, CustomStringConvertible {
    package enum Scheme: String, Sendable {
        case http
        case https

        var defaultPort: Int { self == .https ? 443 : 80 }
    }

    package var scheme: Scheme
    /// Without brackets, lower case.
    package var host: String
    package var port: Int
    /// Path and query, from its slash on.
    package var path: String

    package init(scheme: Scheme, host: String, port: Int, path: String) {
        self.scheme = scheme
        self.host = host
        self.port = port
        self.path = path
    }

    /// A registry's address, `host[:port]`. docker.io's interface is served by another host than its name says.
    package init?(scheme: Scheme, registry: String, path: String) {
        self.init(parsing: "\(scheme)://\(registry == "docker.io" ? "registry-1.docker.io" : registry)\(path)")
    }

    /// An absolute URL. One with user information is refused: it would reach logs and errors.
    package init?(parsing text: String) {
        guard let scheme = [Scheme.https, .http].first(where: { text.lowercased().hasPrefix("\($0)://") }),
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
        else { return nil }
        let rest = text.dropFirst("\(scheme)://".count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard let address = RegistryURL.split(authority: authority) else { return nil }
        self.scheme = scheme
        host = address.host
        port = address.port ?? scheme.defaultPort
        let path = rest.dropFirst(authority.count).prefix { $0 != "#" }
        self.path = path.hasPrefix("/") ? String(path) : "/" + path
    }

    /// `host`, `host:port`, `[v6]:port`.
    static func split(authority: some StringProtocol) -> (host: String, port: Int?)? {
        var host = authority.lowercased()[...]
        var port: Int?
        if host.hasPrefix("[") {
            guard let end = host.firstIndex(of: "]") else { return nil }
            let rest = host[host.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { return nil }
            if !rest.isEmpty {
                guard let number = UInt16(rest.dropFirst()), number > 0 else { return nil }
                port = Int(number)
            }
            host = host[host.index(after: host.startIndex)..<end]
        } else if let colon = host.firstIndex(of: ":") {
            guard let number = UInt16(host[host.index(after: colon)...]), number > 0 else { return nil }
            port = Int(number)
            host = host[..<colon]
        }
        guard !host.isEmpty, !host.contains("@") else { return nil }
        return (String(host), port)
    }

    /// `host`, or `host:port` where the port is not the scheme's own: what errors and `Host` say.
    package var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == scheme.defaultPort ? name : "\(name):\(port)"
    }

    package var description: String { "\(scheme)://\(authority)\(path)" }

    /// Scheme, host and port: what credentials belong to.
    package func hasSameOrigin(as other: RegistryURL) -> Bool {
        scheme == other.scheme && host == other.host && port == other.port
    }

    /// Where a `Location` leads from here (RFC 3986, section 5.2, without dot segments); nil where it makes no sense.
    package func resolving(_ location: String) -> RegistryURL? {
        if let colon = location.firstIndex(of: ":"), location[..<colon].allSatisfy({ $0.isLetter || $0.isNumber }),
            location[location.index(after: colon)...].hasPrefix("//")
        {
            return RegistryURL(parsing: location)
        }
        if location.hasPrefix("//") { return RegistryURL(parsing: "\(scheme):\(location)") }
        guard !location.isEmpty, location.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return nil }
        var result = self
        let target = String(location.prefix { $0 != "#" })
        let base = path.prefix { $0 != "?" }
        if target.hasPrefix("/") {
            result.path = target
        } else if target.hasPrefix("?") {
            result.path = base + target
        } else {
            let directory = base[...(base.lastIndex(of: "/") ?? base.startIndex)]
            result.path = directory + target
        }
        return result
    }

    /// Adds a query parameter, percent-encoded.
    package mutating func add(_ name: String, _ value: String) {
        path += (path.contains("?") ? "&" : "?") + "\(name)=\(RegistryURL.encode(value))"
    }

    /// Everything but RFC 3986's unreserved characters as %XX; right for forms as well.
    static func encode(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var result: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.append(byte)
            default:
                result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
