import ContainerEngine
import DeviceInjection
import Glibc
import LinuxKernel
import OCISpec
import OptionGrammar

/// What the `cdi` verbs have been told.
private struct CDIOptions {
    var output: String?
    var format: Format?
    var vendor: String?

    enum Format: String, CaseIterable {
        case yaml, json
    }
}

extension Verb {
    private static let generateTable: OptionParser<CDIOptions>.Table = [
        [
            .value("format", nil, "yaml|json", "The language (default yaml, or as the output file is called)") {
                (target, text) throws(CommandError) in
                guard let format = CDIOptions.Format(rawValue: text) else {
                    throw CommandError("neither yaml nor json")
                }
                target.format = format
            },
            .value("output", "o", "FILE|DIR", "Write here instead of on stdout; in a directory, a file a kind") {
                (target, text) throws(CommandError) in
                target.output = try nonEmpty(text)
            },
            .value("vendor", nil, "VENDOR", "Devices of this vendor only: nvidia.com, amd.com, intel.com, …") {
                (target, text) throws(CommandError) in
                target.vendor = try nonEmpty(text)
            },
        ]
    ]

    static let cdiGenerate = Verb(
        name: "generate", summary: "Write specifications of the devices of this machine", usage: "[options]",
        examples: ["cdi generate --output /etc/cdi", "cdi generate --format json --vendor amd.com"],
        options: { described(generateTable) }
    ) { invocation in
        var options = CDIOptions()
        let words = try invocation.parse(generateTable, into: &options)
        if !words.isEmpty { throw CommandError("cdi generate takes no arguments") }
        var settings = EngineSettings(dataRoot: "/", runtimeRoot: "/")
        settings.useDevices(invocation.globals, invocation.caller)
        let found = DeviceDiscovery(in: HostTree(root: settings.deviceRoot))
        let warn = warner(invocation.globals)
        for warning in found.warnings { warn(warning) }
        var facts = LibraryFacts(file: nil)
        let documents = found.specifications.filter { options.vendor == nil || $0.kind.vendor == options.vendor }
            .map { one in one.portable { facts.fact($0) } }
        guard !documents.isEmpty else {
            throw CommandError("no devices were found\(options.vendor.map { " of vendor \($0)" } ?? "")")
        }
        try write(documents, options, caller: invocation.caller)
        return 0
    }

    private static func write(_ documents: [CDISpecification], _ options: CDIOptions, caller: Caller) throws {
        guard let output = options.output.map(caller.absolute) else {
            if options.format == .json, documents.count > 1 {
                let kinds = documents.map(\.kind.description).joined(separator: ", ")
                throw CommandError(
                    "there are several kinds (\(kinds)), and JSON holds one: choose by --vendor, or --output to a directory"
                )
            }
            for document in documents { try Output.write(text(document, options.format ?? .yaml)) }
            return
        }
        if try FileStatus.ifPresent(output, following: true)?.kind == .directory {
            let format = options.format ?? .yaml
            for document in documents {
                let name = "\(document.kind.vendor)-\(document.kind.deviceClass).\(format.rawValue)"
                try File.writeAtomically(Array(text(document, format).utf8), to: "\(output)/\(name)", sync: true)
                try Output.line("\(output)/\(name)")
            }
            return
        }
        let named = CDIOptions.Format.allCases.first { output.hasSuffix(".\($0.rawValue)") }
        guard let named else { throw CommandError("output \(output): neither a directory nor called .yaml or .json") }
        if let format = options.format, format != named {
            throw CommandError("output \(output): is not called .\(format.rawValue)")
        }
        guard documents.count == 1 else {
            let kinds = documents.map(\.kind.description).joined(separator: ", ")
            throw CommandError(
                "there are several kinds (\(kinds)), and a file holds one: choose by --vendor, or give a directory")
        }
        try File.writeAtomically(Array(text(documents[0], named).utf8), to: output, sync: true)
    }

    private static func text(_ document: CDISpecification, _ format: CDIOptions.Format) -> String {
        switch format {
        case .json: document.json.pretty() + "\n"
        case .yaml: "---\n" + yaml(document.json, indent: 0)
        }
    }

    static let cdiList = Verb(
        name: "list", aliases: ["ls"], summary: "List the devices that --device takes by name", usage: "",
        examples: ["cdi list"]
    ) { invocation in
        let words = try invocation.positionals()
        if !words.isEmpty { throw CommandError("cdi list takes no arguments") }
        var settings = EngineSettings(dataRoot: "/", runtimeRoot: "/")
        settings.useDevices(invocation.globals, invocation.caller)
        let warn = warner(invocation.globals)
        var registry = CDIRegistry(directories: settings.cdiDirectories)
        let documented = Set(registry.entries.map(\.specification.kind))
        let found = DeviceDiscovery(in: HostTree(root: settings.deviceRoot))
        for one in found.specifications where !documented.contains(one.kind) {
            registry.add(one, path: "discovered:\(one.kind)", priority: -1)
        }
        for failure in registry.failures { warn("\(failure.path): \(failure.reason)") }
        for conflict in registry.conflicts {
            warn("\(conflict.name): conflicting definitions in \(conflict.paths.joined(separator: " and "))")
        }
        try Output.write(registry.devices.map { "\($0)\n" }.joined())
        return 0
    }

    static let cdiValidate = Verb(
        name: "validate", summary: "Check specifications: those named, or all that there are", usage: "[FILE...]",
        examples: ["cdi validate", "cdi validate vendor.yaml"]
    ) { invocation in
        let words = try invocation.positionals()
        var failures: [String] = []
        if words.isEmpty {
            var settings = EngineSettings(dataRoot: "/", runtimeRoot: "/")
            settings.useDevices(invocation.globals, invocation.caller)
            let registry = CDIRegistry(directories: settings.cdiDirectories)
            for entry in registry.entries { try Output.line("\(entry.path): valid") }
            failures = registry.failures.map { "\($0.path): \($0.reason)" }
            failures += registry.conflicts.map {
                "\($0.name): conflicting definitions in \($0.paths.joined(separator: " and "))"
            }
        }
        for word in words {
            do {
                _ = try CDIRegistry.read(invocation.caller.absolute(word))
                try Output.line("\(word): valid")
            } catch let error as CDIError {
                failures.append("\(word): \(error)")
            }
        }
        for failure in failures { try? writeAll(2, Array("Error: \(failure)\n".utf8)) }
        return failures.isEmpty ? 0 : 1
    }
}
