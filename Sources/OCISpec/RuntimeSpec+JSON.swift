// The document and its parts that are not Linux's own. Members stand in the order of the specification.

extension RuntimeSpec: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        self.init()
        ociVersion = try json.required("ociVersion")
        process = try json.optional("process")
        root = try json.optional("root")
        hostname = try json.optional("hostname")
        domainname = try json.optional("domainname")
        mounts = try json.list("mounts")
        hooks = try json.optional("hooks")
        annotations = try json.table("annotations")
        linux = try json.optional("linux")
    }

    public var json: JSON {
        JSON(members: [
            "ociVersion": ociVersion.json, "process": process?.json, "root": root?.json, "hostname": hostname?.json,
            "domainname": domainname?.json, "mounts": mounts.jsonUnlessEmpty, "hooks": hooks?.json,
            "annotations": annotations.jsonUnlessEmpty, "linux": linux?.json,
        ])
    }
}

extension RuntimeSpec.Root: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        self.init(path: try json.required("path"), readonly: try json.optional("readonly") ?? false)
    }

    public var json: JSON {
        JSON(members: ["path": path.json, "readonly": readonly.jsonUnlessFalse])
    }
}

extension RuntimeSpec.Mount: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        self.init(
            destination: try json.required("destination"), type: try json.optional("type"),
            source: try json.optional("source"), options: try json.list("options"))
        uidMappings = try json.list("uidMappings")
        gidMappings = try json.list("gidMappings")
    }

    public var json: JSON {
        JSON(members: [
            "destination": destination.json, "type": type?.json, "source": source?.json,
            "options": options.jsonUnlessEmpty, "uidMappings": uidMappings.jsonUnlessEmpty,
            "gidMappings": gidMappings.jsonUnlessEmpty,
        ])
    }
}

extension RuntimeSpec.Hook: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        self.init(path: try json.required("path"))
        args = try json.list("args")
        // Written, if empty: then the hook gets none.
        env = json["env"] == nil || json["env"] == .null ? nil : try json.list("env")
        timeout = try json.optional("timeout")
    }

    public var json: JSON {
        JSON(members: [
            "path": path.json, "args": args.jsonUnlessEmpty, "env": env?.json, "timeout": timeout?.json,
        ])
    }
}

extension RuntimeSpec.Hooks: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        prestart = try json.list("prestart")
        createRuntime = try json.list("createRuntime")
        createContainer = try json.list("createContainer")
        startContainer = try json.list("startContainer")
        poststart = try json.list("poststart")
        poststop = try json.list("poststop")
    }

    public var json: JSON {
        JSON(members: [
            "prestart": prestart.jsonUnlessEmpty, "createRuntime": createRuntime.jsonUnlessEmpty,
            "createContainer": createContainer.jsonUnlessEmpty, "startContainer": startContainer.jsonUnlessEmpty,
            "poststart": poststart.jsonUnlessEmpty, "poststop": poststop.jsonUnlessEmpty,
        ])
    }
}
