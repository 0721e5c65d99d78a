import Glibc
import LinuxKernel

/// `<runtime>/events.log`: a line of JSON for each event, in the order in which they happened, and the file before it.
///
/// One write(2) at the end of the file, no lock: lines do not mix, and a start pays microseconds for it. What cannot be
/// written is left out; nothing waits for a log.
package struct EventLog: Sendable {
    package let path: String
    /// Bytes after which the file is laid aside, as podman's.
    private static let limit: off_t = 1_000_000

    package init(runtime: String) {
        path = runtime + "/events.log"
    }

    package func append(_ event: ContainerEvent) {
        guard let file = try? OwnedDescriptor.open(path, O_WRONLY | O_CREAT | O_APPEND, mode: 0o600) else { return }
        let line = event.encoded() + [0x0a]
        guard write(file.raw, line, line.count) == line.count else { return }
        var status = stat()
        // Two who find it full at once lay it aside twice, and lose what is older than that.
        if fstat(file.raw, &status) == 0, status.st_size > EventLog.limit { rename(path, path + ".1") }
    }

    /// All that are kept, oldest first.
    package func events() -> [ContainerEvent] {
        EventLog.parse((try? File.readIfPresent(path + ".1")) ?? [])
            + EventLog.parse((try? File.readIfPresent(path)) ?? [])
    }

    /// A line that is half written, or nobody's, is passed over.
    package static func parse(_ text: [UInt8]?) -> [ContainerEvent] {
        (text ?? []).split(separator: 0x0a).compactMap { try? ContainerEvent(parsing: $0) }
    }
}

/// Reads events as they come.
package final class EventFollower {
    private let log: EventLog
    private var file: Int32
    private var rest: [UInt8] = []

    package init(_ log: EventLog) {
        self.log = log
        file = -1
        open(atEnd: true)
    }

    deinit { if file >= 0 { close(file) } }

    private func open(atEnd: Bool) {
        file = (try? File.openRaw(log.path, O_RDONLY, mode: 0)) ?? -1
        if atEnd, file >= 0 { lseek(file, 0, SEEK_END) }
    }

    /// What has come since the last call. The next file is begun once this one is read to its end.
    package func next() -> [ContainerEvent] {
        if file < 0 { open(atEnd: false) }
        guard file >= 0 else { return [] }
        rest += (try? readAll(file)) ?? []
        if isLaidAside {
            rest += (try? readAll(file)) ?? []
            close(file)
            open(atEnd: false)
            if file >= 0 { rest += (try? readAll(file)) ?? [] }
        }
        guard let end = rest.lastIndex(of: 0x0a) else { return [] }
        let whole = Array(rest[...end])
        rest.removeFirst(whole.count)
        return EventLog.parse(whole)
    }

    private var isLaidAside: Bool {
        guard let own = try? FileStatus(descriptor: file), let now = try? FileStatus.ifPresent(log.path) else {
            return false
        }
        return own.inode != now.inode
    }
}
