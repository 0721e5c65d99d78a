import OptionGrammar
import ContainerEngine
import ImageStore
import OCISpec

/// What `inspect` has been told.
private struct InspectOptions {
    var format: String?
    var latest = false
    var type = "all"
    var all = false
}

extension Verb {
    private static let formatRow = OptionRow<InspectOptions>.value("format", "f", "FORMAT", "json or a Go template") {
        (target, text) throws(CommandError) in
        target.format = text
    }

    private static let inspectTable: OptionParser<InspectOptions>.Table = [
        [
            formatRow,
            .flag("latest", "l", "The container created last") { $0.latest = $1 },
            .value("type", "t", "TYPE", "container, image, volume, or all (default)") {
                (target, text) throws(CommandError) in
                guard ["all", "container", "image", "volume"].contains(text) else {
                    throw CommandError("not one of all, container, image, volume")
                }
                target.type = text
            },
            .refused("size", "s", .flag),
        ]
    ]

    static let inspect = Verb(
        name: "inspect", summary: "Show everything about containers, images and volumes",
        usage: "[options] {CONTAINER|IMAGE|VOLUME} [...]",
        examples: ["inspect web", "inspect --format '{{.State.Pid}}' web"], options: { described(inspectTable) }
    ) { invocation in
        var options = InspectOptions()
        let words = try invocation.parse(inspectTable, into: &options)
        return try show(words, options, invocation)
    }

    static let containerInspect = Verb(
        name: "inspect", summary: "Show everything about containers", usage: "[options] CONTAINER [CONTAINER...]",
        options: { described(inspectTable) }
    ) { invocation in
        var options = InspectOptions()
        let words = try invocation.parse(inspectTable, into: &options)
        options.type = "container"
        return try show(words, options, invocation)
    }

    static let imageInspect = Verb(
        name: "inspect", summary: "Show everything about images", usage: "[options] IMAGE [IMAGE...]",
        options: { described([[formatRow]]) }
    ) { invocation in
        var options = InspectOptions(type: "image")
        let words = try invocation.parse([[formatRow]], into: &options)
        return try show(words, options, invocation)
    }

    static let volumeInspect = Verb(
        name: "inspect", summary: "Show everything about volumes", usage: "[options] VOLUME [VOLUME...]",
        options: { described([[formatRow]]) }
    ) { invocation in
        var options = InspectOptions(type: "volume")
        let words = try invocation.parse(
            [[formatRow, .flag("all", "a", "All volumes") { $0.all = $1 }]], into: &options)
        let names = try options.all ? Session(invocation).volumes.volumes().map(\.name) : words
        return try show(names, options, invocation, mayBeNone: options.all)
    }

    private static func show(
        _ words: [String], _ options: InspectOptions, _ invocation: Invocation, mayBeNone: Bool = false
    ) throws -> Int32 {
        let session = try Session(invocation)
        var names = words
        if options.latest {
            guard words.isEmpty else { throw CommandError("no arguments are needed with --latest") }
            names = [try session.latest().id]
        }
        guard !names.isEmpty || mayBeNone else { throw CommandError("no names or ids specified") }
        var documents: [JSON] = []
        var failures = FailureCollector()
        for name in names {
            do {
                documents.append(try session.inspect(name, type: options.type))
            } catch { failures.add(error) }
        }
        let isDocument = options.format == nil || options.format == "json"
        if isDocument {
            try Output.line(JSON.array(documents).pretty(indent: 5))
            return failures.exitCode
        }
        let template = try Template(expandEscapes(options.format ?? ""))
        for document in documents { try Output.write(try template.render(document).endingLine()) }
        return failures.exitCode
    }
}

extension Session {
    /// The document of whatever has that name, containers before images before volumes.
    func inspect(_ name: String, type: String) throws -> JSON {
        if type == "container" || type == "all" {
            if let container = try find(name) { return try engine.inspect(container) }
            if type == "container" { throw CommandError("inspecting object: no such container: \(quoted(name))") }
        }
        if type == "image" || type == "all" {
            if let image = try store.image(name) { return try imageDocument(image) }
            if type == "image" { throw CommandError("inspecting object: \(name): image not known") }
        }
        if isObjectName(name), let volume = try volumes.volume(name) { return volumeDocument(volume) }
        if type == "volume" { throw CommandError("inspecting object: no such volume: \(quoted(name))") }
        throw CommandError("inspecting object: no such object: \(quoted(name))")
    }

    /// The container of a name or id, nil where there is none.
    func find(_ name: String) throws(EngineError) -> Container? {
        do throws(EngineError) {
            return try engine.container(name)
        } catch {
            if error.code == .notFound { return nil }
            throw error
        }
    }

    /// `podman image inspect`'s shape.
    private func imageDocument(_ image: StoredImage) throws -> JSON {
        let whole = try store.configuration(of: image)
        let execution = whole.config
        let history = whole.history.map { entry in
            JSON(members: [
                "created": entry.created.map(JSON.string), "created_by": entry.createdBy.map(JSON.string),
                "author": entry.author.map(JSON.string), "comment": entry.comment.map(JSON.string),
                "empty_layer": entry.emptyLayer ? true : nil,
            ])
        }
        let config = JSON(members: [
            "User": execution.user.isEmpty ? nil : .string(execution.user),
            "ExposedPorts": execution.exposedPorts.isEmpty ? nil : Self.set(execution.exposedPorts),
            "Env": .array(execution.env.map(JSON.string)),
            "Entrypoint": execution.entrypoint.isEmpty ? nil : .array(execution.entrypoint.map(JSON.string)),
            "Cmd": execution.cmd.isEmpty ? nil : .array(execution.cmd.map(JSON.string)),
            "Volumes": execution.volumes.isEmpty ? nil : Self.set(execution.volumes),
            "WorkingDir": execution.workingDir.isEmpty ? nil : .string(execution.workingDir),
            "Labels": execution.labels.isEmpty ? nil : image.labels,
            "StopSignal": execution.stopSignal.map(JSON.string),
        ])
        return JSON(members: [
            "Id": .string(image.id.hex), "Digest": .string(image.manifestDigest.description),
            "RepoTags": .array(image.names.map(JSON.string)), "RepoDigests": .array(image.digests.map(JSON.string)),
            "Parent": "", "Comment": .string(whole.history.last?.comment ?? ""),
            "Created": .string(whole.created ?? ""), "Config": config, "Version": "",
            "Author": .string(whole.author ?? ""), "Architecture": .string(whole.platform.architecture),
            "Os": .string(whole.platform.os), "Variant": whole.platform.variant.map(JSON.string),
            "Size": .integer(image.size), "VirtualSize": .integer(image.size),
            "GraphDriver": JSON(members: ["Name": "overlay", "Data": .object([])]),
            "RootFS": JSON(members: ["Type": "layers", "Layers": .array(image.layers.map { .string($0.description) })]),
            "Labels": execution.labels.isEmpty ? .null : image.labels, "Annotations": .object([]),
            "ManifestType": "application/vnd.oci.image.manifest.v1+json", "User": .string(execution.user),
            "History": .array(history), "NamesHistory": .array(image.names.map(JSON.string)),
        ])
    }

    /// Go's map to empty structs.
    private static func set(_ names: [String]) -> JSON {
        .object(names.map { JSON.Member($0, .object([])) })
    }
}
