import CShims
import Glibc

/// How a process ended.
public enum ExitStatus: Equatable, Sendable {
    case exited(Int32)
    /// Killed by that signal.
    case signaled(Int32)

    /// As shells and podman count: the code, or 128 + signal.
    public var code: Int32 {
        switch self {
        case .exited(let code): code
        case .signaled(let signal): 128 + signal
        }
    }
}

/// A process as records name it: a pid may be used again, a pid and a start time are not.
public struct ProcessIdentity: Equatable, Hashable, Sendable {
    public var pid: Int32
    /// Clock ticks since the machine's start, field 22 of /proc/PID/stat.
    public var startTime: UInt64

    public init(pid: Int32, startTime: UInt64) {
        self.pid = pid
        self.startTime = startTime
    }

    /// The process that has this pid now; nil where there is none or it is a zombie.
    public init?(runningAs pid: Int32) {
        guard let stat = ProcessStat(pid: pid), !stat.isDead else { return nil }
        self.init(pid: pid, startTime: stat.startTime)
    }

    /// Whether that very process still runs; a zombie does not.
    public var isRunning: Bool { ProcessIdentity(runningAs: pid) == self }
}

/// What /proc/PID/stat says.
public struct ProcessStat: Equatable, Sendable {
    /// One letter: R, S, D, Z, T, X ….
    public var state: UInt8
    public var parent: Int32
    public var startTime: UInt64
    /// It, or a process that it was forked from since, has executed a program: not PF_FORKNOEXEC.
    public var hasExecuted: Bool

    /// Ended, whether reaped or not.
    public var isDead: Bool { state == UInt8(ascii: "Z") || state == UInt8(ascii: "X") }

    /// nil where no such process exists.
    public init?(pid: Int32) {
        guard let text = try? File.read("/proc/\(pid)/stat", limit: 4096) else { return nil }
        self.init(parsing: text)
    }

    /// The second field is a name in parentheses that may itself hold parentheses and spaces: count after the last.
    package init?(parsing text: [UInt8]) {
        guard let end = text.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = text[(end + 1)...].split(whereSeparator: { $0 == 0x20 || $0 == 0x0a })
        guard fields.count > 19, let state = fields[0].first,
            let parent = Int32(String(decoding: fields[1], as: UTF8.self)),
            let startTime = UInt64(String(decoding: fields[19], as: UTF8.self)),
            let flags = UInt64(String(decoding: fields[6], as: UTF8.self))
        else { return nil }
        self.state = state
        self.parent = parent
        self.startTime = startTime
        hasExecuted = flags & 0x40 == 0
    }
}

/// pidfds: a process that cannot be mistaken for its pid's next owner.
public enum ProcessDescriptor {
    /// pidfd_open(2); ESRCH where the process is gone.
    public static func open(_ pid: Int32) throws(SyscallError) -> OwnedDescriptor {
        OwnedDescriptor(adopting: try check("pidfd_open", "\(pid)") { swiftpod_pidfd_open(pid) })
    }

    /// A pidfd of exactly that process; nil where it has ended or the pid has a new owner.
    public static func open(_ identity: ProcessIdentity) throws(SyscallError) -> OwnedDescriptor? {
        do {
            let descriptor = try open(identity.pid)
            // The order matters: the descriptor pins the process, then we make sure that it is the one we mean.
            return identity.isRunning ? consume descriptor : nil
        } catch  where error.errno == ESRCH {
            return nil
        }
    }

    /// pidfd_send_signal(2); ESRCH where the process is gone.
    public static func signal(_ pidfd: Int32, _ signal: Int32) throws(SyscallError) {
        try check("pidfd_send_signal", "\(signal)") { swiftpod_pidfd_send_signal(pidfd, signal) }
    }

    /// Waits for a child of ours and reaps it.
    public static func wait(_ pidfd: Int32) throws(SyscallError) -> ExitStatus {
        var result = swiftpod_exit()
        try check("waitid") { swiftpod_wait_pidfd(pidfd, 0, &result) }
        return result.code == 1 ? .exited(result.status) : .signaled(result.status)
    }

    /// Reaps a child of ours if it has ended; nil while it runs.
    public static func reapIfEnded(_ pidfd: Int32) throws(SyscallError) -> ExitStatus? {
        var result = swiftpod_exit()
        try check("waitid") { swiftpod_wait_pidfd(pidfd, WNOHANG, &result) }
        if result.pid == 0 { return nil }
        return result.code == 1 ? .exited(result.status) : .signaled(result.status)
    }

    /// Waits until any process, a child or not, has ended; false at the time limit (milliseconds, -1 for none).
    public static func waitForEnd(_ pidfd: Int32, milliseconds: Int32 = -1) throws(SyscallError) -> Bool {
        var poll = pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0)
        return try check("poll", "pidfd") { Glibc.poll(&poll, 1, milliseconds) } > 0
    }
}

/// fork(2) for a program without threads: 0 in the child, the child's pid in the parent.
public func forkSingleThreaded() throws(SyscallError) -> Int32 {
    try check("fork") { swiftpod_fork() }
}
