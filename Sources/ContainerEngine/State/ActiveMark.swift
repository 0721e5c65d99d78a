import Glibc
import LinuxKernel

/// A name in `<data>/active`: this process is doing something to that container which must be cleaned up after when the
/// process dies. All names of dead processes together are what a killed command can have left behind, so that the next
/// command reads one directory, which is empty when nothing runs.
package struct ActiveMark: Equatable, Sendable {
    package var owner: ProcessIdentity
    package var container: String

    package init(owner: ProcessIdentity, container: String) {
        self.owner = owner
        self.container = container
    }

    /// nil for a name that is no mark.
    package init?(name: String) {
        let parts = name.split(separator: ".")
        guard parts.count == 3, let pid = Int32(parts[0]), pid > 0, let start = UInt64(parts[1]),
            ContainerID.isWhole(String(parts[2]))
        else { return nil }
        self.init(owner: ProcessIdentity(pid: pid, startTime: start), container: String(parts[2]))
    }

    package var name: String { "\(owner.pid).\(owner.startTime).\(container)" }

    /// Before anything else that is done to the container. A mark that is there already is enough.
    package func set(in layout: DataLayout) throws(EngineError) {
        if mknod("\(layout.active)/\(name)", S_IFREG | 0o600, 0) == 0 || errno == EEXIST { return }
        throw EngineError(.failed, "mark container: \(SyscallError("mknod", layout.active))")
    }

    /// After everything else.
    package func clear(in layout: DataLayout) {
        unlink("\(layout.active)/\(name)")
    }

    /// The marks whose process is dead.
    ///
    /// Whether a pid is in use at all is a matter of a microsecond. That it is used by the same process still takes a
    /// file of /proc, and is looked at for as many as `checking` says, others each time: what a new owner of a pid, or
    /// a zombie, hides now is found by a later look.
    ///
    /// - Parameter glancing: for a start, which is to take no longer beside a thousand others. Where there are many marks,
    ///   it reads the first of them, and all when its turn comes, which is every eighth time.
    package static func orphaned(in layout: DataLayout, glancing: Bool = false, checking: Int = 16) -> [ActiveMark] {
        let count = glancing && getpid() % 8 != 0 ? 64 : .max
        let entries = (try? Directory.entries(at: layout.active, count: count)) ?? []
        if entries.isEmpty { return [] }
        let first = checking < entries.count ? Int(getpid()) % entries.count : 0
        var orphans: [ActiveMark] = []
        for (index, entry) in entries.enumerated() {
            // The number alone first: with a thousand containers, reading the names whole would double a start's time.
            let isDead = Glibc.kill(leadingNumber(entry.bytes), 0) != 0 && errno == ESRCH
            let turn = (index - first + entries.count) % entries.count
            guard isDead || turn < checking, let mark = ActiveMark(name: entry.name) else { continue }
            if isDead || !mark.owner.isRunning { orphans.append(mark) }
        }
        return orphans
    }

    /// The pid that a mark begins with; 0, this process's own group, for what is no mark.
    private static func leadingNumber(_ name: [CChar]) -> Int32 {
        var number: Int32 = 0
        for byte in name {
            guard byte >= 0x30, byte <= 0x39 else { break }
            let (tens, isTooLarge) = number.multipliedReportingOverflow(by: 10)
            let (next, isOver) = tens.addingReportingOverflow(Int32(byte) - 0x30)
            if isTooLarge || isOver { return 0 }
            number = next
        }
        return number
    }
}
