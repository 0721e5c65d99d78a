import ContainerEngine
import Glibc
import LinuxKernel
import OCISpec
import OptionGrammar
import SwiftPod
import WorkerService

/// What `serve check` and `serve prepare` have been told.
private struct ServeOptions {
    var isJSON = false
    var python = "python3"

    static let table: OptionParser<ServeOptions>.Table = [
        [
            .value("format", nil, "table|json", "How the result is printed (default table)") {
                (target, text) throws(CommandError) in
                switch text {
                case "json": target.isJSON = true
                case "table": target.isJSON = false
                default: throw CommandError("neither table nor json")
                }
            }
        ]
    ]

    static let checkTable: OptionParser<ServeOptions>.Table =
        table + [
            [
                .value("python", nil, "PYTHON", "The host's Python that Ray runs in (default python3)") {
                    (target, text) throws(CommandError) in
                    target.python = try nonEmpty(text)
                }
            ]
        ]
}

extension Verb {
    static let serveCheck = Verb(
        name: "check", summary: "Check the containers of a Ray Serve configuration", usage: "[options] CONFIG.yaml",
        examples: ["serve check serve.yaml", "serve check --python ~/venv/bin/python --format json serve.yaml"],
        options: { described(ServeOptions.checkTable) }
    ) { invocation in
        var options = ServeOptions()
        let configuration = try read(try invocation.parse(ServeOptions.checkTable, into: &options), invocation)
        let launcher = try WorkerLauncher(launcherSettings(invocation))
        defer { launcher.close() }
        let warnings = followWarnings(launcher, invocation)
        let python = options.python
        let report = blocking { await launcher.check(configuration, python: python) }
        warnings.cancel()
        return try print(report, options)
    }

    static let servePrepare = Verb(
        name: "prepare", summary: "Pull and lay out the images of a Ray Serve configuration",
        usage: "[options] CONFIG.yaml", examples: ["serve prepare serve.yaml", "serve prepare - < serve.yaml"],
        options: { described(ServeOptions.table) }
    ) { invocation in
        var options = ServeOptions()
        let configuration = try read(try invocation.parse(ServeOptions.table, into: &options), invocation)
        let launcher = try WorkerLauncher(launcherSettings(invocation))
        defer { launcher.close() }
        let warnings = followWarnings(launcher, invocation)
        let report = blocking { await launcher.prepare(configuration) }
        warnings.cancel()
        return try print(report, options)
    }

    static let service = Verb(
        name: "service", summary: "Serve workers over HTTP on a local socket", usage: "[options]",
        examples: ["service", "service --socket /run/user/1000/workers.sock"],
        options: { described(serviceTable) }
    ) { invocation in
        var path: String?
        guard try invocation.parse(serviceTable, into: &path).isEmpty else { throw CommandError("takes no arguments") }
        let paths = try StorePaths(invocation.globals, caller: invocation.caller)
        if path == nil, mkdir(paths.runtime, 0o700) != 0, errno != EEXIST {
            throw CommandError("start service: \(SyscallError("mkdir", paths.runtime))")
        }
        let socket = path.map { invocation.caller.absolute($0) } ?? paths.runtime + "/service.sock"
        let service = try WorkerService(
            path: socket, settings: launcherSettings(invocation), version: Engine.version)
        try Output.line(socket)
        service.run()
        return 0
    }

    private static let serviceTable: OptionParser<String?>.Table = [
        [
            .value("socket", nil, "PATH", "Listen here (default: service.sock in the runtime directory)") {
                (target, text) throws(CommandError) in
                target = try nonEmpty(text)
            }
        ]
    ]
}

/// The launcher is this binary.
private func launcherSettings(_ invocation: Invocation) -> WorkerLauncher.Settings {
    var settings = WorkerLauncher.Settings()
    settings.binary = "/proc/self/exe"
    settings.root = invocation.globals.root.map { invocation.caller.absolute($0) }
    settings.runRoot = invocation.globals.runRoot.map { invocation.caller.absolute($0) }
    settings.cdiDirectories = invocation.globals.cdiDirectories.map(invocation.caller.absolute)
    return settings
}

private func read(_ words: [String], _ invocation: Invocation) throws -> ServeConfiguration {
    guard words.count == 1 else { throw CommandError("requires exactly 1 arg(s), received \(words.count)") }
    // What is read by hand is short; a device would never end.
    let limit = 16 << 20
    let text: [UInt8]
    do throws(SyscallError) {
        text =
            words[0] == "-"
            ? try readAll(0, limit: limit) : try File.read(invocation.caller.absolute(words[0]), limit: limit)
    } catch { throw CommandError("read \(words[0]): \(error)") }
    let configuration = try ServeConfiguration(yaml: text)
    if configuration.uses.isEmpty {
        warner(invocation.globals)(
            "\(words[0]): none of its applications (\(configuration.applications)) asks for a container")
    }
    return configuration
}

/// What the launcher has to say besides goes to stderr, as every command's warnings.
private func followWarnings(_ launcher: WorkerLauncher, _ invocation: Invocation) -> Task<Void, Never> {
    let isSilent = invocation.globals.logLevel > .warning
    let events = launcher.events()
    return Task.detached {
        for await event in events {
            if case .warning(let text) = event.kind, !isSilent {
                try? writeAll(2, Array("Warning: \(text)\n".utf8))
            }
        }
    }
}

// MARK: - The result

private func print(_ report: ServeReport, _ options: ServeOptions) throws -> Int32 {
    if options.isJSON {
        try Output.write(String(decoding: report.json.encoded(pretty: true), as: UTF8.self) + "\n")
    } else {
        try Output.write(report.table)
    }
    return report.isGood ? 0 : 1
}

extension ServeReport {
    fileprivate var json: JSON {
        JSON(members: [
            "good": .bool(isGood),
            "host": host.map { JSON(members: ["python": .string($0.python), "ray": $0.ray.map(JSON.string)]) },
            "faults": .array(faults.map(\.json)), "containers": .array(rows.map(\.json)),
        ])
    }

    fileprivate var table: String {
        var lines = ["PLACE\tIMAGE\tRAY\tPYTHON\tWORKER PATH\tSTATUS"]
        for row in rows {
            let cells = [
                row.places.joined(separator: ","), row.env.image, row.prepared?.rayVersion ?? "-",
                row.prepared?.pythonVersion ?? "-", row.prepared?.workerPath ?? "-",
                row.faults.isEmpty ? "ok" : row.faults.count == 1 ? "1 fault" : "\(row.faults.count) faults",
            ]
            lines.append(cells.map(\.escapingControls).joined(separator: "\t"))
        }
        var text = alignColumns(lines)
        for fault in faults { text += "host: \(fault.text)\n" }
        for row in rows { for fault in row.faults { text += "\(row.places.joined(separator: ",")): \(fault.text)\n" } }
        return text
    }
}

extension ServeReport.Row {
    fileprivate var json: JSON {
        JSON(members: [
            "places": places.json, "image": .string(env.image), "image_id": prepared.map { .string($0.imageID) },
            "worker_path": prepared?.workerPath.map(JSON.string), "ray": prepared?.rayVersion.map(JSON.string),
            "python": prepared?.pythonVersion.map(JSON.string), "run_options": env.runOptions.json,
            "good": .bool(faults.isEmpty), "faults": .array(faults.map(\.json)),
        ])
    }
}

extension ServeReport.Fault {
    fileprivate var json: JSON { ["what": .string(what), "mend": .string(mend)] }
    fileprivate var text: String { "\(what): \(mend)".escapingControls }
}
