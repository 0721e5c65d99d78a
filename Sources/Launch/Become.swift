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
