import OptionGrammar
import ContainerEngine
import Glibc
import LinuxKernel

extension Verb {
    static let run = Verb(
        name: "run", summary: "Run a command in a new container", usage: "[options] IMAGE [COMMAND [ARG...]]",
        examples: [
            "run hello", "run --rm -it debian bash", "run -d --name web -p 8080:80 nginx",
            "run --rm --userns=keep-id -v .:/work -w /work gcc make",
        ],
        options: { described(RunOptions.runTable) }
    ) { invocation in
        var request = try RunRequest(
            parsing: invocation.words, table: RunOptions.runTable, globals: &invocation.globals,
            caller: invocation.caller)
        if request.trace != nil { StartTrace.begin(at: invocation.started) }
        defer { if let format = request.trace { TraceReport.print(as: format) } }
        invocation.globals.warnings += request.warnings
        let cidFile = try request.cidFile.map { try IDFile($0) }
        // Before the session, which remembers the process that it belongs to.
        let detachable =
            request.detach || !request.configuration.tty || !request.streams.contains(.stdin)
            ? nil : try DetachableRun.begin(keys: request.detachKeys)
        let session = try Session(invocation, registry: request.pull)
        try HelloContainer.provide(for: &request, session, started: invocation.started)
        if request.printsPlan {
            try Output.line(try session.engine.plan(request.configuration))
            return 0
        }
        if request.detach {
            let id = try session.engine.runDetached(request.configuration) { (id) throws(EngineError) in
                try cidFile?.writeForEngine(id)
            }
            try Output.line(id)
            return 0
        }
        let tty = request.configuration.tty
        var io = AttachedStreams.callers(request.streams, tty: tty, signalProxy: request.signalProxy)
        if detachable != nil { io.detachKeys = request.detachKeys }
        let status = try withTerminal(io, tty: tty, warn: warner(invocation.globals)) {
            (enterRawMode) throws(EngineError) in
            try session.engine.run(
                request.configuration, io: io,
                onCreate: { (id) throws(EngineError) in
                    try cidFile?.writeForEngine(id)
                    enterRawMode()
                }, onDetach: { detachable?.leave() })
        }
        return status.code
    }

    static let create = Verb(
        name: "create", summary: "Create but do not start a container",
        usage: "[options] IMAGE [COMMAND [ARG...]]", examples: ["create --name web nginx"],
        options: { described(RunOptions.table) }
    ) { invocation in
        var request = try RunRequest(parsing: invocation.words, globals: &invocation.globals, caller: invocation.caller)
        invocation.globals.warnings += request.warnings
        let cidFile = try request.cidFile.map { try IDFile($0) }
        let session = try Session(invocation, registry: request.pull)
        try HelloContainer.provide(for: &request, session, started: invocation.started)
        let container = try session.engine.create(request.configuration)
        try cidFile?.write(container.id)
        try Output.line(container.id)
        return 0
    }
}

/// `--cidfile`: a file that must not be there before.
private struct IDFile {
    let path: String

    init(_ path: String) throws(CommandError) {
        self.path = path
        guard access(path, F_OK) != 0 else {
            throw CommandError("container id file exists: \(path): make sure that no container uses it, or delete it")
        }
    }

    func writeForEngine(_ id: String) throws(EngineError) {
        do throws(CommandError) {
            try write(id)
        } catch { throw EngineError(.failed, error.message, cause: error) }
    }

    func write(_ id: String) throws(CommandError) {
        do {
            let file = try OwnedDescriptor.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode: 0o644)
            try file.writeAll(Array(id.utf8))
        } catch { throw CommandError("write container id: \(error)") }
    }
}
