import LinuxKernel

/// A process that a plan started; the launcher is its parent and reaps it by its pidfd.
public struct LaunchedProcess: ~Copyable, Sendable {
    /// As the launcher sees it.
    public let pid: Int32
    public let pidfd: OwnedDescriptor
    /// The master side of its terminal, where the specification asks for one.
    public var terminal: OwnedDescriptor?
    /// Why the process is not in the cgroup that the options name; nil where it is.
    public let cgroupRefusal: SyscallError?

    /// Gives the descriptors away; the caller closes them. The terminal's is -1 where there is none.
    public consuming func release() -> (pid: Int32, pidfd: Int32, terminal: Int32) {
        let pid = self.pid
        let terminal = self.terminal.take()?.release() ?? -1
        return (pid, pidfd.release(), terminal)
    }
}
