import CShims
import ContainerEngine
import Glibc
import LinuxKernel
import OCISpec

extension LaunchServer {
    /// Forks a child for `body`, which becomes something else, or throws, or returns when its work is done.
    ///
    /// - Parameter body: gets the way to report, and a sandbox its end of the control socket, else -1.
    @discardableResult
    func start(
        _ role: Child.Role, _ body: (ChildReport, _ control: Int32) throws -> Void
    ) throws -> Child {
        let (reader, writer) = try OwnedDescriptor.pipe().release()
        var control: (ours: Int32, theirs: Int32) = (-1, -1)
        if case .sandbox = role {
            let (first, second) = try OwnedDescriptor.socketPair().release()
            control = (first, second)
        }
        let pid: Int32
        do throws(SyscallError) {
            pid = try forkSingleThreaded()
        } catch {
            for descriptor in [reader, writer, control.ours, control.theirs] where descriptor >= 0 { close(descriptor) }
            throw error
        }
        if pid == 0 {
            close(reader)
            if control.ours >= 0 { close(control.ours) }
            work(ChildReport(writer: writer), control.theirs, body)
        }
        close(writer)
        if control.theirs >= 0 { close(control.theirs) }
        let pidfd: Int32
        do throws(SyscallError) {
            pidfd = try ProcessDescriptor.open(pid).release()
        } catch {
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
            for descriptor in [reader, control.ours] where descriptor >= 0 { close(descriptor) }
            throw error
        }
        let child = Child(
            number: number(), pid: pid, pidfd: pidfd, report: reader, control: control.ours, role: role)
        children[child.number] = child
        return child
    }

    /// The child's side.
    private func work(_ report: ChildReport, _ control: Int32, _ body: (ChildReport, Int32) throws -> Void) -> Never {
        // Open in many children for long, these would hide the ends that others wait for.
        close(socket)
        for other in children.values { for descriptor in other.descriptors { close(descriptor) } }
        ChildReport.current.value = report
        _ = swiftpod_prctl(PR_SET_PDEATHSIG, UInt(SIGKILL), 0, 0, 0)
        guard getppid() == identity else { _exit(125) }
        do {
            try body(report, control)
            _exit(0)
        } catch {
            report.fail(error)
            _exit(125)
        }
    }

    // MARK: - What children tell

    func readReport(of child: Child) {
        guard child.report >= 0 else { return }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let got = read(child.report, &buffer, buffer.count)
        if got < 0, errno == EINTR { return }
        if got > 0 {
            child.pending += buffer.prefix(got)
            while let end = child.pending.firstIndex(of: 0x0a) {
                let line = Array(child.pending[..<end])
                child.pending.removeSubrange(...end)
                if let message = try? JSON(parsing: line) { take(message, from: child) }
            }
            return
        }
        child.closeReport()
        reportEnded(child)
    }

    private func take(_ message: JSON, from child: Child) {
        if let text = message["warning"]?.string {
            tell(JSON(members: ["event": "warning", "message": .string(text)]))
        } else if message["event"] != nil {
            tell(message)
        } else if let id = message["container"]?.string {
            child.container = id
        } else if let fault = message["fault"] {
            child.outcome = .fault((try? WorkerFault(json: fault)) ?? WorkerFault(code: "failed", message: "failed"))
        } else if let result = message["result"] {
            child.outcome = .result(result)
        } else if let ready = message["ready"], case .sandbox(let pool) = child.role {
            child.container = ready["container"]?.string
            let command = WorkerCommand(
                arguments: (try? ready.list("arguments")) ?? [], environment: (try? ready.list("environment")) ?? [])
            pools[pool]?.becameReady(child, command, self)
        }
    }

    /// A worker's report ends when it is executed, everybody's when it dies.
    private func reportEnded(_ child: Child) {
        switch child.role {
        case .starting(let request):
            child.role = .worker
            guard child.outcome == nil, let container = child.container else {
                child.closeControl()
                return refuse(request, fault(of: child, "start worker"))
            }
            tell([
                "event": "started", "worker": child.number.json, "pid": child.pid.json,
                "container": .string(container),
            ])
            answer(
                request,
                ["worker": child.number.json, "pid": child.pid.json, "container": .string(container)])
            // What nobody waits for comes last.
            child.memory = engine.memoryEvents(container)
            child.closeControl()
        case .job(let request):
            if case .result(let result) = child.outcome {
                tell(JSON(members: ["id": request.json, "ok": result]))
            } else {
                refuse(request, fault(of: child, "prepare"))
            }
        case .sandbox(let pool): pools[pool]?.failed(child, fault(of: child, "make sandbox"), self)
        case .worker, .cleaner: break
        }
    }

    private func fault(of child: Child, _ doing: String) -> WorkerFault {
        if case .fault(let fault) = child.outcome { return fault }
        return WorkerFault(code: "failed", message: "\(doing): the process was killed before it began")
    }

    /// A child that has ended: reaps it and says so.
    func reap(_ child: Child) {
        // Asked at once: who cleans up after it takes its cgroup away, which alone knows.
        child.memory?.look()
        let ranOutOfMemory =
            child.isWorker
            && (child.memory?.hasKilled ?? false || child.container.map(engine.ranOutOfMemory) ?? false)
        guard let status = (try? ProcessDescriptor.reapIfEnded(child.pidfd)) ?? nil else { return }
        // What it has told is read to its end first. Nobody else holds the pipe, but for a pull that outlives it.
        while child.report >= 0 {
            var wait = pollfd(fd: child.report, events: Int16(POLLIN), revents: 0)
            if poll(&wait, 1, 0) <= 0 {
                child.closeReport()
                reportEnded(child)
                break
            }
            readReport(of: child)
        }
        children[child.number] = nil
        child.closeControl()
        close(child.pidfd)
        switch child.role {
        case .worker where child.container != nil && child.outcome == nil:
            let (kind, value): (String, Int32) =
                switch status {
                case .exited(let code): ("exited", code)
                case .signaled(SIGKILL) where ranOutOfMemory: ("out of memory", SIGKILL)
                case .signaled(let signal): ("signaled", signal)
                }
            // What it has started and left behind goes as well: there is no pid namespace that would end it.
            kill(-child.pid, SIGKILL)
            tell(["event": "ended", "worker": child.number.json, "how": .string(kind), "value": value.json])
            cleanUp()
        case .cleaner: cleanerEnded()
        case .worker, .sandbox: cleanUp()
        case .job, .starting: break
        }
    }
}
