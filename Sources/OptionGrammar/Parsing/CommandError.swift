/// A failure as the user sees it: one line on stderr and an exit code. The only error type above the engine.
package struct CommandError: Error, Equatable, CustomStringConvertible {
    /// Without the leading `Error: `.
    package let message: String
    package let exitCode: Int32

    package init(_ message: String, exitCode: Int32 = 125) {
        self.message = message
        self.exitCode = exitCode
    }

    package var description: String { message }
}

/// `--help` was met while parsing: not a failure, but the end of parsing all the same.
package struct HelpRequested: Error {
    package init() {}
}
