import Glibc

/// A system call that failed: which one, on what, and why.
public struct SyscallError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The call's name as in section 2 of the manual, for instance `openat2`.
    public let call: String
    /// What it was applied to: a path, a descriptor's meaning, an option. May be empty.
    public let subject: String
    /// The error number, `errno(3)`.
    public let errno: Int32

    public init(_ call: String, _ subject: String = "", errno: Int32 = Glibc.errno) {
        self.call = call
        self.subject = subject
        self.errno = errno
    }

    /// `call subject: reason`, in lower case as all of our messages.
    public var description: String {
        let what = subject.isEmpty ? call : "\(call) \(subject)"
        return "\(what): \(SyscallError.reason(errno))"
    }

    /// The error number in words, lower case: `no such file or directory`.
    public static func reason(_ errno: Int32) -> String {
        var text = String(cString: strerror(errno))
        if let first = text.first, first.isUppercase, !text.dropFirst().prefix(1).contains(where: \.isUppercase) {
            text = first.lowercased() + text.dropFirst()
        }
        return text
    }
}

/// Repeats a call while it is interrupted and turns -1 into an error.
@discardableResult
package func check<R: SignedInteger>(
    _ call: @autoclosure () -> String, _ subject: @autoclosure () -> String = "", _ body: () -> R
) throws(SyscallError) -> R {
    while true {
        let result = body()
        if result != -1 { return result }
        let code = Glibc.errno
        if code == EINTR { continue }
        throw SyscallError(call(), subject(), errno: code)
    }
}
