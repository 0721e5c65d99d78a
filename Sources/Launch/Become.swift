import CShims
import Glibc
import LinuxKernel

/// Performs a plan that was made with ``LaunchOptions/inPlace`` in this process, which must have a single thread.
///
/// Returns at the end of a sandbox's plan: this process is then in the container, as the container's user, and has only
/// the descriptors that it had before. A plan with a command never returns but by throwing, and the process keeps its
/// pid, parent and process group. What has failed half-way leaves the process where nothing else can be done than to say so
/// and to end: its own descriptors are still what they were, apart from 0 to 2 where the last steps have placed them.
public func become(_ plan: LaunchPlan) throws(LaunchError) {
    precondition(plan.isInPlace, "a plan for a child")
    let program = Program(plan)
    do throws(SyscallError) {
        try program.open(plan.inherited)
        plan.gift?.give()
    } catch {
        throw LaunchError(error)
    }
    guard let report = program.become() else { return }
    throw plan.failure(report, in: program)
}

/// What became of a command that was told, where it did not become this process.
public struct ToldFailure {
    /// The words that were told; nil where nothing was.
    public var arguments: [String]?
    /// `NAME=value`, as told.
    public var environment: [String] = []
    /// What went wrong, and where.
    public var error: LaunchError
}

/// Waits in a sandbox that this process has become until its command is told (``SandboxCommand/send(over:)``), and becomes
/// that. Returns only where that has failed, or nil: nobody will tell it any more.
///
/// - Parameters:
///   - plan: one made by `LaunchPlan.init(commandToldInSandboxOf:facts:options:)`.
///   - pagemap: this process's /proc/self/pagemap, or -1. By it the pages of this program are let go of that are in files as
///     well: they are memory that waits, and the exec would have to unmap them. It is closed.
///   - ready: called when nothing is left to do but to wait.
public func become(
    _ plan: LaunchPlan, toldOver socket: Int32, pagemap: Int32, whenReady ready: () -> Void
) -> ToldFailure? {
    precondition(plan.told.count == 3, "a plan whose command is not told")
    let program = Program(plan)
    do throws(SyscallError) {
        try program.open(plan.inherited)
    } catch {
        return ToldFailure(error: LaunchError(error))
    }
    var command = swiftpod_command()
    ready()
    swiftpod_forget_clean_pages(pagemap)
    guard let report = program.become(toldOver: socket, streams: plan.told.map(\.index), &command) else { return nil }
    guard let words = command.arguments, let variables = command.environment else {
        return ToldFailure(error: LaunchError(step: "wait for a command", errno: report.value))
    }
    func texts(_ list: UnsafePointer<UnsafeMutablePointer<CChar>?>) -> [String] {
        var texts: [String] = []
        while let text = list[texts.count] { texts.append(String(cString: text)) }
        return texts
    }
    let arguments = texts(words)
    return ToldFailure(
        arguments: arguments, environment: texts(variables),
        error: plan.failure(report, in: program, executing: arguments.first))
}
