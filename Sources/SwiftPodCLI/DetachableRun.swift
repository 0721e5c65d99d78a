import CShims
import ContainerEngine
import Glibc
import LinuxKernel

/// A command that its user may leave by the detach keys while its work goes on.
///
/// The work is done by a child: the shell waits for this process, which must be able to end first. It is of the same
/// session and process group, so the terminal is its as well.
struct DetachableRun {
    private let report: Int32

    /// Forks, where somebody sits at a terminal and has keys to type. Returns in the child; the parent waits for it
    /// there, passes signals on, and ends as the child does, or with success once that has been left.
    /// - Returns: nil where nothing is to be left; then there is no fork.
    static func begin(keys: [UInt8], terminal descriptor: Int32 = 0) throws(SyscallError) -> DetachableRun? {
        guard !keys.isEmpty, isatty(descriptor) == 1 else { return nil }
        let pipe = try OwnedDescriptor.pipe()
        let reader = pipe.reader
        let writer = pipe.writer
        // What a child that is killed cannot put back.
        var mode = termios()
        tcgetattr(descriptor, &mode)
        let parent = getpid()
        let child = try forkSingleThreaded()
        if child == 0 {
            // As long as nobody has left it, the container ends with its command.
            _ = swiftpod_prctl(1 /* PR_SET_PDEATHSIG */, UInt(SIGKILL), 0, 0, 0)
            if getppid() != parent { _exit(125) }
            _ = consume reader
            return DetachableRun(report: writer.release())
        }
        _ = consume writer
        wait(for: child, reader.raw, &mode, descriptor)
    }

    /// The child has been left: its parent ends, and its own end is nobody's concern.
    func leave() {
        restoreTerminal()
        _ = swiftpod_prctl(1 /* PR_SET_PDEATHSIG */, 0, 0, 0, 0)
        _ = try? writeAll(report, [0])
        close(report)
    }

    private static func wait(for child: Int32, _ report: Int32, _ mode: inout termios, _ terminal: Int32) -> Never {
        waitedChild = child
        for number in [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGCONT, SIGALRM] {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = passOn
            sigaction(number, &action, nil)
        }
        // The terminal's own size reaches both.
        signal(SIGWINCH, SIG_DFL)
        var byte: UInt8 = 0
        var got = read(report, &byte, 1)
        while got < 0 && errno == EINTR { got = read(report, &byte, 1) }
        if got == 1 { _exit(0) }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0 && errno == EINTR {}
        let killer = status & 0x7F
        if killer == 0 { _exit(status >> 8 & 0xFF) }
        signal(SIGTTOU, SIG_IGN)
        tcsetattr(terminal, TCSANOW, &mode)
        _exit(128 + killer)
    }
}

// Written before the handler that reads it is installed, by the only thread there is.
nonisolated(unsafe) private var waitedChild: Int32 = -1

@_cdecl("swiftpod_pass_signal_on")
private func passOn(_ number: Int32) {
    Glibc.kill(waitedChild, number)
}
