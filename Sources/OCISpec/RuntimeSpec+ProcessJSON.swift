extension RuntimeSpec.Process: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        self.init()
        terminal = try json.optional("terminal") ?? false
        consoleSize = try json.optional("consoleSize")
        user = try json.optional("user") ?? RuntimeSpec.User()
        args = try json.list("args")
        env = try json.list("env")
        cwd = try json.required("cwd")
        capabilities = try json.optional("capabilities")
        rlimits = try json.list("rlimits")
        noNewPrivileges = try json.optional("noNewPrivileges") ?? false
        apparmorProfile = try json.optional("apparmorProfile")
        selinuxLabel = try json.optional("selinuxLabel")
        oomScoreAdj = try json.optional("oomScoreAdj")
        scheduler = try json.optional("scheduler")
        ioPriority = try json.optional("ioPriority")
        execCPUAffinity = try json.optional("execCPUAffinity")
    }

    public var json: JSON {
        JSON(members: [
            "terminal": terminal.jsonUnlessFalse, "consoleSize": consoleSize?.json, "user": user.json,
            "args": args.jsonUnlessEmpty, "env": env.jsonUnlessEmpty, "cwd": cwd.json,
            "capabilities": capabilities?.json, "rlimits": rlimits.jsonUnlessEmpty,
            "noNewPrivileges": noNewPrivileges.jsonUnlessFalse, "apparmorProfile": apparmorProfile?.json,
            "selinuxLabel": selinuxLabel?.json, "oomScoreAdj": oomScoreAdj?.json, "scheduler": scheduler,
            "ioPriority": ioPriority, "execCPUAffinity": execCPUAffinity,
        ])
    }
}

extension RuntimeSpec.ConsoleSize: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        self.init(height: try json.required("height"), width: try json.required("width"))
    }

    public var json: JSON { ["height": height.json, "width": width.json] }
}

extension RuntimeSpec.User: JSONDocument {
    /// `uid` and `gid` are required by the specification; the common runtimes take their absence for 0, and so do we.
    public init(json: JSON) throws(DocumentError) {
        self.init(
            uid: try json.optional("uid") ?? 0, gid: try json.optional("gid") ?? 0, umask: try json.optional("umask"),
            additionalGids: try json.list("additionalGids"))
    }

    public var json: JSON {
        JSON(members: [
            "uid": uid.json, "gid": gid.json, "umask": umask?.json, "additionalGids": additionalGids.jsonUnlessEmpty,
        ])
    }
}

extension RuntimeSpec.Capabilities: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        bounding = try json.list("bounding")
        effective = try json.list("effective")
        inheritable = try json.list("inheritable")
        permitted = try json.list("permitted")
        ambient = try json.list("ambient")
    }

    public var json: JSON {
        JSON(members: [
            "bounding": bounding.jsonUnlessEmpty, "effective": effective.jsonUnlessEmpty,
            "inheritable": inheritable.jsonUnlessEmpty, "permitted": permitted.jsonUnlessEmpty,
            "ambient": ambient.jsonUnlessEmpty,
        ])
    }
}

extension RuntimeSpec.ResourceLimit: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        self.init(type: try json.required("type"), soft: try json.required("soft"), hard: try json.required("hard"))
    }

    public var json: JSON { ["type": type.json, "hard": hard.json, "soft": soft.json] }
}
