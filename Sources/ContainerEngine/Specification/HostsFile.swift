/// /etc/hosts of a container.
package struct HostsFile: Equatable, Sendable {
    package struct Entry: Equatable, Sendable {
        package var address: String
        package var names: [String]

        package init(_ address: String, _ names: [String]) {
            self.address = address
            self.names = names
        }
    }

    package var entries: [Entry] = []

    /// podman's order: the user's, the host's, and what they lack of localhost, the host and the container itself.
    ///
    /// - Parameter own: the container's addresses with its names.
    package init(added: [Entry], base: [UInt8], gateway: String?, own: [Entry]) {
        entries = added + Self.parse(base)
        let known = Set(entries.flatMap(\.names))
        var further = [Entry("127.0.0.1", ["localhost"]), Entry("::1", ["localhost"])]
        if let gateway {
            further.append(Entry(gateway, ["host.containers.internal", "host.docker.internal"]))
        }
        for entry in further + own {
            let names = entry.names.filter { !known.contains($0) }
            if !names.isEmpty { entries.append(Entry(entry.address, names)) }
        }
    }

    package var bytes: [UInt8] {
        var text = ""
        // Word by word: joined() looks for conformances at run time, which costs more than all of the rest here.
        for entry in entries {
            text += entry.address
            var separator = "\t"
            for name in entry.names {
                text += separator
                text += name
                separator = " "
            }
            text += "\n"
        }
        return Array(text.utf8)
    }

    /// Comments and lines without a name are left out.
    package static func parse(_ bytes: [UInt8]) -> [Entry] {
        bytes.split(separator: 0x0A).compactMap { line in
            let words = line.prefix { $0 != UInt8(ascii: "#") }
                .split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }.map { String(decoding: $0, as: UTF8.self) }
            return words.count < 2 ? nil : Entry(words[0], Array(words.dropFirst()))
        }
    }

    /// `--add-host NAME:ADDRESS`, the name several with `;` between, the address `host-gateway` perhaps.
    package static func added(
        _ requests: [(name: String, address: String)], gateway: String?
    ) throws(EngineError) -> [Entry] {
        var result: [Entry] = []
        for (name, address) in requests {
            let names = name.split(separator: ";").map(String.init)
            guard !names.isEmpty, !names.contains(where: { $0.utf8.contains { $0 <= 0x20 || $0 == 0x23 } }) else {
                throw EngineError(.invalid, "bad format for add-host: \"\(name):\(address)\"")
            }
            if address == "host-gateway" {
                guard let gateway else {
                    throw EngineError(
                        .invalid,
                        "unable to replace \"host-gateway\" of host entry \"\(name):\(address)\": "
                            + "host containers internal IP address is empty")
                }
                result.append(Entry(gateway, names))
                continue
            }
            guard let plain = InternetAddress.canonical(address) else {
                throw EngineError(.invalid, "invalid IP address in add-host: \"\(address)\"")
            }
            result.append(Entry(plain, names))
        }
        return result
    }
}
