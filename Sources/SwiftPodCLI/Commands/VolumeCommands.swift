import OptionGrammar
import ContainerEngine
import OCISpec

/// What the `volume` verbs have been told.
private struct VolumeOptions {
    var all = false
    var force = false
    var labels: [String] = []
    var ignore = false
}

extension Verb {
    private static let createTable: OptionParser<VolumeOptions>.Table = [
        [
            .value("label", "l", "KEY=VALUE", "Add a label") { (target, text) throws(CommandError) in
                target.labels.append(text)
            },
            .flag("ignore", nil, "A volume that is there already is no error") { $0.ignore = $1 },
            .value("driver", "d", "NAME", "") { (_, text) throws(CommandError) in
                if text != "local" { throw CommandError("not supported yet") }
            },
            .refused("opt", "o"),
        ]
    ]

    static let volumeCreate = Verb(
        name: "create", summary: "Create a volume", usage: "[options] [NAME]", examples: ["volume create data"],
        options: { described(createTable) }
    ) { invocation in
        var options = VolumeOptions()
        let words = try invocation.parse(createTable, into: &options)
        guard words.count <= 1 else { throw CommandError("too many arguments, create takes at most 1 argument") }
        let session = try Session(invocation)
        let name = words.first ?? randomName()
        guard isObjectName(name) else { throw CommandError("names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*") }
        try session.engine.becomePrivileged()
        if try session.volumes.volume(name) != nil {
            if options.ignore {
                try Output.line(name)
                return 0
            }
            throw CommandError("volume with name \(name) already exists")
        }
        var volume = VolumeStore.Volume(name: name)
        volume.created = Timestamp.now().description
        for word in options.labels {
            let (key, value) = try parseLabel(word)
            volume.labels[key] = value
        }
        _ = try session.volumes.ensure(volume)
        try Output.line(name)
        return 0
    }

    /// 64 hexadecimal digits, as podman names an anonymous volume.
    private static func randomName() -> String {
        (0..<64).map { _ in String(UInt8.random(in: 0..<16), radix: 16) }.joined()
    }

    static let volumeExists = Verb(
        name: "exists", summary: "Whether a volume is there: exit status 0 or 1", usage: "VOLUME"
    ) { invocation in
        let words = try invocation.positionals()
        guard words.count == 1 else { throw CommandError("accepts 1 arg(s), received \(words.count)") }
        let session = try Session(invocation)
        return try isObjectName(words[0]) && session.volumes.volume(words[0]) != nil ? 0 : 1
    }

    private static let listTable: OptionParser<ListOptions>.Table = [
        [
            .value("format", nil, "FORMAT", "json, table, or a Go template") { (target, text) throws(CommandError) in
                target.format = text
            },
            .flag("noheading", "n", "Leave out the headings") { $0.noHeading = $1 },
            .flag("quiet", "q", "Show names only") { $0.quiet = $1 },
            .value("filter", "f", "KEY=VALUE", "Only volumes for which this holds: name, label") {
                (target, text) throws(CommandError) in
                target.filters.append(text)
            },
        ]
    ]

    static let volumeList = Verb(
        name: "ls", aliases: ["list"], summary: "List volumes", usage: "[options]",
        options: { described(listTable) }
    ) { invocation in
        var options = ListOptions()
        let words = try invocation.parse(listTable, into: &options)
        if !words.isEmpty { throw CommandError("volume ls takes no arguments") }
        let session = try Session(invocation)
        var volumes = try session.volumes.volumes()
        for word in options.filters {
            let (key, value) = splitPair(word)
            switch (key, value) {
            case ("name", let text?):
                let pattern = try Pattern(text)
                volumes = volumes.filter { pattern.matches($0.name) }
            case ("label", let text?):
                let (name, wanted) = splitPair(text)
                volumes = volumes.filter { $0.labels[name] != nil && (wanted == nil || $0.labels[name] == wanted) }
            default: throw CommandError("\(quoted(word)) is an invalid volume filter")
            }
        }
        if options.quiet, options.format == nil {
            try Output.write(volumes.map { $0.name + "\n" }.joined())
            return 0
        }
        let report = Report(
            tableRow: "{{.Driver}}\t{{.Name}}", headings: ["Name": "VOLUME NAME"], format: options.format,
            hasHeading: !options.noHeading, name: "volume ls")
        let documents = volumes.map(session.volumeDocument)
        try Output.write(try report.render(rows: documents, documents: documents))
        return 0
    }

    private static let removeTable: OptionParser<VolumeOptions>.Table = [
        [
            .flag("all", "a", "Remove all volumes") { $0.all = $1 },
            .flag("force", "f", "Remove the containers that use the volume too") { $0.force = $1 },
            .accepted("time", "t"),
        ]
    ]

    static let volumeRemove = Verb(
        name: "rm", aliases: ["remove"], summary: "Remove one or more volumes", usage: "[options] VOLUME [VOLUME...]",
        examples: ["volume rm data"], options: { described(removeTable) }
    ) { invocation in
        var options = VolumeOptions()
        var words = try invocation.parse(removeTable, into: &options)
        let session = try Session(invocation)
        if options.all { words = try session.volumes.volumes().map(\.name) }
        guard options.all || !words.isEmpty else { throw CommandError("choose either one or more volumes, or all") }
        try session.engine.becomePrivileged()
        var failures = FailureCollector()
        for word in words {
            do {
                guard isObjectName(word), try session.volumes.volume(word) != nil else {
                    failures.add(CommandError("no volume with name \(quoted(word)) found: no such volume"), exitCode: 1)
                    continue
                }
                for user in try session.users(ofVolume: word) {
                    guard options.force else {
                        throw CommandError(
                            "volume \(word) is being used by the following container(s): \(user.id): volume is being used",
                            exitCode: 2)
                    }
                    try session.engine.remove(user, force: true)
                }
                try session.volumes.remove(word)
                try Output.line(word)
            } catch let error as OutputClosed {
                throw error
            } catch { failures.add(error) }
        }
        return failures.exitCode
    }
}

extension Session {
    func volumeDocument(_ volume: VolumeStore.Volume) -> JSON {
        JSON(members: [
            "Name": .string(volume.name), "Driver": "local", "Mountpoint": .string(volumes.dataPath(volume.name)),
            "CreatedAt": .string(volume.created),
            "Labels": .object(volume.labels.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .string($0.value)) }),
            "Scope": "local", "Options": .object([]), "Anonymous": volume.isAnonymous ? true : nil,
        ])
    }

    /// The containers that mount a volume.
    func users(ofVolume name: String) throws -> [Container] {
        try engine.containers().filter { container in
            try engine.inspect(container)["Mounts"]?.array?.contains { $0["Name"]?.string == name } ?? false
        }
    }
}
