import CShims
import Glibc
import LinuxKernel

/// Starts what a plan describes and returns when its command has been executed (with a start socket: when it could be).
///
/// `work` is done at the moments that the options named, while the process waits; its pid is the launcher's view of it.
/// A failure, the work's too, leaves no process behind. Throws ``LaunchError`` and whatever the work throws.
/// `listener` is called with the descriptor of a system call filter that asks somebody else, and the pid.
public func launch(
    _ plan: LaunchPlan, work: (LaunchMoment, Int32) throws -> Void = { _, _ in },
    listener: (Int32, Int32) throws -> Void = { _, _ in }
) throws -> LaunchedProcess {
    var launcher: Launcher
    do throws(SyscallError) {
        launcher = try Launcher.begin(plan)
    } catch {
        throw LaunchError(error)
    }
    return try launcher.run(work, listener)
}

private struct Launcher: ~Copyable {
    private let plan: LaunchPlan
    private let program: Program
    private let channel: OwnedDescriptor
    /// The child, or what the first child cloned: ends with the launch unless it succeeds.
    private var pid: Int32
    private var pidfd: Int32
    /// What the first child cloned has taken its place.
    private var isAdopted = false
    private var terminal: Int32 = -1
    private var cgroupRefusal: SyscallError?

    private init(
        _ plan: LaunchPlan, _ program: consuming Program, _ channel: consuming OwnedDescriptor,
        _ child: (pid: Int32, pidfd: Int32), _ cgroupRefusal: SyscallError?
    ) {
        self.plan = plan
        self.program = program
        self.channel = channel
        (pid, pidfd) = child
        self.cgroupRefusal = cgroupRefusal
    }

    /// Opens what the child inherits and clones it.
    static func begin(_ plan: LaunchPlan) throws(SyscallError) -> Launcher {
        StartTrace.enter(.clone)
        let program = Program(plan)
        program.describe(plan)
        let opened = try program.open(plan.inherited)
        defer { for descriptor in opened { close(descriptor) } }
        let sequencedPackets: Int32 = 5
        let (ours, theirs) = try OwnedDescriptor.socketPair(type: sequencedPackets).release()
        let channel = OwnedDescriptor(adopting: ours)
        defer { close(theirs) }
        var refusal: SyscallError?
        let child: (pid: Int32, pidfd: Int32)
        do throws(SyscallError) {
            child = try program.launch(plan.cloned, cgroup: plan.cgroup ?? -1, ends: (theirs, ours))
        } catch  where plan.cgroup != nil && !plan.requiresCgroup {
            // Not delegated, threaded, or removed meanwhile: better outside than not at all.
            refusal = error
            child = try program.launch(plan.cloned, cgroup: -1, ends: (theirs, ours))
        }
        StartTrace.enter(.steps)
        return Launcher(plan, program, channel, child, refusal)
    }

    mutating func run(
        _ work: (LaunchMoment, Int32) throws -> Void, _ listener: (Int32, Int32) throws -> Void
    ) throws -> LaunchedProcess {
        do {
            if !plan.isStaged { try complete(work) }
            try follow(work, listener)
            StartTrace.enter(.running)
        } catch {
            abandon()
            throw error
        }
        return LaunchedProcess(
            pid: pid, pidfd: OwnedDescriptor(adopting: pidfd),
            terminal: terminal >= 0 ? OwnedDescriptor(adopting: terminal) : nil, cgroupRefusal: cgroupRefusal)
    }

    /// The namespaces stand: maps, the caller's work, and on.
    private func complete(_ work: (LaunchMoment, Int32) throws -> Void) throws {
        guard plan.awaitsLauncher else { return }
        if let maps = plan.maps {
            do throws(SyscallError) {
                try IDMaps.write(pid: pid, uid: maps.uid, gid: maps.gid, denySetgroups: maps.denySetgroups)
            } catch {
                throw LaunchError(error)
            }
        }
        for call in plan.calls {
            do throws(SyscallError) {
                try call.perform(for: pid)
            } catch {
                throw LaunchError(step: call.purpose, errno: error.errno)
            }
        }
        plan.gift?.give()
        if plan.moments.contains(.created) { try work(.created, pid) }
        try goOn()
    }

    private func goOn() throws(LaunchError) {
        // A child that is gone is found by what it left in the channel.
        if swiftpod_go_on(channel.raw) != 0, errno != EPIPE, errno != ECONNRESET {
            throw LaunchError(SyscallError("send"))
        }
    }

    private mutating func follow(
        _ work: (LaunchMoment, Int32) throws -> Void, _ listener: (Int32, Int32) throws -> Void
    ) throws {
        var isStarting = false
        while true {
            var report = swiftpod_report()
            var descriptor: Int32 = -1
            let got: Int32
            do throws(SyscallError) {
                got = try check("recvmsg") { swiftpod_receive_report(channel.raw, &report, &descriptor) }
            } catch {
                throw LaunchError(error)
            }
            if got == 0 {
                if isStarting { return }
                throw died()
            }
            switch report.kind {
            case UInt32(SWIFTPOD_FAILED): throw plan.failure(report, in: program)
            case UInt32(SWIFTPOD_MOMENT):
                if let moment = LaunchMoment(rawValue: UInt32(report.value)) { try work(moment, pid) }
                try goOn()
            case UInt32(SWIFTPOD_CLONED), UInt32(SWIFTPOD_CLONED_OUTSIDE):
                try adopt(report.value)
                if report.kind == UInt32(SWIFTPOD_CLONED_OUTSIDE) {
                    let refusal = SyscallError("clone3", "cgroup", errno: EACCES)
                    if plan.requiresCgroup { throw LaunchError(refusal) }
                    cgroupRefusal = refusal
                }
                try complete(work)
            case UInt32(SWIFTPOD_TERMINAL): terminal = descriptor
            case UInt32(SWIFTPOD_LISTENER):
                let owned = OwnedDescriptor(adopting: descriptor)
                try listener(owned.raw, pid)
            case UInt32(SWIFTPOD_STARTING):
                isStarting = true
                if plan.startsLater { return }
            default: break
            }
        }
    }

