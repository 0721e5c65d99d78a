import Glibc
import LinuxKernel

/// A cgroup's `memory.events`, held open. A scope of systemd's is gone as soon as it is empty, and what it has counted with
/// it, so an OOM kill in one has to be seen when it happens; other cgroups are asked at the end.
public final class MemoryEvents {
    /// For poll(2), POLLPRI.
    public let descriptor: Int32
    /// An OOM killer has taken a process.
    public private(set) var hasKilled: Bool = false
    private let vanishes: Bool

    package init?(cgroup: String) {
        guard let file = try? OwnedDescriptor.open(cgroup + "/memory.events", O_RDONLY) else { return nil }
        descriptor = file.release()
        vanishes = cgroup.hasSuffix(".scope")
        look()
    }

    deinit { close(descriptor) }

    /// To be looked at whenever it changes: at a limit, up to a hundred times a second.
    public var isWatched: Bool { vanishes && !hasKilled }

    /// Reads it. After the cgroup's end what was seen before counts.
    public func look() {
        var text = [UInt8](repeating: 0, count: 512)
        let got = pread(descriptor, &text, text.count, 0)
        guard got > 0 else { return }
        for line in text.prefix(got).split(separator: 0x0a) where line.starts(with: "oom_kill ".utf8) {
            if line.dropFirst("oom_kill ".utf8.count) != [0x30] { hasKilled = true }
        }
    }
}
