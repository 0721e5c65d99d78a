import OptionGrammar
import ContainerEngine

/// What `exec` has been told.
package struct ExecOptions: Sendable {
    package var configuration = ExecConfiguration(command: [])
    package let caller: Caller
    package var environmentFiles: [String] = []
    package var environmentWords: [String] = []
    package var latest = false

    package init(caller: Caller) {
        self.caller = caller
    }

    package static let table: OptionParser<ExecOptions>.Table = [
        [
            .flag("detach", "d", "Run in the background") { $0.configuration.detach = $1 },
            .value("env", "e", "NAME[=VALUE]", "Set an environment variable") { (target, text) throws(CommandError) in
                target.environmentWords.append(text)
            },
            .list("env-file", nil, "FILE", "Read environment variables from a file") {
                (target, text) throws(CommandError) in
                target.environmentFiles.append(text)
            },
            .flag("interactive", "i", "Keep stdin open") { $0.configuration.interactive = $1 },
            .flag("latest", "l", "In the container created last") { $0.latest = $1 },
            .value("preserve-fds", nil, "N", "Pass N descriptors from 3 up") { (target, text) throws(CommandError) in
                target.configuration.preserveDescriptors = Int(try parseInteger(text, as: UInt16.self))
            },
            .flag("privileged", nil, "Give the process all capabilities") { $0.configuration.privileged = $1 },
            .flag("tty", "t", "Give the process a terminal") { $0.configuration.tty = $1 },
            .value("user", "u", "USER[:GROUP]", "Run as this user") { (target, text) throws(CommandError) in
                target.configuration.user = text
            },
            .value("workdir", "w", "DIR", "Run in this directory") { (target, text) throws(CommandError) in
                target.configuration.workingDirectory = try nonEmpty(text)
            },
            .refused("cidfile"),
            .refused("preserve-fd"),
        ],
        [
            .value("detach-keys", nil, "KEYS", "") { (_, text) throws(CommandError) in
                if !text.isEmpty { throw CommandError("not supported yet") }
            }
        ],
    ]

    /// The container's word and what is to run there.
    package consuming func request(
        _ words: [String]
    ) throws(CommandError) -> (container: String?, configuration: ExecConfiguration) {
        var words = words[...]
        let container = latest ? nil : words.popFirst()
        guard latest || container != nil else {
            throw CommandError("exec requires the name or ID of a container or the --latest flag")
        }
        guard !words.isEmpty else { throw CommandError("must provide a non-empty command to start an exec session") }
        configuration.command = Array(words)
        for path in environmentFiles {
            configuration.environment.variables += try parseEnvironmentFile(path, caller: caller)
        }
        for word in environmentWords {
            configuration.environment.variables += try parseVariable(word, caller: caller)
        }
        return (container, configuration)
    }
}

extension Verb {
    static let exec = Verb(
        name: "exec", summary: "Run a process in a running container",
        usage: "[options] CONTAINER [COMMAND [ARG...]]", examples: ["exec -it web sh", "exec --user root web id"],
        options: { described(ExecOptions.table) }
    ) { invocation in
        var options = ExecOptions(caller: invocation.caller)
        let words = try invocation.parse(ExecOptions.table, into: &options, interspersed: false)
        let (name, configuration) = try options.request(words)
        let session = try Session(invocation)
        let container = try name.map { try session.engine.container($0) } ?? session.latest()
        guard container.status.isRunning else {
            // podman's own status for this, of all its commands.
            throw CommandError(
                "can only create exec sessions on running containers: \(container.name) is \(container.status.name)",
                exitCode: 255)
        }
        let streams: RunRequest.Streams =
            configuration.interactive ? [.stdin, .stdout, .stderr] : [.stdout, .stderr]
        let io = AttachedStreams.callers(
            configuration.detach ? [] : streams, tty: configuration.tty, signalProxy: true)
        let status = try withTerminal(io, tty: configuration.tty, warn: warner(invocation.globals)) {
            (enterRawMode) throws(EngineError) in
            enterRawMode()
            return try session.engine.exec(container, configuration, io: io)
        }
        return status?.code ?? 0
    }
}

extension Session {
    /// The container created last.
    func latest() throws -> Container {
        guard let last = try engine.containers().max(by: { $0.createdAt < $1.createdAt }) else {
            throw CommandError("no containers to act on: no such container")
        }
        return last
    }
}