    /// The first child has cloned the process that counts, a child of ours too, and ends.
    private mutating func adopt(_ sibling: Int32) throws(LaunchError) {
        do throws(SyscallError) {
            let descriptor = try ProcessDescriptor.open(sibling).release()
            _ = try? ProcessDescriptor.wait(pidfd)
            close(pidfd)
            (pid, pidfd) = (sibling, descriptor)
            isAdopted = true
        } catch {
            throw LaunchError(error)
        }
    }

    /// What the first child cloned may have failed, and said so, before that one came to say that it has cloned it. It
    /// is a child of ours, too.
    private mutating func meetSibling() {
        // Whoever waits for the launcher ends.
        shutdown(channel.raw, Int32(SHUT_WR))
        var report = swiftpod_report()
        var descriptor: Int32 = -1
        while swiftpod_receive_report(channel.raw, &report, &descriptor) > 0 {
            if descriptor >= 0 { close(descriptor) }
            descriptor = -1
            let kind = report.kind
            guard kind == UInt32(SWIFTPOD_CLONED) || kind == UInt32(SWIFTPOD_CLONED_OUTSIDE) else { continue }
            try? adopt(report.value)
            return
        }
    }

    private func died() -> LaunchError {
        let status = try? ProcessDescriptor.wait(pidfd)
        let how =
            switch status {
            case .signaled(let signal): "killed by signal \(signal)"
            default: "gone"
            }
        return LaunchError(step: "start the command: the process was \(how) before", errno: 0)
    }

    private mutating func abandon() {
        if plan.isStaged, !isAdopted { meetSibling() }
        try? ProcessDescriptor.signal(pidfd, SIGKILL)
        _ = try? ProcessDescriptor.wait(pidfd)
        close(pidfd)
        if terminal >= 0 { close(terminal) }
    }
}

extension LaunchError {
    /// The exec failed: what shells call 127 and 126.
    init(executing step: String, errno: Int32) {
        let isMissing = errno == ENOENT || errno == ENOTDIR
        self.init(step: step, errno: errno, isCommandNotFound: isMissing, isCannotInvoke: !isMissing)
    }
}

extension LaunchPlan.Gift {
    func give() {
        for descriptor in descriptors where (try? FileStatus(descriptor: descriptor).kind) == .fifo {
            // A courtesy: what cannot be given stays as it is.
            _ = fchown(descriptor, uid, gid_t.max)
        }
    }
}

extension LaunchPlan {
    /// The step that failed, in words. `name`: of a command that was told.
    func failure(
        _ report: swiftpod_report, in program: borrowing Program, executing name: String? = nil
    ) -> LaunchError {
        let step = steps[program.origin(of: Int(report.index))]
        switch step.action {
        case .execute(let command), .probe(let command), .executeGuarded(let command, _, _):
            let words = name.map { "execute \($0)" } ?? Step.Action.execute(command).description
            return LaunchError(executing: words, errno: report.value)
        default:
            // The first line of the kernel's log, without its level: `e overlay: …`.
            let text = withUnsafeBytes(of: report.text) {
                String(decoding: $0.prefix { $0 != 0 && $0 != 0x0a }, as: UTF8.self)
            }
            return LaunchError(
                step: step.action.description, errno: report.value,
                detail: text.count > 2 ? String(text.dropFirst(2)) : nil)
        }
    }

    var awaitsLauncher: Bool { steps.contains { $0.action == .awaitLauncher } }

    /// What runs in the end is not the first child but a sibling that it clones.
    var isStaged: Bool {
        steps.contains {
            if case .cloneSibling = $0.action { return true }
            return false
        }
    }

    /// The command starts when somebody connects to the start socket.
    var startsLater: Bool {
        steps.contains {
            if case .acceptStarter = $0.action { return true }
            return false
        }
    }
}

/// Starts the command of a launch that waits at its start socket. Throws what went wrong with its exec.
///
/// `listener` is called with the descriptor of a system call filter that asks somebody else.
public func startPrepared(
    socket path: String, command: String, listener: (Int32) throws -> Void = { _ in }
) throws {
    do {
        let socket = OwnedDescriptor(adopting: try check("connect", path) { swiftpod_connect(path) })
        try socket.writeAll([0])
        while true {
            var report = swiftpod_report()
            var descriptor: Int32 = -1
            let got = try check("recvmsg", path) { swiftpod_receive_report(socket.raw, &report, &descriptor) }
            if got == 0 { return }
            if report.kind == UInt32(SWIFTPOD_LISTENER) {
                let owned = OwnedDescriptor(adopting: descriptor)
                try listener(owned.raw)
            }
            if report.kind == UInt32(SWIFTPOD_FAILED) {
                throw SyscallError("execute", command, errno: report.value)
            }
        }
    } catch let error as SyscallError where error.call == "execute" {
        throw LaunchError(executing: "execute \(command)", errno: error.errno)
    } catch let error as SyscallError {
        throw LaunchError(error)
    }
}
