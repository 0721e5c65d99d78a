import Glibc
import Launch
import LinuxKernel
import OCISpec

/// One hook of the specification: a program of the host that gets the container's state on its stdin.
struct OCIHook {
    let hook: RuntimeSpec.Hook
    /// `prestart` and so on.
    let kind: String

    init(_ hook: RuntimeSpec.Hook, kind: String) {
        self.hook = hook
        self.kind = kind
    }

    /// Runs it to its end, in the namespaces of `pid` where that is given.
    /// - Throws: where it cannot be executed, fails, or takes longer than it may.
    /// - Parameter insideRoot: the container's root is entered already: there is no bundle to begin in.
    func run(state: OCIState, joining pid: Int32? = nil, insideRoot: Bool = false) throws(EngineError) {
        do {
            let input = try OwnedDescriptor.memoryFile(named: "state")
            try input.writeAll(state.json.encoded())
            try check("lseek", "state") { lseek(input.raw, 0, SEEK_SET) }
            var options = LaunchOptions()
            options.input = input.raw
            options.parentDeathSignal = SIGKILL
            let process = try start(joining: pid, directory: insideRoot ? "/" : state.bundle, &options)
            try wait(process.pid, process.pidfd.raw)
        } catch let error as EngineError {
            throw error
        } catch {
            throw failure("failed: \(error)")
        }
    }

    private func start(
        joining pid: Int32?, directory: String, _ options: inout LaunchOptions
    ) throws -> LaunchedProcess {
        var command = LaunchPlan.HookCommand(
            path: hook.path, arguments: hook.args.isEmpty ? [hook.path] : hook.args,
            environment: hook.env ?? OCIHook.environment())
        command.directory = directory
        guard let pid else { return try launch(LaunchPlan(hook: command, options: options)) }
        let pidfd = try ProcessDescriptor.open(pid)
        options.joined = [.init(try Namespaces.foreign(of: pid), descriptor: pidfd.raw)]
        return try launch(LaunchPlan(hook: command, options: options))
    }

    private static func environment() -> [String] {
        var entries: [String] = []
        var entry = environ
        while let text = entry.pointee {
            entries.append(String(cString: text))
            entry += 1
        }
        return entries
    }

    private func wait(_ pid: Int32, _ pidfd: Int32) throws {
        if let seconds = hook.timeout, seconds > 0 {
            let limit = Int32(clamping: seconds) > Int32.max / 1000 ? Int32.max : Int32(seconds) * 1000
            guard try ProcessDescriptor.waitForEnd(pidfd, milliseconds: limit) else {
                // It leads a session: what it started goes along. Not reaped yet, so the number is its own.
                Glibc.kill(-pid, SIGKILL)
                _ = try? ProcessDescriptor.wait(pidfd)
                throw failure("did not end within \(seconds) seconds")
            }
        }
        switch try ProcessDescriptor.wait(pidfd) {
        case .exited(0): return
        case .exited(let code): throw failure("failed with exit code \(code)")
        case .signaled(let signal): throw failure("killed by signal \(signal)")
        }
    }

    private func failure(_ reason: String) -> EngineError {
        EngineError(.failed, "\(kind) hook \(reason): \(hook.path)")
    }
}
