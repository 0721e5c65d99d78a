import Glibc
import LinuxKernel

/// A launch that failed: at which step, and why.
public struct LaunchError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The step in words, as the plan prints it: `mount proc on /proc`.
    public let step: String
    public let errno: Int32
    /// The step was to execute the command, and it was not there: exit code 127.
    public let isCommandNotFound: Bool
    /// The step was to execute the command, and it cannot be executed: exit code 126.
    public let isCannotInvoke: Bool
    /// What the kernel adds about a file system that it would not mount: `overlay: …`.
    public let detail: String?

    public init(
        step: String, errno: Int32, detail: String? = nil, isCommandNotFound: Bool = false,
        isCannotInvoke: Bool = false
    ) {
        self.step = step
        self.errno = errno
        self.detail = detail
        self.isCommandNotFound = isCommandNotFound
        self.isCannotInvoke = isCannotInvoke
    }

    init(_ error: SyscallError) {
        self.init(step: error.subject.isEmpty ? error.call : "\(error.call) \(error.subject)", errno: error.errno)
    }

    public var description: String {
        if errno == 0 { return step }
        return "\(step): \(SyscallError.reason(errno))\(detail.map { " (\($0))" } ?? "")"
    }
}

/// A specification that cannot be made into a plan. Nothing has been touched.
public struct PlanError: Error, Equatable, Sendable, CustomStringConvertible {
    /// One line, lower case.
    public let description: String

    public init(_ description: String) {
        self.description = description
    }
}
