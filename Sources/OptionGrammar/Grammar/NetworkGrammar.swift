import ContainerEngine

extension NetworkOptions.Mode {
    /// `--network MODE[:OPTION,…]`; nil for the default's own names.
    package static func parse(_ text: String) throws(CommandError) -> NetworkOptions.Mode? {
        let (kind, rest) = splitPair(text, at: UInt8(ascii: ":"))
        switch kind {
        case "", "default": return nil
        case "host" where rest == nil: return .host
        case "none" where rest == nil: return NetworkOptions.Mode.none
        case "private" where rest == nil: return .private
        case "pasta": return .pasta(rest.map(splitList) ?? [])
        case "slirp4netns": return .slirp4netns(rest.map(splitList) ?? [])
        case "container":
            guard let rest, !rest.isEmpty else { throw CommandError("must provide name or ID of a container") }
            return .container(rest)
        case "ns":
            guard let rest, rest.hasPrefix("/") else { throw CommandError("must provide the path of a namespace") }
            return .path(rest)
        case "bridge", "pod":
            throw CommandError("network mode \(kind) is not supported yet")
        default:
            throw CommandError("unable to find network with name or ID \(kind): networks are not supported yet")
        }
    }
}

extension NetworkOptions.PortMapping {
    /// `--publish [[ADDRESS:][HOST]:]CONTAINER[/PROTOCOL]`, ranges `FIRST-LAST` on both sides.
    package static func parse(_ text: String) throws(CommandError) -> [NetworkOptions.PortMapping] {
        let (ports, transport) = splitPair(text, at: UInt8(ascii: "/"))
        switch transport {
        case nil, "tcp", "udp": break
        case "sctp": throw CommandError("protocol sctp is not supported yet")
        default: throw CommandError("unrecognized protocol \(quoted(transport ?? ""))")
        }
        let (address, host, container) = try splitAddress(ports)
        let containerRange = try portRange(container, "container")
        var first: UInt16?
        if let host, !host.isEmpty {
            let hostRange = try portRange(host, "host")
            guard hostRange.count == containerRange.count else {
                throw CommandError(
                    "host and container port ranges have different lengths: "
                        + "\(hostRange.count) vs \(containerRange.count)")
            }
            first = hostRange.lowerBound
        }
        return containerRange.enumerated().map { offset, port in
            NetworkOptions.PortMapping(
                hostAddress: address, hostPort: first.map { $0 + UInt16(offset) }, containerPort: port,
                transport: transport ?? "tcp")
        }
    }

    private static func splitAddress(
        _ text: String
    ) throws(CommandError) -> (address: String?, host: String?, container: String) {
        var rest = text[...]
        var address: String?
        if rest.hasPrefix("[") {
            guard let close = rest.firstIndex(of: "]"), rest[rest.index(after: close)...].hasPrefix(":") else {
                throw CommandError("invalid IPv6 address in port mapping")
            }
            address = String(rest[rest.index(after: rest.startIndex)..<close])
            rest = rest[rest.index(close, offsetBy: 2)...]
        }
        let parts = rest.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        switch (address, parts.count) {
        case (nil, 1): return (nil, nil, parts[0])
        case (nil, 2): return (nil, parts[0], parts[1])
        case (nil, 3): return (parts[0].isEmpty || parts[0] == "0.0.0.0" ? nil : parts[0], parts[1], parts[2])
        case (_?, 2): return (address, parts[0], parts[1])
        default: throw CommandError("invalid port format - format is [[hostIP:]hostPort:]containerPort")
        }
    }

    private static func portRange(_ text: String, _ side: String) throws(CommandError) -> ClosedRange<UInt16> {
        let (low, high) = splitPair(text, at: UInt8(ascii: "-"))
        guard let first = UInt16(low), first > 0, let last = high.map({ UInt16($0) }) ?? first else {
            throw CommandError("\(side) port \(quoted(text)): not a port from 1 to 65535")
        }
        guard first <= last else { throw CommandError("\(side) port \(quoted(text)): a range must not go down") }
        return first...last
    }
}

/// `--add-host NAME[;NAME…]:ADDRESS`.
package func parseAddHost(_ text: String) throws(CommandError) -> [(name: String, address: String)] {
    let (names, address) = splitPair(text, at: UInt8(ascii: ":"))
    guard let address, !address.isEmpty, !names.isEmpty else { throw CommandError("bad format for add-host") }
    // A v6 address may stand in brackets, as docker has it.
    let bare = address.hasPrefix("[") && address.hasSuffix("]") ? String(address.dropFirst().dropLast()) : address
    return names.split(separator: ";").map { (String($0), bare) }
}
