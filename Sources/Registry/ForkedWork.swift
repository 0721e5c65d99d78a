import CShims
import Glibc
import LinuxKernel
import OCISpec

/// What a forked child has come back with instead of a result: the error as whoever called would tell the user.
package struct ForkedFailure: Error, CustomStringConvertible {
    package let message: String
    /// The command's exit status for it.
    package let exitCode: Int32

    package init(_ message: String, exitCode: Int32 = 125) {
        self.message = message
        self.exitCode = exitCode
    }

    package var description: String { message }
}

/// Runs work that starts threads in a child of its own, so that this process stays fit for namespaces and forks.
///
/// What the work returns or throws comes back as data over a pipe. The child dies with its parent.
/// - Parameter describe: puts the work's error into words, in the child.
package func inChild(
    describing describe: (any Error) -> ForkedFailure = { ForkedFailure("\($0)") }, _ work: () throws -> JSON
) throws -> JSON {
    var ends: [Int32] = [-1, -1]
    try check("pipe") { swiftpod_pipe(&ends) }
    let reader = OwnedDescriptor(adopting: ends[0])
    let writer = OwnedDescriptor(adopting: ends[1])
    let parent = getpid()
    let child = try forkSingleThreaded()
    if child == 0 {
        // Only this process's death can leave the child without a reader: what is half done then is resumable.
        _ = swiftpod_prctl(1 /* PR_SET_PDEATHSIG */, UInt(SIGKILL), 0, 0, 0)
        if getppid() != parent { _exit(125) }
        // Here is the only place that resolves names: the rest of the program reads the files itself.
        swiftpod_use_local_names()
        try? writer.writeAll(answer(describe, work).encoded())
        _exit(0)
    }
    // Closed here, so that the end of the child is the end of the pipe.
    _ = consume writer
    let bytes = try reader.readAll(limit: 1 << 20)
    var status: Int32 = 0
    try check("waitpid") { waitpid(child, &status, 0) }
    if let answer = try? JSON(parsing: bytes) {
        if let value = answer["value"] { return value }
        throw ForkedFailure(
            answer["message"]?.string ?? "", exitCode: Int32(clamping: answer["exitCode"]?.integer ?? 125))
    }
    // Killed half-way: as a shell says it.
    let signal = status & 0x7F
    throw ForkedFailure(
        signal == 0 ? "helper process ended without an answer" : "helper process was killed by signal \(signal)",
        exitCode: signal == 0 ? 125 : 128 + signal)
}

private func answer(_ describe: (any Error) -> ForkedFailure, _ work: () throws -> JSON) -> JSON {
    do {
        return JSON(members: ["value": try work()])
    } catch {
        let failure = describe(error)
        return JSON(members: [
            "message": .string(failure.message), "exitCode": .integer(Int64(failure.exitCode)),
        ])
    }
}
