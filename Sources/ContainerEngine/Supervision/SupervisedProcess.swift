import CShims
import Glibc
import LinuxKernel

/// A child of this process with everything that its supervision needs.
final class SupervisedProcess {
    let pid: Int32
    private var loop: swiftpod_supervision
    private let logPath: String?
    private let streams: SupervisedStreams

    /// Takes over the two descriptors.
    init(pid: Int32, pidfd: Int32, terminal: Int32, streams: SupervisedStreams, log: ContainerLog?, timeout: UInt32) {
        self.pid = pid
        self.streams = streams
        logPath = log?.limit == 0 ? nil : log?.path
        loop = swiftpod_supervision()
        loop.pidfd = pidfd
        loop.terminal = terminal
        loop.output = (streams.outputs.0, streams.outputs.1)
        loop.attached = (-1, -1)
        loop.input = -1
        loop.input_sink = streams.inputSink
        loop.size_source = -1
        loop.log = log?.descriptor ?? -1
        loop.log_limit = log?.limit ?? 0
        loop.utc_offset = SWIFTPOD_OFFSET_LATER
        loop.exit_file = -1
        loop.memory_events = -1
        loop.notes = -1
        loop.manager = -1
        loop.timeout = timeout
    }

    /// The descriptor that receives the exit record; taken over.
    var exitFile: Int32 {
        get { loop.exit_file }
        set { loop.exit_file = newValue }
    }

    /// Takes over the cgroup's `memory.events`, which -1 is none.
    /// - Parameter vanishes: it goes with the cgroup's last process, and not when we remove that.
    func setMemoryEvents(_ descriptor: Int32, vanishes: Bool) {
        loop.memory_events = descriptor
        loop.memory_vanishes = vanishes ? 1 : 0
    }

    /// What is left of its process group ends with it: for a container that shares a pid namespace.
    func endsWithGroup() { loop.group = pid }

    /// Passes streams and signals on until the process has ended, or, which is nil, the detach keys were typed.
    func superviseAttached(_ io: AttachedStreams) throws(SyscallError) -> ExitStatus? {
        let keys = UnsafeMutablePointer<CChar>.allocate(capacity: max(io.detachKeys.count, 1))
        defer { keys.deallocate() }
        for (index, key) in io.detachKeys.prefix(32).enumerated() { keys[index] = CChar(bitPattern: key) }
        if loop.terminal >= 0 {
            loop.detach_keys = UnsafePointer(keys)
            loop.detach_count = Int32(min(io.detachKeys.count, 32))
        }
        defer {
            loop.detach_keys = nil
            loop.detach_count = 0
        }
        loop.attached = (io.stdout ?? -1, io.stderr ?? -1)
        loop.input = streams.inputSource
        loop.size_source = io.terminal ?? -1
        loop.proxy = io.signalProxy ? 1 : 0
        let status = try supervise()
        guard loop.detached == 0 else {
            // Nobody is attached any more.
            loop.attached = (-1, -1)
            loop.input = -1
            loop.size_source = -1
            loop.proxy = 0
            return nil
        }
        return status
    }

    private func supervise() throws(SyscallError) -> ExitStatus {
        let path = logPath.flatMap { strdup($0) }
        defer { free(path) }
        loop.log_path = UnsafePointer(path)
        let result = swiftpod_supervise(&loop)
        let code = errno
        streams.outputs = (loop.output.0, loop.output.1)
        streams.inputSink = loop.input_sink
        guard result == 0 else { throw SyscallError("waitid", "\(pid)", errno: code) }
        return loop.end_kind == 1 ? .exited(loop.end_status) : .signaled(loop.end_status)
    }

    /// This process becomes the small supervisor, and this program again when the container has ended. Returns on
    /// failure only.
    func becomeSupervisor(id: String, then arguments: [String]) -> SyscallError {
        // The supervisor is to stay small, and what finds this out is not.
        loop.utc_offset = SupervisedProcess.offsetOfLocalTime()
        let path = logPath.flatMap { strdup($0) }
        loop.log_path = UnsafePointer(path)
        let words = arguments.map { UnsafePointer<CChar>(strdup($0)) } + [nil]
        _ = swiftpod_become_supervisor(&loop, id, words)
        return SyscallError("execve", "/proc/self/exe")
    }

    func close() {
        let all = [loop.pidfd, loop.terminal, loop.log, loop.exit_file, loop.memory_events]
        for descriptor in all where descriptor >= 0 { Glibc.close(descriptor) }
        loop.pidfd = -1
        loop.terminal = -1
        loop.log = -1
        loop.exit_file = -1
        loop.memory_events = -1
        streams.closeAll()
    }

    /// Seconds east of UTC. The log's timestamps carry it, as conmon's do.
    private static func offsetOfLocalTime() -> Int32 {
        var now = time(nil)
        var local = tm()
        localtime_r(&now, &local)
        return Int32(local.tm_gmtoff)
    }
}

/// Where a container's output is kept.
struct ContainerLog {
    var path: String
    var descriptor: Int32
    /// Bytes; 0 is no limit.
    var limit: UInt64

    /// Opened for appending, made where it is missing.
    init(path: String, limit: UInt64) throws(SyscallError) {
        self.path = path
        self.limit = limit
        descriptor = try OwnedDescriptor.open(path, O_WRONLY | O_CREAT | O_APPEND, mode: 0o600).release()
    }
}
