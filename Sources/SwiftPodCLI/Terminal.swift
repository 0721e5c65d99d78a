import OptionGrammar
import ContainerEngine
import Glibc
import LinuxKernel

/// The caller's terminal in raw mode: what is typed goes to the container's terminal, which does the rest. Its old mode
/// comes back when this object goes, at exit(3), and when a signal ends the process.
final class RawTerminal {
    /// nil where the descriptor is no terminal.
    init?(_ descriptor: Int32) {
        guard tcgetattr(descriptor, &savedMode) == 0 else { return nil }
        savedDescriptor = descriptor
        var raw = savedMode
        cfmakeraw(&raw)
        if !hasExitHandler {
            atexit(restoreTerminal)
            hasExitHandler = true
        }
        for signal in [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGABRT, SIGSEGV, SIGILL, SIGTRAP, SIGBUS] {
            var old = sigaction()
            sigaction(signal, nil, &old)
            // What the caller has set to be ignored stays ignored.
            if unsafeBitCast(old.__sigaction_handler.sa_handler, to: Int.self) != 0 { continue }
            var new = sigaction()
            new.__sigaction_handler.sa_handler = restoreAndDie
            sigaction(signal, &new, nil)
        }
        tcsetattr(descriptor, TCSANOW, &raw)
    }

    deinit { restoreTerminal() }
}

// Written before the handlers that read them are installed, by the only thread there is.
nonisolated(unsafe) private var savedMode = termios()
nonisolated(unsafe) private var savedDescriptor: Int32 = -1
nonisolated(unsafe) private var hasExitHandler = false

/// tcsetattr(3) is one ioctl(2), which a signal handler may call.
@_cdecl("swiftpod_restore_terminal")
func restoreTerminal() {
    let descriptor = savedDescriptor
    if descriptor < 0 { return }
    savedDescriptor = -1
    // A process in the background that set the mode would be stopped by SIGTTOU.
    signal(SIGTTOU, SIG_IGN)
    tcsetattr(descriptor, TCSANOW, &savedMode)
    signal(SIGTTOU, SIG_DFL)
}

@_cdecl("swiftpod_restore_and_die")
private func restoreAndDie(_ number: Int32) {
    restoreTerminal()
    signal(number, SIG_DFL)
    raise(number)
}

extension AttachedStreams {
    /// The caller's streams, as far as they are attached, with its terminal where the container gets one.
    static func callers(
        _ streams: RunRequest.Streams, tty: Bool, signalProxy: Bool
    ) -> AttachedStreams {
        var io = AttachedStreams(
            stdin: streams.contains(.stdin) ? 0 : nil, stdout: streams.contains(.stdout) ? 1 : nil,
            stderr: streams.contains(.stderr) ? 2 : nil)
        io.signalProxy = signalProxy
        if tty {
            // The size comes from the input's terminal, as podman has it, or from the output's.
            io.terminal = isatty(0) == 1 ? 0 : isatty(1) == 1 ? 1 : nil
        }
        return io
    }
}

/// Runs with the caller's terminal as it has to be for these streams, from the moment that `body` calls its argument:
/// before that, while an image is pulled perhaps, an interrupt is still one.
func withTerminal<Result>(
    _ io: AttachedStreams, tty: Bool, warn: @escaping (String) -> Void,
    _ body: (() -> Void) throws(EngineError) -> Result
) throws(EngineError) -> Result {
    guard tty, io.stdin != nil else { return try body({}) }
    var raw: RawTerminal?
    defer { withExtendedLifetime(raw) {} }
    return try body {
        raw = RawTerminal(0)
        if raw == nil { warn("the input device is not a TTY: --tty and --interactive might not work properly") }
    }
}
