import LinuxKernel

/// Where a container stands. Derived from what the kernel says about its process, never read from a file.
public enum ContainerStatus: Equatable, Sendable {
    /// Made and never started.
    case created
    /// `pid` is the host's.
    case running(pid: Int32, since: Timestamp)
    /// Its cgroup is frozen.
    case paused(pid: Int32, since: Timestamp)
    /// Its process has been told to end and has not yet.
    case stopping(pid: Int32, since: Timestamp)
    case exited(code: Int32, at: Timestamp)
    case removing

    /// podman's word: `created`, `running`, `paused`, `stopping`, `exited`, `removing`.
    public var name: String {
        switch self {
        case .created: "created"
        case .running: "running"
        case .paused: "paused"
        case .stopping: "stopping"
        case .exited: "exited"
        case .removing: "removing"
        }
    }

    /// The process of the container, where one lives.
    public var pid: Int32? {
        switch self {
        case .running(let pid, _), .paused(let pid, _), .stopping(let pid, _): pid
        case .created, .exited, .removing: nil
        }
    }

    /// A paused one runs, too: its processes are there.
    public var isRunning: Bool { pid != nil }

    public var isPaused: Bool { if case .paused = self { true } else { false } }
}

/// How a process ended: with a code, or killed by a signal.
public typealias ExitStatus = LinuxKernel.ExitStatus

/// What `wait` waits for.
public enum WaitCondition: String, Equatable, Sendable, CaseIterable {
    case created, running, paused, stopping, exited, removing
    /// podman's other word for `exited`, and its default.
    case stopped
}
