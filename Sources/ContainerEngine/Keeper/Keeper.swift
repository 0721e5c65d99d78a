import Glibc
import LinuxKernel

/// The sleeping process that owns an unprivileged caller's user namespace, and the way into it. See README.md.
package struct Keeper {
    /// The caller's own ids, outside.
    package let uid: UInt32
    package let gid: UInt32
    package let runtimeRoot: String
    /// While this directory has an entry, the keeper stays.
    package let activeDirectory: String
    /// Seconds; 0 is never.
    package let idleTimeout: UInt32
    package let warn: (String) -> Void

    /// How many ids the namespace maps, from 0 up.
    package struct Extent: Equatable, Sendable {
        package var uids: UInt32
        package var gids: UInt32
        /// The caller's own ids and no others.
        package var isSingle: Bool { uids == 1 && gids == 1 }

        package init(uids: UInt32, gids: UInt32) {
            self.uids = uids
            self.gids = gids
        }
    }

    private var record: String { runtimeRoot + "/keeper" }
    private var lock: String { runtimeRoot + "/keeper.lock" }

    package init(
        uid: UInt32, gid: UInt32, runtimeRoot: String, activeDirectory: String, idleTimeout: UInt32,
        warn: @escaping (String) -> Void
    ) {
        self.uid = uid
        self.gid = gid
        self.runtimeRoot = runtimeRoot
        self.activeDirectory = activeDirectory
        self.idleTimeout = idleTimeout
        self.warn = warn
    }

    /// Moves this process, which must have no second thread, into the namespace; a keeper is started where none lives.
    package func enter() throws(EngineError) -> Extent {
        if let extent = try enterPresent() {
            if extent.isSingle { warnOfSingleID() }
            return extent
        }
        // Many commands may start at once: one starts the keeper, the others find it when they get the lock.
        let held = try takeLock()
        var found = try enterPresent()
        if found == nil { found = try start() }
        _ = consume held
        if found!.isSingle { warnOfSingleID() }
        return found!
    }

    private func takeLock() throws(EngineError) -> FileLock {
        do {
            return try FileLock(lock)
        } catch {
            throw EngineError(.failed, "start namespace keeper: \(error)", cause: error)
        }
    }

    /// The pid of the keeper, where one lives.
    package var pid: Int32? {
        guard let found = readRecord(), found.identity.isRunning else { return nil }
        return found.identity.pid
    }

    // MARK: - The one that is there

    private func readRecord() -> (identity: ProcessIdentity, extent: Extent)? {
        guard let text = try? readLink(record) else { return nil }
        let fields = text.split(separator: ":")
        guard fields.count == 4, let pid = Int32(fields[0]), let start = UInt64(fields[1]),
            let uids = UInt32(fields[2]),
            let gids = UInt32(fields[3])
        else { return nil }
        return (ProcessIdentity(pid: pid, startTime: start), Extent(uids: uids, gids: gids))
    }

    private func enterPresent() throws(EngineError) -> Extent? {
        guard let (identity, extent) = readRecord(),
            let namespace = try? OwnedDescriptor.open("/proc/\(identity.pid)/ns/user")
        else { return nil }
        // The open descriptor holds the namespace, whatever becomes of the process; that it was that process's is
        // certain when it is still there now.
        guard identity.isRunning else { return nil }
        // Its idle time begins again: the time of change of the record is that of the last use.
        utimensat(AT_FDCWD, record, nil, AT_SYMLINK_NOFOLLOW)
        do {
            try Namespaces.enter(namespace.raw, .user)
        } catch {
            throw EngineError(.failed, "enter user namespace of process \(identity.pid): \(error)", cause: error)
        }
        return extent
    }

    // MARK: - A new one

    private func start() throws(EngineError) -> Extent {
        if let ranges = subordinateRanges(), let helpers = Helpers(), let extent = try start(ranges, helpers) {
            return extent
        }
        guard let extent = try start(nil, nil) else {
            throw EngineError(.failed, "start namespace keeper: it ended at once")
        }
        return extent
    }

    /// Said with every command that works so, since each may be somebody's first.
    private func warnOfSingleID() {
        let reason =
            subordinateRanges() == nil
            ? "no subordinate ids for user \(uid) in /etc/subuid and /etc/subgid"
            : Helpers() == nil
                ? "newuidmap and newgidmap are not installed (package uidmap)" : "newuidmap and newgidmap failed"
        warn("\(reason): containers have a single user and group id")
    }

    private struct Helpers {
        let uid: HelperProgram
        let gid: HelperProgram

        init?() {
            guard let uid = HelperProgram(named: "newuidmap"), let gid = HelperProgram(named: "newgidmap") else {
                return nil
            }
            self.uid = uid
            self.gid = gid
        }
    }

    private func subordinateRanges() -> SubordinateIDs? {
        let name = Keeper.userName(uid)
        guard let ids = try? SubordinateIDs(user: name, uid: uid), !ids.uid.isEmpty, !ids.gid.isEmpty else {
            return nil
        }
        return ids
    }

    /// The name in the host's passwd file, or what the environment says where the entry is elsewhere (newuidmap looks
    /// for itself, so a lie is of no use).
    private static func userName(_ uid: UInt32) -> String? {
        let text = (try? File.readIfPresent("/etc/passwd")) ?? nil
        for line in (text ?? []).split(separator: 0x0a) {
            let fields = line.split(separator: UInt8(ascii: ":"), maxSplits: 3, omittingEmptySubsequences: false)
            if fields.count > 3, String(decoding: fields[2], as: UTF8.self) == "\(uid)" {
                return String(decoding: fields[0], as: UTF8.self)
            }
        }
        return getenv("USER").map { String(cString: $0) }
    }

    /// nil where the helpers refused, which has been said by then. Without ranges the map is the caller's id alone.
    private func start(_ ranges: SubordinateIDs?, _ helpers: Helpers?) throws(EngineError) -> Extent? {
        do throws(SyscallError) {
            let ready = try OwnedDescriptor.pipe()
            let readyReader = ready.reader
            let readyWriter = ready.writer
            let go = try OwnedDescriptor.pipe()
            let goReader = go.reader
            let goWriter = go.writer
            let pid = try HelperProgram(path: "/proc/self/exe").start(
                ["3", "4", record, lock, activeDirectory, "\(idleTimeout)"], name: "swiftpod-keeper",
                descriptors: [(readyWriter.raw, 3), (goReader.raw, 4)])
            _ = consume readyWriter
            _ = consume goReader
            let pidfd = try ProcessDescriptor.open(pid)
            let answer = try readyReader.readAll(limit: 16)
            guard answer.count == 4 else { throw SyscallError("unshare", errno: ECHILD) }
            let code = answer.withUnsafeBytes { $0.loadUnaligned(as: Int32.self) }
            guard code == 0 else {
                _ = try? ProcessDescriptor.wait(pidfd.raw)
                throw SyscallError("unshare", "user namespace", errno: code)
            }
            let extent: Extent
            if let ranges, let helpers {
                guard let mapped = try map(pid, ranges, helpers) else {
                    // It ends by itself when the pipe closes without a byte.
                    _ = consume goWriter
                    _ = try? ProcessDescriptor.wait(pidfd.raw)
                    return nil
                }
                extent = mapped
            } else {
                try IDMaps.write(
                    pid: pid, uid: [IDRange(inside: 0, outside: uid, count: 1)],
                    gid: [IDRange(inside: 0, outside: gid, count: 1)], denySetgroups: true)
                extent = Extent(uids: 1, gids: 1)
            }
            guard let identity = ProcessIdentity(runningAs: pid) else {
                throw SyscallError("read", "/proc/\(pid)/stat", errno: ESRCH)
            }
            let namespace = try OwnedDescriptor.open("/proc/\(pid)/ns/user")
            try writeRecord("\(pid):\(identity.startTime):\(extent.uids):\(extent.gids)")
            try goWriter.writeAll([1])
            try Namespaces.enter(namespace.raw, .user)
            return extent
        } catch {
            throw Keeper.explain(error)
        }
    }

    private func map(_ pid: Int32, _ ranges: SubordinateIDs, _ helpers: Helpers) throws(SyscallError) -> Extent? {
        func arguments(_ own: UInt32, _ ranges: [SubordinateIDs.Range]) -> (words: [String], count: UInt32) {
            var words = ["\(pid)", "0", "\(own)", "1"]
            var next: UInt32 = 1
            for range in ranges where !next.addingReportingOverflow(range.count).overflow {
                words += ["\(next)", "\(range.start)", "\(range.count)"]
                next += range.count
            }
            return (words, next)
        }
        let uids = arguments(uid, ranges.uid)
        let gids = arguments(gid, ranges.gid)
        for (helper, words) in [(helpers.uid, uids.words), (helpers.gid, gids.words)] {
            let (status, diagnostics) = try helper.run(words)
            if status == .exited(0) { continue }
            let reason = diagnostics.split(separator: "\n").last ?? "exit status \(status.code)"
            warn("\(helper.path): \(reason): containers have a single user and group id")
            return nil
        }
        return Extent(uids: uids.count, gids: gids.count)
    }

    private func writeRecord(_ text: String) throws(SyscallError) {
        let temporary = record + ".new"
        unlink(temporary)
        try check("symlink", temporary) { symlink(text, temporary) }
        try check("rename", record) { rename(temporary, record) }
    }
}
