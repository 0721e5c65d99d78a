import OCISpec

// Reading is strict, as the specification asks: a member that is not known is an error, for a runtime that passed over
// it would start a container without what its author thought necessary.

extension CDISpecification: JSONDocument {
    /// Reads and validates. Throws ``DocumentError`` with the way to what is wrong.
    public init(json: JSON) throws(DocumentError) {
        try json.allow("cdiVersion", "kind", "annotations", "devices", "containerEdits")
        let written: String = try json.required("cdiVersion")
        guard let stated = CDIVersion(written) else {
            throw DocumentError(path: "cdiVersion", reason: "is \"\(written.printable)\", which is no known version")
        }
        let name: String = try json.required("kind")
        let kind: CDIKind
        do { kind = try CDIKind(name) } catch { throw DocumentError(path: "kind", reason: "is wrong: \(error)") }
        self.init(
            kind: kind, devices: try json.list("devices"),
            edits: try json.optional("containerEdits") ?? ContainerEdits())
        annotations = try json.annotations()
        version = stated.description
        guard !devices.isEmpty else { throw DocumentError(path: "devices", reason: "is missing or empty") }
        var seen: Set<String> = []
        for device in devices where !seen.insert(device.name).inserted {
            throw DocumentError(path: "devices", reason: "names \"\(device.name)\" twice")
        }
        let least = minimumVersion
        guard stated >= least else {
            throw DocumentError(
                path: "cdiVersion", reason: "is \(stated), but the document uses what came with \(least)")
        }
    }

    public var json: JSON {
        JSON(members: [
            "cdiVersion": .string(version), "kind": .string(kind.description),
            "annotations": annotations.jsonUnlessEmpty, "devices": devices.json,
            "containerEdits": edits.isEmpty ? nil : edits.json,
        ])
    }
}

extension CDISpecification.Device: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        try json.allow("name", "annotations", "containerEdits")
        self.init(name: try json.required("name"), edits: try json.optional("containerEdits") ?? ContainerEdits())
        annotations = try json.annotations()
        do { try CDIName.check(device: name) } catch { throw DocumentError(path: "name", reason: "is wrong: \(error)") }
        guard !edits.isEmpty else { throw DocumentError(path: "containerEdits", reason: "is missing or empty") }
    }

    public var json: JSON {
        JSON(members: [
            "name": .string(name), "annotations": annotations.jsonUnlessEmpty, "containerEdits": edits.json,
        ])
    }
}

extension ContainerEdits: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        self.init()
        try json.allow("env", "deviceNodes", "netDevices", "hooks", "mounts", "intelRdt", "additionalGids")
        env = try json.environment()
        deviceNodes = try json.list("deviceNodes")
        netDevices = try json.list("netDevices")
        hooks = try json.list("hooks")
        mounts = try json.list("mounts")
        intelRdt = try json.optional("intelRdt")
        additionalGids = try json.list("additionalGids")
        for names in [netDevices.map(\.hostInterfaceName), netDevices.map(\.name)]
        where Set(names).count != names.count {
            throw DocumentError(path: "netDevices", reason: "has one interface twice")
        }
    }

    public var json: JSON {
        JSON(members: [
            "env": env.jsonUnlessEmpty, "deviceNodes": deviceNodes.jsonUnlessEmpty,
            "netDevices": netDevices.jsonUnlessEmpty, "hooks": hooks.jsonUnlessEmpty,
            "mounts": mounts.jsonUnlessEmpty, "intelRdt": intelRdt?.json,
            "additionalGids": additionalGids.jsonUnlessEmpty,
        ])
    }
}

extension ContainerEdits.DeviceNode: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        try json.allow("path", "hostPath", "type", "major", "minor", "fileMode", "permissions", "uid", "gid")
        self.init(path: try json.path("path"))
        hostPath = try json.word("hostPath")
        type = try json.word("type")
        major = try json.optional("major") ?? 0
        minor = try json.optional("minor") ?? 0
        fileMode = try json.optional("fileMode")
        permissions = try json.word("permissions")
        uid = try json.optional("uid")
        gid = try json.optional("gid")
        if let hostPath, !hostPath.hasPrefix("/") {
            throw DocumentError(path: "hostPath", reason: "is not an absolute path")
        }
        if let type, !["b", "c", "u", "p"].contains(type) {
            throw DocumentError(path: "type", reason: "is \"\(type.printable)\", not b, c, u or p")
        }
        if let permissions, permissions != "none", !permissions.allSatisfy("rwm".contains) {
            throw DocumentError(path: "permissions", reason: "is \"\(permissions.printable)\", not some of rwm")
        }
        for (name, value) in [("major", major), ("minor", minor)] where !(0...Int64(UInt32.max)).contains(value) {
            throw DocumentError(path: name, reason: "is no device number: \(value)")
        }
    }

    public var json: JSON {
        JSON(members: [
            "path": .string(path), "hostPath": hostPath?.json, "type": type?.json,
            "major": major == 0 ? nil : major.json, "minor": minor == 0 ? nil : minor.json,
            "fileMode": fileMode?.json, "permissions": permissions?.json, "uid": uid?.json, "gid": gid?.json,
        ])
    }
}

extension ContainerEdits.NetDevice: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        try json.allow("hostInterfaceName", "name")
        self.init(
            hostInterfaceName: try json.interface("hostInterfaceName"), name: try json.interface("name"))
    }

    public var json: JSON { ["hostInterfaceName": .string(hostInterfaceName), "name": .string(name)] }
}

