import CShims
import Glibc
import LinuxKernel
import OCISpec

/// Hands the descriptor of a filter that asks somebody else to that one, with the specification's container process
/// state.
enum OCISeccompListener {
    static func send(
        _ listener: Int32, of pid: Int32, _ profile: RuntimeSpec.Seccomp?, state: OCIState
    ) throws {
        guard let path = profile?.listenerPath else { return }
        var creating = state
        creating.status = .creating
        let message = JSON(members: [
            // Of this message's own format, as seccomp agents know it.
            "ociVersion": "0.2.0", "fds": ["seccompFd"], "pid": pid.json,
            "metadata": profile?.listenerMetadata?.json, "state": creating.json,
        ])
        let socket = OwnedDescriptor(adopting: try check("connect", path) { swiftpod_connect(path) })
        let bytes = message.encoded()
        var descriptor = listener
        guard swiftpod_send_message(socket.raw, bytes, bytes.count, &descriptor, 1) == bytes.count else {
            throw SyscallError("sendmsg", path)
        }
    }
}
