import DeviceInjection
import OCISpec

/// What a container's record keeps of its specification. The contents of prepared files and what is written into the
/// layer stand in the container's directory by then, and warnings have been given: those are left out.
extension Specification: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        self.init(runtime: try json.required("runtime"))
        switch (
            try json.optional("seccomp", as: String.self) ?? "none", try json.optional("seccompFile", as: String.self)
        ) {
        case ("default", _): seccomp = .defaultProfile
        case ("file", let path?): seccomp = .file(path)
        default: seccomp = .none
        }
        files = try json.list("files").map { (name: String) in PreparedFile(name: name, contents: []) }
        volumes = try json.list("volumes")
        ownershipChanges = try json.list("ownershipChanges")
        joins = try json.list("joins")
        userNamespace = try json.optional("userNamespace") ?? UserNamespacePlan(.host)
        automaticIDs = try json.optional("automaticIDs") ?? false
        stopSignal = try json.optional("stopSignal") ?? 15
        stopTimeout = try json.optional("stopTimeout") ?? 10
        keepGroups = try json.optional("keepGroups") ?? false
        homeIsDerived = try json.optional("homeIsDerived") ?? false
        numaNode = try json.optional("numaNode")
        for member in json["deviceLinks"]?.members ?? [] {
            deviceLinks.append(.init(target: try String(json: member.value), path: member.name))
        }
    }

    public var json: JSON {
        var members: [JSON.Member] = [.init("runtime", runtime.json)]
        switch seccomp {
        case .none: break
        case .defaultProfile: members.append(.init("seccomp", .string("default")))
        case .file(let path):
            members.append(.init("seccomp", .string("file")))
            members.append(.init("seccompFile", .string(path)))
        }
        members.append(.init("files", .array(files.map { .string($0.name) })))
        members.append(.init("volumes", volumes.json))
        members.append(.init("ownershipChanges", ownershipChanges.json))
        members.append(.init("joins", joins.json))
        members.append(.init("userNamespace", userNamespace.json))
        members.append(.init("automaticIDs", .bool(automaticIDs)))
        members.append(.init("stopSignal", stopSignal.json))
        members.append(.init("stopTimeout", stopTimeout.json))
        members.append(.init("keepGroups", .bool(keepGroups)))
        members.append(.init("homeIsDerived", .bool(homeIsDerived)))
        if let numaNode { members.append(.init("numaNode", numaNode.json)) }
        if !deviceLinks.isEmpty {
            members.append(.init("deviceLinks", .object(deviceLinks.map { .init($0.path, .string($0.target)) })))
        }
        return .object(members)
    }
}

extension Specification.VolumeUse: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        self.init(
            name: try json.required("name"), isAnonymous: try json.required("anonymous"),
            destination: try json.required("destination"), copyUp: try json.required("copyUp"))
    }

    public var json: JSON {
        .object([
            .init("name", .string(name)), .init("anonymous", .bool(isAnonymous)),
            .init("destination", .string(destination)), .init("copyUp", .bool(copyUp)),
        ])
    }
}

extension Specification.OwnershipChange: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        self.init(path: try json.required("path"), uid: try json.required("uid"), gid: try json.required("gid"))
    }

    public var json: JSON {
        .object([.init("path", .string(path)), .init("uid", uid.json), .init("gid", gid.json)])
    }
}

extension Specification.Join: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        let word: String = try json.required("kind")
        guard let kind = RuntimeSpec.NamespaceKind(rawValue: word) else {
            throw DocumentError(path: "kind", reason: "is not a kind of namespace: \(word)")
        }
        self.init(kind: kind, container: try json.required("container"))
    }

    public var json: JSON {
        .object([.init("kind", .string(kind.rawValue)), .init("container", .string(container))])
    }
}

extension UserNamespacePlan: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        let path: String? = try json.optional("path")
        let container: String? = try json.optional("container")
        let kind: Kind
        if let path {
            kind = .path(path)
        } else if let container {
            kind = .container(container)
        } else {
            kind = try json.optional("new") ?? false ? .new : .host
        }
        self.init(kind, uid: try json.list("uid"), gid: try json.list("gid"))
        if let user: UInt32 = try json.optional("defaultUID"), let group: UInt32 = try json.optional("defaultGID") {
            defaultUser = (user, group)
        }
        isAutomatic = try json.optional("automatic") ?? false
    }

    public var json: JSON {
        var members: [JSON.Member] = []
        switch kind {
        case .host: break
        case .new: members.append(.init("new", .bool(true)))
        case .container(let id): members.append(.init("container", .string(id)))
        case .path(let path): members.append(.init("path", .string(path)))
        }
        members.append(.init("uid", uid.json))
        members.append(.init("gid", gid.json))
        if let defaultUser {
            members.append(.init("defaultUID", defaultUser.uid.json))
            members.append(.init("defaultGID", defaultUser.gid.json))
        }
        if isAutomatic { members.append(.init("automatic", .bool(true))) }
        return .object(members)
    }
}