extension ContainerEdits.Hook: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        try json.allow("hookName", "path", "args", "env", "timeout")
        let name: String = try json.required("hookName")
        guard let hookName = ContainerEdits.HookName(rawValue: name) else {
            throw DocumentError(path: "hookName", reason: "is \"\(name.printable)\", which is no hook")
        }
        self.init(hookName, path: try json.path("path"), args: try json.list("args"))
        env = try json.environment()
        timeout = try json.optional("timeout")
        if let timeout, timeout <= 0 { throw DocumentError(path: "timeout", reason: "is not more than 0") }
    }

    public var json: JSON {
        JSON(members: [
            "hookName": .string(hookName.rawValue), "path": .string(path), "args": args.jsonUnlessEmpty,
            "env": env.jsonUnlessEmpty, "timeout": timeout?.json,
        ])
    }
}

extension ContainerEdits.Mount: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        try json.allow("hostPath", "containerPath", "options", "type")
        self.init(hostPath: try json.required("hostPath"), containerPath: try json.path("containerPath"))
        options = try json.list("options")
        type = try json.word("type")
        // tmpfs and its like have a name for a source.
        guard !hostPath.isEmpty else { throw DocumentError(path: "hostPath", reason: "is empty") }
    }

    public var json: JSON {
        JSON(members: [
            "hostPath": .string(hostPath), "containerPath": .string(containerPath),
            "options": options.jsonUnlessEmpty, "type": type?.json,
        ])
    }
}

extension ContainerEdits.IntelRdt: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        self.init()
        try json.allow("closID", "l3CacheSchema", "memBwSchema", "schemata", "enableMonitoring")
        closID = try json.word("closID")
        l3CacheSchema = try json.word("l3CacheSchema")
        memBwSchema = try json.word("memBwSchema")
        schemata = json["schemata"] == nil ? nil : try json.list("schemata")
        enableMonitoring = try json.optional("enableMonitoring") ?? false
        // A directory's name under resctrl; "/" is its root.
        if let closID, closID != "/" {
            guard closID.utf8.count < 4096, closID != ".", closID != "..", !closID.utf8.contains(0x2F),
                !closID.utf8.contains(0x0A)
            else { throw DocumentError(path: "closID", reason: "is not a file name") }
        }
    }

    public var json: JSON {
        JSON(members: [
            "closID": closID?.json, "l3CacheSchema": l3CacheSchema?.json, "memBwSchema": memBwSchema?.json,
            "schemata": schemata?.json, "enableMonitoring": enableMonitoring.jsonUnlessFalse,
        ])
    }
}

extension JSON {
    /// Refuses an object with members of other names.
    fileprivate func allow(_ names: String...) throws(DocumentError) {
        guard let members else { throw DocumentError(reason: "is not an object") }
        for member in members where !names.contains(member.name) {
            throw DocumentError(path: member.name.printable, reason: "is not a member that CDI knows")
        }
    }

    /// An empty string is the same as none, as Go writes it.
    fileprivate func word(_ name: String) throws(DocumentError) -> String? {
        let word: String? = try optional(name)
        return word?.isEmpty ?? true ? nil : word
    }

    fileprivate func path(_ name: String) throws(DocumentError) -> String {
        let path: String = try required(name)
        guard path.hasPrefix("/") else { throw DocumentError(path: name, reason: "is not an absolute path") }
        return path
    }

    fileprivate func interface(_ name: String) throws(DocumentError) -> String {
        let word: String = try required(name)
        // IFNAMSIZ, and what the kernel refuses in a name.
        guard !word.isEmpty, word.utf8.count < 16, word != ".", word != "..",
            word.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x2F && $0 != 0x3A })
        else { throw DocumentError(path: name, reason: "is not the name of a network interface") }
        return word
    }

    fileprivate func environment() throws(DocumentError) -> [String] {
        let entries: [String] = try list("env")
        for (index, entry) in entries.enumerated() {
            guard let cut = entry.utf8.firstIndex(of: 0x3D), cut != entry.startIndex else {
                throw DocumentError(path: "env[\(index)]", reason: "is not NAME=VALUE")
            }
        }
        return entries
    }

    /// Keys as Kubernetes has them, `[PREFIX/]NAME`, and not more than 256 kB together.
    fileprivate func annotations() throws(DocumentError) -> [String: String] {
        let table: [String: String] = try table("annotations")
        var size = 0
        for (key, value) in table {
            size += key.utf8.count + value.utf8.count
            let parts = key.split(separator: "/", omittingEmptySubsequences: false)
            let isFine =
                parts.count <= 2
                && parts.allSatisfy { part in
                    (part.utf8.first?.isAlphanumeric ?? false) && (part.utf8.last?.isAlphanumeric ?? false)
                        && part.utf8.count <= (part.startIndex == key.startIndex && parts.count == 2 ? 253 : 63)
                        && part.utf8.allSatisfy { $0.isAlphanumeric || "-_.".utf8.contains($0) }
                }
            guard isFine else {
                throw DocumentError(path: "annotations", reason: "has an invalid key \"\(key.printable)\"")
            }
        }
        guard size <= 256 << 10 else { throw DocumentError(path: "annotations", reason: "is larger than 256 kB") }
        return table
    }
}
