/// The caller's ends of a container's streams, plain descriptors that stay the caller's.
public struct AttachedStreams: Equatable, Sendable {
    /// nil: the container reads end of file.
    public var stdin: Int32?
    /// nil: what the container writes goes to its log alone.
    public var stdout: Int32?
    public var stderr: Int32?
    /// A terminal whose size the container's terminal follows. Its mode is the caller's business.
    public var terminal: Int32?
    /// `--sig-proxy`: signals that reach this process go to the container.
    public var signalProxy: Bool = true
    /// What is typed on `stdin` to leave the container to itself, at most 32 bytes; empty for never. With a terminal
    /// only, and only where this process is one that may leave: see ``Engine/run(_:io:onCreate:onDetach:)``.
    public var detachKeys: [UInt8] = []

    public init(stdin: Int32? = 0, stdout: Int32? = 1, stderr: Int32? = 2, terminal: Int32? = nil) {
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.terminal = terminal
    }
}
