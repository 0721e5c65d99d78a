import OptionGrammar
import ContainerEngine
import OCISpec

/// What this program is.
enum Version {
    static let number = "0.1.0"
    /// The podman whose command line this is: what programs that look for podman by version compare with.
    static let podman = "5.0.0"
}

/// The one line of `--version`.
func versionLine(_ program: String) -> String {
    program == "podman" ? "podman version \(Version.podman)" : "swiftpod version \(Version.number)"
}

private struct FormatOptions {
    var format: String?
    static let table: OptionParser<FormatOptions>.Table = [
        [
            .value("format", "f", "FORMAT", "json or a Go template") { (target, text) throws(CommandError) in
                target.format = text
            },
            .accepted("debug", "D", .flag),
        ]
    ]
}

extension Verb {
    static let version = Verb(
        name: "version", summary: "Print the version", usage: "[options]",
        options: { described(FormatOptions.table) }
    ) { invocation in
        var options = FormatOptions()
        _ = try invocation.parse(FormatOptions.table, into: &options)
        let number = invocation.program == "podman" ? Version.podman : Version.number
        let client = JSON(members: [
            "APIVersion": .string(Version.podman), "Version": .string(number), "GoVersion": "", "GitCommit": "",
            "BuiltTime": "", "Built": 0, "OsArch": .string(Platform.host.description), "Os": "linux",
        ])
        let document = JSON(members: ["Client": client, "Server": .null])
        switch options.format {
        case "json": try Output.line(JSON(members: ["Client": client]).text)
        case let format?:
            // `{{.Version}}` is the client's, as podman has it.
            let template = try Template(expandEscapes(format))
            var fields = document
            fields.set("Version", .string(number))
            try Output.write(try template.render(fields).endingLine())
        case nil:
            try Output.write(
                alignColumns([
                    "Client:\tswiftpod \(Version.number)", "Version:\t\(number)",
                    "API Version:\t\(Version.podman)", "OS/Arch:\t\(Platform.host)",
                ]))
        }
        return 0
    }

    static let info = Verb(
        name: "info", summary: "Show what swiftpod finds on this machine", usage: "[options]",
        examples: ["info", "info --format '{{.host.os}}'"], options: { described(FormatOptions.table) }
    ) { invocation in
        var options = FormatOptions()
        _ = try invocation.parse(FormatOptions.table, into: &options)
        let document = try Session(invocation).engine.info()
        switch options.format {
        case "json": try Output.line(document.pretty())
        case let format?: try Output.write(try Template(expandEscapes(format)).render(document).endingLine())
        case nil: try Output.write(yaml(document, indent: 0))
        }
        return 0
    }
}

/// A document as YAML, which is what `podman info` prints.
func yaml(_ value: JSON, indent: Int) -> String {
    let margin = String(repeating: " ", count: indent)
    func item(_ value: JSON) -> String {
        switch value {
        case .object(let members) where members.isEmpty: " {}\n"
        case .array(let values) where values.isEmpty: " []\n"
        case .object: "\n" + yaml(value, indent: indent + 2)
        case .array: "\n" + yaml(value, indent: indent)
        default: " " + scalar(value) + "\n"
        }
    }
    switch value {
    case .object(let members): return members.map { "\(margin)\($0.name):" + item($0.value) }.joined()
    case .array(let values):
        return values.map { element in
            guard case .object = element else { return "\(margin)-" + item(element) }
            // The first member stands behind the dash.
            return "\(margin)- " + yaml(element, indent: indent + 2).dropFirst(indent + 2)
        }.joined()
    default: return margin + scalar(value) + "\n"
    }
}

private func scalar(_ value: JSON) -> String {
    guard case .string(let text) = value else { return value == .null ? "null" : TemplateValue.text(value) }
    let isPlain =
        !text.isEmpty
        && text.utf8.allSatisfy {
            ($0 >= 0x30 && $0 <= 0x39) || ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A) || "/._- ".utf8.contains($0)
        }
        && text.utf8.contains { $0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A } && text.first != "-" && text.first != " "
        && !["true", "false", "null", "yes", "no"].contains(text.lowercased())
    return isPlain ? text : quoted(text)
}
