import ContainerEngine
import Glibc
import LinuxKernel
import OCISpec

/// A process that the launcher has forked.
final class Child {
    let number: Int
    let pid: Int32
    let pidfd: Int32
    /// Where it tells how far it has come; -1 once it has been executed or has ended.
    var report: Int32
    /// A sandbox's: where it is told what it is to run.
    var control: Int32 = -1
    var role: Role
    /// What it has told, in lines not complete yet.
    var pending: [UInt8] = []
    var container: String?
    var outcome: Outcome?
    /// A running worker's, where its memory is limited.
    var memory: MemoryEvents?

    enum Role {
        /// Works for a request and has a result.
        case job(request: Int)
        case starting(request: Int)
        case worker
        /// A sandbox that is being made, or waits.
        case sandbox(pool: Int)
        case cleaner

        /// What works on the store is left to finish, as any command would be.
        var endsWithProgram: Bool {
            if case .cleaner = self { false } else { true }
        }
    }

    enum Outcome {
        case result(JSON)
        case fault(WorkerFault)
    }

    init(number: Int, pid: Int32, pidfd: Int32, report: Int32, control: Int32, role: Role) {
        self.number = number
        self.pid = pid
        self.pidfd = pidfd
        self.report = report
        self.control = control
        self.role = role
    }

    var isWorker: Bool {
        switch role {
        case .worker, .starting: true
        default: false
        }
    }

    /// A sandbox that has been told its command, and has not executed it yet.
    var isTaken: Bool {
        if case .starting = role { control >= 0 } else { false }
    }

    var descriptors: [Int32] { [pidfd, report, control, memory?.descriptor ?? -1].filter { $0 >= 0 } }

    /// It has not been reaped, so that its pid, and its group's number, are its own.
    func send(_ signal: Int32, toGroup: Bool) {
        // One that leads no group yet gets it alone.
        if toGroup, kill(-pid, signal) == 0 { return }
        kill(pid, signal)
    }

    func closeReport() {
        if report >= 0 { close(report) }
        report = -1
    }

    func closeControl() {
        if control >= 0 { close(control) }
        control = -1
    }
}

/// A child's end of its report: one JSON document a line. It is closed by the exec, which is how success is told.
struct ChildReport {
    let writer: Int32

    /// That of this process; the engine's warnings go to it. Written once, in a child, which has one thread.
    static let current = Box()

    final class Box: @unchecked Sendable {
        var value = ChildReport(writer: -1)
    }

    func tell(_ message: JSON) {
        if writer >= 0 { _ = try? writeAll(writer, message.encoded() + [0x0a]) }
    }

    func warn(_ text: String) { tell(["warning": .string(text)]) }
    func fail(_ error: any Error) { tell(JSON(members: ["fault": WorkerFault(error).json])) }
    func succeed(_ result: JSON) { tell(JSON(members: ["result": result])) }
}
