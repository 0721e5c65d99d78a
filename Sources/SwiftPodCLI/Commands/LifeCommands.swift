import OptionGrammar
import ContainerEngine
import Glibc

extension Verb {
    private static let startTable: OptionParser<ContainerOptions>.Table = [
        [
            .allLong,
            .flag("attach", "a", "Attach to stdout and stderr") { $0.attach = $1 },
            .filter,
            .flag("interactive", "i", "Keep stdin open") { $0.interactive = $1 },
            .latest,
            .flag("sig-proxy", nil, "Pass received signals on to the process (default true)") { $0.signalProxy = $1 },
            .value("detach-keys", nil, "KEYS", "What is typed to leave the container to itself (default ctrl-p,ctrl-q)")
            {
                (target, text) throws(CommandError) in
                target.detachKeys = try parseDetachKeys(text)
            },
        ]
    ]

    static let start = Verb(
        name: "start", summary: "Start one or more containers", usage: "[options] CONTAINER [CONTAINER...]",
        examples: ["start web", "start -ai shell"], options: { described(startTable) }
    ) { invocation in
        var options = ContainerOptions()
        let words = try invocation.parse(startTable, into: &options)
        // Before the session, which remembers the process that it belongs to.
        let detachable = options.interactive ? try DetachableRun.begin(keys: options.detachKeys) : nil
        let session = try Session(invocation)
        var failures = FailureCollector()
        let chosen = try options.select(words, session.engine, caller: invocation.caller, &failures)
        if options.attach || options.interactive {
            guard chosen.count == 1, failures.exitCode == 0 else {
                if failures.exitCode != 0 { return failures.exitCode }
                throw CommandError("you cannot start and attach multiple containers at once")
            }
            return try startAttached(chosen[0].container, options, session, invocation, detachable)
        }
        for (word, container) in chosen {
            do throws(EngineError) {
                if options.all, container.status.isRunning { continue }
                _ = try session.engine.start(container, attach: nil)
            } catch {
                failures.add(error)
                continue
            }
            try Output.line(word)
        }
        return failures.exitCode
    }

    private static func startAttached(
        _ container: Container, _ options: ContainerOptions, _ session: Session, _ invocation: Invocation,
        _ detachable: DetachableRun?
    ) throws -> Int32 {
        let streams: RunRequest.Streams =
            options.interactive ? [.stdin, .stdout, .stderr] : [.stdout, .stderr]
        let tty = try session.hasTerminal(container)
        var io = AttachedStreams.callers(streams, tty: tty, signalProxy: options.signalProxy)
        if detachable != nil { io.detachKeys = options.detachKeys }
        let status = try withTerminal(io, tty: tty, warn: warner(invocation.globals)) {
            (enterRawMode) throws(EngineError) in
            enterRawMode()
            return try session.engine.start(container, attach: io) { detachable?.leave() }
        }
        return status?.code ?? 0
    }

    private static let stopTable: OptionParser<ContainerOptions>.Table = [
        [.all, .cidFile, .filter, .ignore, .latest, .time, .timeout]
    ]

    static let stop = Verb(
        name: "stop", summary: "Stop one or more containers", usage: "[options] CONTAINER [CONTAINER...]",
        examples: ["stop web", "stop --time 2 web"], options: { described(stopTable) }
    ) { invocation in
        var options = ContainerOptions()
        let words = try invocation.parse(stopTable, into: &options)
        let session = try Session(invocation)
        return try options.forEach(words, session, invocation) { (container) throws(EngineError) in
            try session.engine.stop(container, timeout: options.time)
        }
    }

    private static let killTable: OptionParser<ContainerOptions>.Table = [
        [
            .all, .cidFile, .latest,
            .value("signal", "s", "SIGNAL", "What to send (default KILL)") { (target, text) throws(CommandError) in
                _ = try parseSignal(text)
                target.signal = text
            },
        ]
    ]

    static let kill = Verb(
        name: "kill", summary: "Kill one or more running containers with a specific signal",
        usage: "[options] CONTAINER [CONTAINER...]", examples: ["kill web", "kill --signal HUP web"],
        options: { described(killTable) }
    ) { invocation in
        var options = ContainerOptions()
        let words = try invocation.parse(killTable, into: &options)
        let signal = try parseSignal(options.signal)
        let session = try Session(invocation)
        let all = options.all
        return try options.forEach(words, session, invocation) { (container) throws(EngineError) in
            if all, !container.status.isRunning { return }
            try session.engine.kill(container, signal: signal)
        }
    }

    private static let rmTable: OptionParser<ContainerOptions>.Table = [
        [
            .all, .cidFile, .filterLong,
            .flag("force", "f", "Remove running containers too") { $0.force = $1 },
            .ignore, .latest, .time, .timeout,
            .flag("volumes", "v", "Remove anonymous volumes too") { $0.volumes = $1 },
            .refused("depend", nil, .flag),
        ]
    ]

    static let rm = Verb(
        name: "rm", aliases: ["remove"], summary: "Remove one or more containers",
        usage: "[options] CONTAINER [CONTAINER...]", examples: ["rm web", "rm --force --all"],
        options: { described(rmTable) }
    ) { invocation in
        var options = ContainerOptions()
        let words = try invocation.parse(rmTable, into: &options)
        let session = try Session(invocation)
        // As podman: 1 where a name is not there, 2 where a container runs, and force makes neither an error.
        if options.force { options.ignore = true }
        var failures = FailureCollector(notFoundCode: 1)
        for (word, container) in try options.select(words, session.engine, caller: invocation.caller, &failures) {
            if container.status.isRunning, !options.force {
                failures.add(
                    CommandError(
                        "cannot remove container \(container.id) as it is running - running or paused containers "
                            + "cannot be removed without force"), exitCode: 2)
                continue
            }
            do throws(EngineError) {
                try session.engine.remove(
                    container, force: options.force, timeout: options.time, volumes: options.volumes)
            } catch {
                failures.add(error)
                continue
            }
            try Output.line(word)
        }
        return failures.exitCode
    }
}

extension ContainerOptions {
    /// Does one thing to each container and prints the word it was called by.
    func forEach(
        _ words: [String], _ session: Session, _ invocation: Invocation,
        _ act: (Container) throws(EngineError) -> Void
    ) throws -> Int32 {
        var failures = FailureCollector()
        for (word, container) in try select(words, session.engine, caller: invocation.caller, &failures) {
            do throws(EngineError) {
                try act(container)
            } catch {
                failures.add(error)
                continue
            }
            try Output.line(word)
        }
        return failures.exitCode
    }
}

extension Session {
    /// Whether the container was made with `--tty`.
    func hasTerminal(_ container: Container) throws -> Bool {
        try engine.inspect(container)["Config"]?["Tty"]?.bool ?? false
    }
}
