import Glibc
import LinuxKernel
import OCISpec

/// How the process that is going to supervise tells the command that it has, or has not, come so far.
struct StartReport {
    let writer: Int32

    /// The command returns.
    func succeed() { _ = try? writeAll(writer, [UInt8(ascii: "+")]) }

    func fail(_ error: EngineError) {
        _ = try? writeAll(writer, Array("-\(error.code.name)\n\(error.message)".utf8))
    }
}

extension Engine {
    /// Runs `body` in a process of its own, which leaves the caller's session and ends as the supervisor. Returns when
    /// it has reported.
    func detached(_ body: (StartReport) throws(EngineError) -> Void) throws(EngineError) {
        let outcome = try doing("start supervisor") { () throws(SyscallError) -> [UInt8] in
            let pipe = try OwnedDescriptor.pipe()
            let reader = pipe.reader
            let writer = pipe.writer
            let pid = try forkSingleThreaded()
            if pid == 0 {
                let report = StartReport(writer: writer.release())
                _ = consume reader
                setsid()
                do throws(EngineError) {
                    try body(report)
                } catch {
                    report.fail(error)
                }
                _exit(0)
            }
            _ = consume writer
            return try reader.readAll(limit: 1 << 20)
        }
        if outcome.first == UInt8(ascii: "+") { return }
        guard outcome.first == UInt8(ascii: "-") else {
            throw EngineError(.failed, "start container: its supervisor was killed")
        }
        let text = String(decoding: outcome.dropFirst(), as: UTF8.self)
        let parts = text.split(separator: "\n", maxSplits: 1)
        throw EngineError(
            EngineError.Code(name: parts.first.map(String.init) ?? "failed"), parts.last.map(String.init) ?? "")
    }

    /// Starts a container whose lock is held, and becomes its supervisor. Returns on failure only.
    func startDetached(
        _ record: ContainerRecord, in directory: Int32, report: StartReport?, restarts: UInt32 = 0
    ) throws(EngineError) {
        let io = AttachedStreams()
        let started = try launchContainer(record, in: directory, io: io, detached: true, restarts: restarts)
        throw superviseAlone(started) { report?.succeed() }
    }

    /// Becomes a container's supervisor, nobody else's process any more. Returns on failure only.
    func superviseAlone(_ started: Started, ready: () -> Void = {}) -> EngineError {
        // The caller's terminal, directory and pipes are his again.
        chdir("/")
        let null = open("/dev/null", O_RDWR)
        for number: Int32 in 0...2 { dup2(null, number) }
        ready()
        let id = started.record.id
        let error = started.process.becomeSupervisor(id: id, then: InternalCommand.finish(id, session))
        Glibc.kill(started.process.pid, SIGKILL)
        return EngineError(.failed, "start supervisor: \(error)", cause: error)
    }
}
