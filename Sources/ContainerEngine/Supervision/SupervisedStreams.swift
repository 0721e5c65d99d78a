import CShims
import Glibc
import LinuxKernel

/// The descriptors between a process of a container and whoever supervises it.
final class SupervisedStreams {
    /// What the process gets; nil is /dev/null. Not used with a terminal.
    private(set) var input: Int32?
    private(set) var output: Int32?
    private(set) var error: Int32?
    /// What the supervisor keeps: -1 where there is none.
    var outputs: (Int32, Int32) = (-1, -1)
    var inputSink: Int32 = -1
    /// What the supervisor passes on to the process.
    private(set) var inputSource: Int32 = -1
    private var processEnds: [Int32] = []

    /// How the process's output is to go.
    enum Output {
        /// Through the supervisor, which logs it and passes it on.
        case piped
        /// The caller's own descriptors.
        case passedThrough
        /// Nowhere.
        case dropped
    }

    init() {}

    /// - Parameters:
    ///   - owner: the process's user, in the ids of this process's namespace: it may open /dev/stdout anew.
    ///   - io: nil where nobody is attached.
    static func make(
        terminal: Bool, interactive: Bool, io: AttachedStreams?, output: Output, owner: (uid: UInt32, gid: UInt32)
    ) throws(SyscallError) -> SupervisedStreams {
        let streams = SupervisedStreams()
        if terminal {
            if interactive { streams.inputSource = io?.stdin ?? -1 }
            return streams
        }
        if interactive { try streams.makeInput(io, owner) }
        switch output {
        case .passedThrough:
            streams.output = io?.stdout
            streams.error = io?.stderr
        case .piped:
            let first = try streams.makeOutput(owner)
            let second = try streams.makeOutput(owner)
            streams.output = first.process
            streams.error = second.process
            streams.outputs = (first.supervisor, second.supervisor)
        case .dropped:
            break
        }
        return streams
    }

    /// Output goes where the caller's goes.
    func passThrough(_ io: AttachedStreams?) {
        output = io?.stdout
        error = io?.stderr
    }

    private func makeInput(_ io: AttachedStreams?, _ owner: (uid: UInt32, gid: UInt32)) throws(SyscallError) {
        if let io, io.stdin == nil { return }
        // A terminal is never given away: with it a process could type into the caller's shell.
        if let stdin = io?.stdin, isatty(stdin) == 0 {
            input = stdin
            return
        }
        let pipe = try OwnedDescriptor.pipe()
        let reader = pipe.reader
        let writer = pipe.writer
        _ = fchown(reader.raw, owner.uid, owner.gid)
        input = reader.release()
        processEnds.append(input!)
        inputSink = writer.release()
        inputSource = io?.stdin ?? -1
    }

    private func makeOutput(
        _ owner: (uid: UInt32, gid: UInt32)
    ) throws(SyscallError) -> (process: Int32, supervisor: Int32) {
        let pipe = try OwnedDescriptor.pipe()
        let reader = pipe.reader
        let writer = pipe.writer
        _ = fchown(writer.raw, owner.uid, owner.gid)
        let process = writer.release()
        processEnds.append(process)
        return (process, reader.release())
    }

    /// After the launch: the end of the process's output is seen only when nobody else holds it.
    func closeProcessEnds() {
        for descriptor in processEnds { close(descriptor) }
        processEnds = []
    }

    func closeAll() {
        closeProcessEnds()
        for descriptor in [outputs.0, outputs.1, inputSink] where descriptor >= 0 { close(descriptor) }
        outputs = (-1, -1)
        inputSink = -1
    }
}
