import ContainerEngine
import OCISpec

extension NamespaceOptions.Choice {
    /// `host`, `private`, `container:ID`, `ns:PATH`; nil for the empty word.
    package static func parse(_ text: String) throws(CommandError) -> NamespaceOptions.Choice? {
        let (kind, rest) = splitPair(text, at: UInt8(ascii: ":"))
        switch kind {
        case "" where rest == nil: return nil
        case "host" where rest == nil: return .host
        case "private" where rest == nil: return .private
        case "container":
            guard let rest, !rest.isEmpty else { throw CommandError("must provide name or ID of a container") }
            return .container(rest)
        case "ns":
            guard let rest, rest.hasPrefix("/") else { throw CommandError("must provide the path of a namespace") }
            return .path(rest)
        case "pod": throw CommandError("pods are not supported yet")
        default: throw CommandError("unrecognized namespace mode \(text) passed")
        }
    }

    /// `--ipc` has two modes of its own: `shareable`, which ours always are, and `none`.
    package static func parseIPC(_ text: String) throws(CommandError) -> NamespaceOptions.Choice? {
        switch text {
        case "shareable": return .private
        case "none": throw CommandError("mode none is not supported yet")
        default: return try parse(text)
        }
    }
}

extension NamespaceOptions.User {
    /// `--userns MODE`; nil for the default.
    package static func parse(_ text: String) throws(CommandError) -> NamespaceOptions.User? {
        let (kind, rest) = splitPair(text, at: UInt8(ascii: ":"))
        switch kind {
        case "" where rest == nil: return nil
        case "host" where rest == nil: return .host
        case "nomap" where rest == nil: return .nomap
        case "keep-id": return try parseKeepID(rest)
        case "auto": return try parseAuto(rest)
        case "container":
            guard let rest, !rest.isEmpty else { throw CommandError("must provide name or ID of a container") }
            return .container(rest)
        case "ns":
            guard let rest, rest.hasPrefix("/") else { throw CommandError("must provide the path of a namespace") }
            return .path(rest)
        case "private" where rest == nil: throw CommandError("mode private needs --uidmap and --gidmap")
        case "pod": throw CommandError("pods are not supported yet")
        default: throw CommandError("unrecognized namespace mode \(text) passed")
        }
    }

    private static func parseKeepID(_ options: String?) throws(CommandError) -> NamespaceOptions.User {
        var uid: UInt32?
        var gid: UInt32?
        for option in options.map(splitList) ?? [] {
            let (key, value) = splitPair(option)
            switch key {
            case "uid": uid = try parseInteger(value ?? "")
            case "gid": gid = try parseInteger(value ?? "")
            case "size": throw CommandError("keep-id option size is not supported yet")
            default: throw CommandError("unknown option specified: \(quoted(option))")
            }
        }
        return .keepID(uid: uid, gid: gid)
    }

    private static func parseAuto(_ options: String?) throws(CommandError) -> NamespaceOptions.User {
        var size: UInt32?
        var uids: [RuntimeSpec.IDMapping] = []
        var gids: [RuntimeSpec.IDMapping] = []
        for option in options.map(splitList) ?? [] {
            let (key, value) = splitPair(option)
            switch key {
            case "size": size = try parseInteger(value ?? "")
            case "uidmapping": uids.append(try parseIDMapping(value ?? ""))
            case "gidmapping": gids.append(try parseIDMapping(value ?? ""))
            default: throw CommandError("unknown option specified: \(quoted(option))")
            }
        }
        return .auto(size: size, uidMappings: uids, gidMappings: gids)
    }
}

/// `--uidmap CONTAINER:HOST[:SIZE]`.
package func parseIDMapping(_ text: String) throws(CommandError) -> RuntimeSpec.IDMapping {
    if text.utf8.contains(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "@") }) {
        throw CommandError("extended mappings (+, @, flags) are not supported yet")
    }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard (2...3).contains(parts.count), let container = UInt32(parts[0]), let host = UInt32(parts[1]),
        let size = parts.count == 3 ? UInt32(parts[2]) : 1, size > 0,
        UInt64(container) + UInt64(size) <= 1 << 32, UInt64(host) + UInt64(size) <= 1 << 32
    else { throw CommandError("malformed mapping, expected CONTAINER:HOST:SIZE") }
    return RuntimeSpec.IDMapping(containerID: container, hostID: host, size: size)
}

/// A platform from the parts that were said, for the others the host's own.
package func parsePlatform(os: String?, architecture: String?, variant: String?) throws(CommandError) -> Platform {
    let host = Platform.host
    let text = "\(os ?? host.os)/\(architecture ?? host.architecture)" + (variant.map { "/" + $0 } ?? "")
    return try parsePlatform(text)
}

/// `--platform OS[/ARCHITECTURE[/VARIANT]]`.
package func parsePlatform(_ text: String) throws(CommandError) -> Platform {
    // To podman a word alone is the operating system.
    let whole = text.utf8.contains(UInt8(ascii: "/")) ? text : "\(text)/\(Platform.host.architecture)"
    do {
        return try Platform(parsing: whole)
    } catch { throw CommandError("invalid platform, expected OS[/ARCH[/VARIANT]]") }
}
