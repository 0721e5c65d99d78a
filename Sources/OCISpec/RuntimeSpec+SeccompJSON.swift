extension RuntimeSpec.Seccomp: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        self.init(defaultAction: try json.required("defaultAction"))
        defaultErrnoRet = try json.optional("defaultErrnoRet")
        architectures = try json.list("architectures")
        flags = try json.list("flags")
        listenerPath = try json.optional("listenerPath")
        listenerMetadata = try json.optional("listenerMetadata")
        syscalls = try json.list("syscalls")
    }

    public var json: JSON {
        JSON(members: [
            "defaultAction": defaultAction.json, "defaultErrnoRet": defaultErrnoRet?.json,
            "architectures": architectures.jsonUnlessEmpty, "flags": flags.jsonUnlessEmpty,
            "listenerPath": listenerPath?.json, "listenerMetadata": listenerMetadata?.json,
            "syscalls": syscalls.jsonUnlessEmpty,
        ])
    }
}

extension RuntimeSpec.Seccomp.Rule: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        self.init(names: try json.list("names"), action: try json.required("action"))
        guard !names.isEmpty else { throw DocumentError(path: "names", reason: "is missing or empty") }
        errnoRet = try json.optional("errnoRet")
        args = try json.list("args")
    }

    public var json: JSON {
        JSON(members: [
            "names": names.json, "action": action.json, "errnoRet": errnoRet?.json, "args": args.jsonUnlessEmpty,
        ])
    }
}

extension RuntimeSpec.Seccomp.Argument: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        self.init(
            index: try json.required("index"), value: try json.required("value"),
            valueTwo: try json.optional("valueTwo") ?? 0, op: try json.required("op"))
    }

    public var json: JSON {
        JSON(members: [
            "index": index.json, "value": value.json, "valueTwo": valueTwo == 0 ? nil : valueTwo.json, "op": op.json,
        ])
    }
}
