import ContainerEngine

extension MountRequest {
    /// `--volume [SOURCE:]DESTINATION[:OPTION,…]`. A source that starts with `.` or `/` is a path of the host.
    package init(volume text: String, caller: Caller) throws(CommandError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard (1...3).contains(parts.count), !parts.contains("") || (parts.count == 3 && parts[2].isEmpty) else {
            throw CommandError("\(text): incorrect volume format, should be [host-dir:]ctr-dir[:option]")
        }
        let destination = try containerPath(parts.count == 1 ? parts[0] : parts[1])
        let options = parts.count == 3 && !parts[2].isEmpty ? splitList(parts[2]) : []
        if options.contains("O") { throw CommandError("\(text): overlay volumes (:O) are not supported yet") }
        if parts.count == 1 {
            self.init(kind: .volume(nil), destination: destination)
            return
        }
        let source = parts[0]
        if source.hasPrefix("/") || source.hasPrefix(".") {
            self.init(kind: .bind(caller.absolute(source)), destination: destination, options: options)
        } else {
            try checkVolumeName(source)
            self.init(kind: .volume(source), destination: destination, options: options)
        }
    }

    /// `--tmpfs DESTINATION[:OPTION,…]`.
    package init(tmpfs text: String) throws(CommandError) {
        let (path, options) = splitPair(text, at: UInt8(ascii: ":"))
        self.init(
            kind: .tmpfs, destination: try containerPath(path),
            options: options.map { $0.isEmpty ? [] : splitList($0) } ?? [])
    }

    /// `--mount type=TYPE,KEY=VALUE,…`; the options come out as `--volume` and `--tmpfs` write them.
    package init(mount text: String, caller: Caller) throws(CommandError) {
        var fields = MountFields()
        for field in splitList(text) { try fields.take(field) }
        guard let destination = fields.destination else { throw CommandError("must set volume destination") }
        let path = try containerPath(destination)
        switch fields.type {
        case "bind":
            guard let source = fields.source else { throw CommandError("must set source for a bind mount") }
            if !fields.recursive { fields.options.append("bind") }
            self.init(kind: .bind(caller.absolute(source)), destination: path, options: fields.options)
        case "volume":
            if let source = fields.source { try checkVolumeName(source) }
            self.init(kind: .volume(fields.source), destination: path, options: fields.options)
        case "tmpfs":
            if fields.source != nil { throw CommandError("source: a tmpfs has none") }
            self.init(kind: .tmpfs, destination: path, options: fields.options)
        case "image", "devpts", "glob", "ramfs", "artifact":
            throw CommandError("mounts of type \(fields.type) are not supported yet")
        default:
            throw CommandError("invalid filesystem type \(quoted(fields.type))")
        }
    }
}

/// What `--mount`'s fields have said so far.
private struct MountFields {
    var type = "volume"
    var source: String?
    var destination: String?
    var recursive = true
    var options: [String] = []

    mutating func take(_ field: String) throws(CommandError) {
        let (key, value) = splitPair(field)
        switch key {
        case "type": type = try needed(value, key)
        case "src", "source": source = try needed(value, key)
        case "dst", "destination", "target": destination = try needed(value, key)
        case "ro", "readonly": options.append(try isOn(value) ? "ro" : "rw")
        case "rw", "readwrite": options.append(try isOn(value) ? "rw" : "ro")
        case "U", "chown": if try isOn(value) { options.append("U") }
        case "bind-propagation": options.append(try needed(value, key))
        case "bind-nonrecursive": recursive = try !isOn(value)
        case "relabel":
            switch value {
            case "shared": options.append("z")
            case "private": options.append("Z")
            default: throw CommandError("relabel: neither shared nor private")
            }
        // What macOS needs and nobody else.
        case "consistency": break
        case "tmpfs-size", "size": options.append("size=\(try needed(value, key))")
        case "tmpfs-mode", "mode": options.append("mode=\(try needed(value, key))")
        case "tmpcopyup", "notmpcopyup", "exec", "noexec", "dev", "nodev", "suid", "nosuid", "nocopy", "copy", "z", "Z",
            "private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable", "bind", "rbind":
            guard value == nil else { throw CommandError("\(field): invalid mount option") }
            options.append(key)
        case "volume-nocopy": options.append(try isOn(value) ? "nocopy" : "copy")
        case "idmap", "subpath", "volume-subpath", "volume-opt", "volume-label", "no-dereference":
            throw CommandError("\(key): mount option is not supported yet")
        default: throw CommandError("\(field): invalid mount option")
        }
    }

    private func isOn(_ value: String?) throws(CommandError) -> Bool {
        guard let value else { return true }
        return try parseBool(value)
    }

    private func needed(_ value: String?, _ key: String) throws(CommandError) -> String {
        guard let value, !value.isEmpty else { throw CommandError("\(key): optional value must be set") }
        return value
    }
}

/// The path of a mount inside the container: absolute, cleaned.
private func containerPath(_ text: String) throws(CommandError) -> String {
    guard text.hasPrefix("/") else {
        throw CommandError("invalid container path \(quoted(text)), must be an absolute path")
    }
    return cleanPath(text)
}

private func checkVolumeName(_ name: String) throws(CommandError) {
    guard isObjectName(name) else {
        throw CommandError("volume \(quoted(name)): names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*")
    }
}

/// Whether a container or a volume may be called so.
package func isObjectName(_ name: String) -> Bool {
    func isWord(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
    guard let first = name.utf8.first, isWord(first) else { return false }
    return name.utf8.allSatisfy { isWord($0) || $0 == 0x5F || $0 == 0x2E || $0 == 0x2D }
}

extension DeviceRequest {
    /// `--device HOST[:CONTAINER][:rwm]`.
    package init(_ text: String, caller: Caller) throws(CommandError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard (1...3).contains(parts.count), !parts[0].isEmpty else { throw CommandError("invalid device") }
        var container: String?
        var permissions: String?
        if parts.count == 2, isAccess(parts[1]) {
            permissions = parts[1]
        } else if parts.count > 1 {
            guard parts[1].hasPrefix("/") else { throw CommandError("invalid device mode: \(parts[1])") }
            container = cleanPath(parts[1])
        }
        if parts.count == 3 {
            guard isAccess(parts[2]) else { throw CommandError("invalid device mode: \(parts[2])") }
            permissions = parts[2]
        }
        self.init(hostPath: caller.absolute(parts[0]), containerPath: container, permissions: permissions)
    }
}

private func isAccess(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 3
        && text.utf8.allSatisfy { $0 == UInt8(ascii: "r") || $0 == UInt8(ascii: "w") || $0 == UInt8(ascii: "m") }
}
