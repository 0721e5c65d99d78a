extension RuntimeSpec.Linux: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        self.init()
        namespaces = try json.list("namespaces")
        uidMappings = try json.list("uidMappings")
        gidMappings = try json.list("gidMappings")
        devices = try json.list("devices")
        cgroupsPath = try json.optional("cgroupsPath")
        resources = try json.optional("resources")
        rootfsPropagation = try json.optional("rootfsPropagation")
        seccomp = try json.optional("seccomp")
        sysctl = try json.table("sysctl")
        maskedPaths = try json.list("maskedPaths")
        readonlyPaths = try json.list("readonlyPaths")
        mountLabel = try json.optional("mountLabel")
        timeOffsets = try json.optional("timeOffsets")
        personality = try json.optional("personality")
        intelRdt = try json.optional("intelRdt")
        memoryPolicy = try json.optional("memoryPolicy")
        netDevices = try json.optional("netDevices")
    }

    public var json: JSON {
        JSON(members: [
            "namespaces": namespaces.jsonUnlessEmpty, "uidMappings": uidMappings.jsonUnlessEmpty,
            "gidMappings": gidMappings.jsonUnlessEmpty, "timeOffsets": timeOffsets,
            "devices": devices.jsonUnlessEmpty, "netDevices": netDevices, "cgroupsPath": cgroupsPath?.json,
            "resources": resources, "rootfsPropagation": rootfsPropagation?.json, "seccomp": seccomp?.json,
            "sysctl": sysctl.jsonUnlessEmpty, "maskedPaths": maskedPaths.jsonUnlessEmpty,
            "readonlyPaths": readonlyPaths.jsonUnlessEmpty, "mountLabel": mountLabel?.json,
            "intelRdt": intelRdt, "memoryPolicy": memoryPolicy, "personality": personality,
        ])
    }
}

extension RuntimeSpec.NamespaceKind: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        let name = try String(json: json)
        guard let kind = Self(rawValue: name) else {
            throw DocumentError(reason: "is \"\(name.escapingControls)\", which is no kind of namespace")
        }
        self = kind
    }

    public var json: JSON { .string(rawValue) }
}

extension RuntimeSpec.Namespace: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        let path: String? = try json.optional("path")
        // Go writes an absent path as an empty one where the program's author forgot to leave it out.
        self.init(try json.required("type"), path: path?.isEmpty == true ? nil : path)
    }

    public var json: JSON { JSON(members: ["type": type.json, "path": path?.json]) }
}

extension RuntimeSpec.IDMapping: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        self.init(
            containerID: try json.required("containerID"), hostID: try json.required("hostID"),
            size: try json.required("size"))
    }

    public var json: JSON { ["containerID": containerID.json, "hostID": hostID.json, "size": size.json] }
}

extension RuntimeSpec.Device: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        self.init(
            type: try json.required("type"), path: try json.required("path"), major: try json.optional("major") ?? 0,
            minor: try json.optional("minor") ?? 0)
        guard ["c", "b", "u", "p"].contains(type) else {
            throw DocumentError(path: "type", reason: "is \"\(type.escapingControls)\", not c, b, u or p")
        }
        fileMode = try json.optional("fileMode")
        uid = try json.optional("uid")
        gid = try json.optional("gid")
    }

    public var json: JSON {
        JSON(members: [
            "type": type.json, "path": path.json, "major": major.json, "minor": minor.json,
            "fileMode": fileMode?.json, "uid": uid?.json, "gid": gid?.json,
        ])
    }
}
