import Workers

/// Puts what a program asks for into the words of `run`, which the launcher reads by the command line's own table.
enum WorkerCommandLine {
    static func order(
        _ env: ContainerRuntimeEnv, _ options: WorkerOptions, arguments: [String] = [],
        environment: [(name: String, value: String)] = []
    ) throws(WorkerError) -> WorkerOrder {
        var words = WorkerWords.isolation()
        for mount in options.mounts { words += ["--mount", try self.mount(mount)] }
        for device in options.devices { words += ["--device", quoted(device)] }
        if let cpus = options.cpus {
            guard cpus > 0, cpus.isFinite else { throw WorkerError(.invalid, "\(cpus) processors: not more than none") }
            words.append("--cpus=\(cpus)")
        }
        if let memory = options.memory { words.append("--memory=\(memory)b") }
        if let directory = options.workingDirectory { words.append("--workdir=\(directory)") }
        do throws(WorkerFault) {
            for text in env.runOptions { words += try WorkerWords.split(text) }
        } catch { throw WorkerError(error) }
        // After the run options, as Ray has it: the last one wins.
        let entrypoint = options.entrypoint ?? ["python"]
        var command = arguments
        if let program = entrypoint.first {
            words.append("--entrypoint=\(program)")
            command = entrypoint.dropFirst() + arguments
        }
        return WorkerOrder(options: words, image: env.image, command: command, environment: environment)
    }

    /// `--mount` is CSV: a path may have commas and colons.
    private static func mount(_ mount: WorkerOptions.Mount) throws(WorkerError) -> String {
        let destination = mount.destination ?? mount.source
        for path in [mount.source, destination] where !path.hasPrefix("/") {
            throw WorkerError(.invalid, "mount \(path): not an absolute path")
        }
        let fields = ["type=bind", "source=\(mount.source)", "destination=\(destination)"]
        return (fields + (mount.isReadOnly ? ["readonly"] : [])).map(quoted).joined(separator: ",")
    }

    private static func quoted(_ field: String) -> String {
        guard field.utf8.contains(where: { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") }) else { return field }
        var text = "\""
        for scalar in field.unicodeScalars {
            if scalar == "\"" { text += "\"" }
            text.unicodeScalars.append(scalar)
        }
        return text + "\""
    }
}
