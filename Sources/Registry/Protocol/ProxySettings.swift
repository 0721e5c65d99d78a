/// Which requests go through a proxy: `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`, by the rules of Go's client, which is
/// what people have written their variables for.
package struct ProxySettings: Equatable, Sendable {
    package struct Proxy: Hashable, Sendable {
        package var host: String
        package var port: Int
        package var username: String?
        package var password: String?
    }

    private var proxies: [RegistryURL.Scheme: Proxy] = [:]
    private var exceptions: [String] = []

    /// - Throws: `.configuration` for a proxy that is no `http://` URL.
    package init(_ environment: RegistryEnvironment) throws(RegistryError) {
        func variable(_ name: String) -> String? {
            environment.variable(name.uppercased()) ?? environment.variable(name)
        }
        for (scheme, name) in [(RegistryURL.Scheme.https, "https_proxy"), (.http, "http_proxy")] {
            guard let text = variable(name) else { continue }
            guard let proxy = ProxySettings.parse(text) else {
                throw RegistryError(.configuration, "read \(name.uppercased()): it is not an http://HOST:PORT URL")
            }
            proxies[scheme] = proxy
        }
        exceptions = (variable("no_proxy") ?? "").lowercased()
            .split { $0 == "," || $0 == " " }.map(String.init)
    }

    private static func parse(_ text: String) -> Proxy? {
        var rest = text[...]
        if let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") {
            guard text[..<colon].lowercased() == "http" else { return nil }
            rest = text[colon...].dropFirst(3)
        }
        rest = rest.prefix { $0 != "/" }
        var user: [Substring] = []
        if let at = rest.lastIndex(of: "@") {
            user = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            rest = rest[rest.index(after: at)...]
        }
        guard let address = RegistryURL.split(authority: rest) else { return nil }
        return Proxy(
            host: address.host, port: address.port ?? 80, username: user.first.flatMap(decode),
            password: user.count > 1 ? decode(user[1]) : nil)
    }

    private static func decode(_ text: Substring) -> String? {
        var result: [UInt8] = []
        var bytes = Array(text.utf8)[...]
        while let byte = bytes.popFirst() {
            if byte == UInt8(ascii: "%"), bytes.count >= 2,
                let value = UInt8(String(decoding: bytes.prefix(2), as: UTF8.self), radix: 16)
            {
                result.append(value)
                bytes = bytes.dropFirst(2)
            } else {
                result.append(byte)
            }
        }
        return String(validating: result, as: UTF8.self)
    }

    /// The proxy for a request; nil: go straight there.
    package func proxy(for url: RegistryURL) -> Proxy? {
        guard let proxy = proxies[url.scheme] else { return nil }
        // Go never proxies this machine.
        if url.host == "localhost" || url.host == "::1" || ProxySettings.address(url.host)?.first == 127 { return nil }
        return exceptions.contains { isExcepted(url, by: $0) } ? nil : proxy
    }

    private func isExcepted(_ url: RegistryURL, by rule: String) -> Bool {
        if rule == "*" { return true }
        if let slash = rule.firstIndex(of: "/") {
            guard let network = ProxySettings.address(rule[..<slash]),
                let length = Int(rule[rule.index(after: slash)...]),
                let address = ProxySettings.address(url.host), (0...32).contains(length)
            else { return false }
            let mask: UInt32 = length == 0 ? 0 : ~0 << (32 - length)
            let value = { (bytes: [UInt8]) in bytes.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } }
            return value(network) & mask == value(address) & mask
        }
        let (host, port) = RegistryURL.split(authority: rule) ?? (rule, nil)
        if let port, port != url.port { return false }
        if host.hasPrefix("*.") { return url.host.hasSuffix(host.dropFirst()) }
        if host.hasPrefix(".") { return url.host.hasSuffix(host) }
        return url.host == host || url.host.hasSuffix("." + host)
    }

    /// The four bytes of an IPv4 address.
    private static func address(_ text: some StringProtocol) -> [UInt8]? {
        let bytes = text.split(separator: ".", omittingEmptySubsequences: false).compactMap { UInt8($0) }
        return bytes.count == 4 && text.allSatisfy({ $0 == "." || $0.isNumber }) ? bytes : nil
    }
}
