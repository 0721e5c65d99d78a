import OptionGrammar
import ContainerEngine
import Glibc
import ImageStore
import OCISpec

/// What `load`, `save` and `import` have been told.
private struct ArchiveOptions {
    var input: String?
    var output: String?
    var quiet = false
    var format = ArchiveFormat.dockerArchive
    var several = false
    var changes: [String] = []
    var message: String?
}

extension Verb {
    private static let loadTable: OptionParser<ArchiveOptions>.Table = [
        [
            .value("input", "i", "FILE", "Read this archive or directory (default: stdin)") {
                (target, text) throws(CommandError) in
                target.input = try nonEmpty(text)
            },
            .flag("quiet", "q", "Show no progress") { $0.quiet = $1 },
            .accepted("signature-policy"),
        ]
    ]

    static let load = Verb(
        name: "load", summary: "Load images from an archive", usage: "[options]",
        examples: ["load -i image.tar", "save debian | ssh host swiftpod load"], options: { described(loadTable) }
    ) { invocation in
        var options = ArchiveOptions()
        let words = try invocation.parse(loadTable, into: &options)
        if !words.isEmpty { throw CommandError("too many arguments: load reads stdin or --input FILE") }
        if options.input == nil, isatty(0) == 1 {
            throw CommandError("cannot read from terminal, use command-line redirection or the --input flag")
        }
        let session = try Session(invocation)
        let source: ArchiveSource = options.input.map { .path(invocation.caller.absolute($0)) } ?? .descriptor(0)
        try session.engine.becomePrivileged()
        let images = try session.store.load(from: source)
        if images.isEmpty { throw CommandError("load: the archive holds no image") }
        // As podman, whose --quiet is about progress alone.
        try Output.write(images.map { "Loaded image: \($0.names.first ?? $0.id.description)\n" }.joined())
        return 0
    }

    private static let saveTable: OptionParser<ArchiveOptions>.Table = [
        [
            .value("format", nil, "FORMAT", "docker-archive (default), oci-archive, oci-dir") {
                (target, text) throws(CommandError) in
                guard let format = ArchiveFormat(rawValue: text) else {
                    throw CommandError(
                        text == "docker-dir"
                            ? "not supported yet"
                            : "not one of \(ArchiveFormat.allCases.map(\.rawValue).joined(separator: ", "))")
                }
                target.format = format
            },
            .flag("multi-image-archive", "m", "Several images, not names of one") { $0.several = $1 },
            .value("output", "o", "FILE", "Write to this file (default: stdout)") {
                (target, text) throws(CommandError) in
                target.output = try nonEmpty(text)
            },
            .flag("quiet", "q", "Print nothing but errors") { $0.quiet = $1 },
            .refused("compress", nil, .flag),
            .accepted("uncompressed", nil, .flag),
        ]
    ]

    static let save = Verb(
        name: "save", summary: "Save images to an archive", usage: "[options] IMAGE [NAME...]",
        examples: ["save -o debian.tar debian", "save --format oci-archive debian > debian.oci"],
        options: { described(saveTable) }
    ) { invocation in
        var options = ArchiveOptions()
        let words = try invocation.parse(saveTable, into: &options)
        guard !words.isEmpty else { throw CommandError("requires at least 1 arg(s), only received 0") }
        if options.output == nil {
            if options.format == .ociDirectory { throw CommandError("--format oci-dir requires --output DIR") }
            if Output.isTerminal {
                throw CommandError("refusing to save to terminal. Use -o flag or redirect")
            }
        }
        if options.several, options.format != .dockerArchive {
            throw CommandError("--multi-image-archive requires --format docker-archive")
        }
        let session = try Session(invocation)
        let target: ArchiveTarget = options.output.map { .path(invocation.caller.absolute($0)) } ?? .descriptor(1)
        // As podman: without --multi-image-archive the words after the first are further names for its image.
        let names = options.several ? words : [words[0]]
        let tags = try words.dropFirst(names.count).map(localReference)
        try session.store.save(names, tags: tags, as: options.format, to: target)
        return 0
    }

    private static let importTable: OptionParser<ArchiveOptions>.Table = [
        [
            .value("change", "c", "INSTRUCTION", "Set CMD, ENTRYPOINT, ENV, LABEL, USER, WORKDIR, … of the image") {
                (target, text) throws(CommandError) in
                target.changes.append(text)
            },
            .value("message", "m", "TEXT", "A comment for the image's history") { (target, text) throws(CommandError) in
                target.message = text
            },
            .flag("quiet", "q", "Print nothing but errors") { $0.quiet = $1 },
            .refused("arch"),
            .refused("os"),
            .refused("variant"),
        ]
    ]

    static let importImage = Verb(
        name: "import", summary: "Import a root file system's tarball as an image",
        usage: "[options] {FILE|-} [NAME]", examples: ["import rootfs.tar.gz base:1", "import - base:1 < rootfs.tar"],
        options: { described(importTable) }
    ) { invocation in
        var options = ArchiveOptions()
        let words = try invocation.parse(importTable, into: &options)
        guard let path = words.first else { throw CommandError("need to give the path to the tarball") }
        guard words.count <= 2 else { throw CommandError("too many arguments: usage FILE [NAME]") }
        if path.hasPrefix("http://") || path.hasPrefix("https://") {
            throw CommandError("import \(path): URLs are not supported yet")
        }
        let name = try words.count == 2 ? localReference(words[1]) : nil
        let session = try Session(invocation)
        let source: ArchiveSource = path == "-" ? .descriptor(0) : .path(invocation.caller.absolute(path))
        try session.engine.becomePrivileged()
        let image = try session.store.importRootfs(
            from: source, name: name, changes: options.changes, message: options.message)
        try Output.line(image.id.description)
        return 0
    }
}
