import OptionGrammar
import Glibc
import LinuxKernel

/// Nobody reads our stdout any more: no reason to say anything, and none to go on.
struct OutputClosed: Error {}

/// The program's stdout.
enum Output {
    static func write(_ text: String) throws {
        if text.isEmpty { return }
        var text = text
        do {
            try text.withUTF8 { try writeAll(1, $0) }
        } catch let error as SyscallError where error.errno == EPIPE {
            throw OutputClosed()
        } catch let error as SyscallError {
            throw CommandError("write stdout: \(SyscallError.reason(error.errno))")
        }
    }

    static func line(_ text: String) throws { try write(text + "\n") }

    static var isTerminal: Bool { isatty(1) == 1 }
}
