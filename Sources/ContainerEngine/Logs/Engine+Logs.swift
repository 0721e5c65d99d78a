import Glibc
import LinuxKernel

extension Engine {
    /// Writes what the container wrote, its stdout to `out` and its stderr to `err`.
    public func logs(_ container: Container, _ query: LogQuery, out: Int32, err: Int32) throws(EngineError) {
        let record = container.record
        guard record.log.driver ?? .k8sFile == .k8sFile else {
            throw EngineError(
                .unsupported,
                "this container is using the \(record.log.driver?.rawValue ?? "") log driver, cannot read logs: this container is not logging output"
            )
        }
        let path = logPath(record)
        if access(path, F_OK) != 0 {
            // Never started: nothing to show, but perhaps later.
            guard query.follow, container.status == .created else { return }
            while access(path, F_OK) != 0 {
                guard store.exists(container.id) else { return }
                usleep(100_000)
            }
        }
        try doing("read log of container \(container.name)") { () throws(SyscallError) in
            var reader = try LogReader(path)
            if let tail = query.tail, tail >= 0 { try reader.seekToTail(tail) }
            var writer = LogWriter(query, out: out, err: err)
            var watch = query.follow ? FileWatch(path) : nil
            var isLast = false
            while true {
                while try reader.next({ (line) throws(SyscallError) in try writer.write(line) }) {}
                try writer.flush()
                if writer.isFinished { return }
                if try reader.followRotation() {
                    watch = FileWatch(path)
                    continue
                }
                // One more look after the end has been seen: the log is whole by then.
                if !query.follow || isLast { return }
                isLast = !(isLive(container))
                if !isLast { watch?.wait(milliseconds: 1000) }
            }
        }
    }

    /// More may come: it runs, is about to start, or its supervisor still writes.
    private func isLive(_ container: Container) -> Bool {
        guard let now = try? refreshed(container) else { return false }
        if now.status.isRunning || now.status == .created { return true }
        guard let state = now.facts.state, state.bootID == session.bootID else { return false }
        // A restart policy may bring it back in a moment.
        return now.record.restart != .no && !now.facts.stopRequested && state.supervisor.isRunning
    }
}

/// Puts lines out as the query wants them.
private struct LogWriter {
    let query: LogQuery
    let out: Int32
    let err: Int32
    var pending: [UInt8] = []
    var pendingIsError = false
    /// The line before was a part: its continuation gets no head.
    var continues = false
    /// A line of after `until` came.
    var isFinished = false

    init(_ query: LogQuery, out: Int32, err: Int32) {
        self.query = query
        self.out = out
        self.err = err
    }

    /// False when nothing more is wanted.
    mutating func write(_ bytes: ArraySlice<UInt8>) throws(SyscallError) -> Bool {
        guard let line = LogLine(bytes) else { return true }
        if query.since != nil || query.until != nil, let time = Timestamp(rfc3339: line.time) {
            if let since = query.since, time < since { return true }
            if let until = query.until, until < time {
                isFinished = true
                return false
            }
        }
        if line.isError != pendingIsError || pending.count > 32 << 10 { try flush() }
        pendingIsError = line.isError
        if !continues {
            if let prefix = query.prefix { pending += Array("\(prefix) ".utf8) }
            if query.timestamps { pending += Array("\(line.time) ".utf8) }
        }
        pending += line.text
        if !line.isPartial { pending.append(0x0a) }
        continues = line.isPartial
        return true
    }

    mutating func flush() throws(SyscallError) {
        if pending.isEmpty { return }
        try writeAll(pendingIsError ? err : out, pending)
        pending = []
    }
}

/// Tells when a file has grown, inotify(7); waits for a while where that is not to be had.
private struct FileWatch: ~Copyable {
    private let notify: Int32

    init(_ path: String) {
        notify = inotify_init1(0o2000000)
        // Modified, moved over, gone.
        if notify >= 0 { inotify_add_watch(notify, path, 0x2 | 0x400 | 0x800 | 0x4) }
    }

    deinit { if notify >= 0 { close(notify) } }

    func wait(milliseconds: Int32) {
        guard notify >= 0 else {
            usleep(200_000)
            return
        }
        var ready = pollfd(fd: notify, events: Int16(POLLIN), revents: 0)
        // Several lines often come together: a moment's patience saves work.
        guard poll(&ready, 1, min(milliseconds, 250)) > 0 else { return }
        var buffer = [UInt8](repeating: 0, count: 4096)
        _ = read(notify, &buffer, buffer.count)
    }
}
