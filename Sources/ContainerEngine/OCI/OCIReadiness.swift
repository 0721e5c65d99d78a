import CShims
import Glibc
import LinuxKernel
import OCISpec

/// sd_notify(3): a container says that it is ready, and the service manager of whoever called hears of it.
///
/// The container has a socket of the runtime's own, as with crun in a directory that is called like the manager's socket:
/// to the manager itself it could say a great deal more than that. Whoever starts it listens there until it is ready.
final class OCIReadiness {
    private let notes: OwnedDescriptor
    /// -1 where it cannot be reached.
    private let manager: Int32

    /// Where the manager of this process listens: a path, or a name behind an @. Of other kinds of address none is passed on.
    private static var address: String? {
        guard let text = getenv("NOTIFY_SOCKET").map({ String(cString: $0) }) else { return nil }
        return text.hasPrefix("/") || text.hasPrefix("@") ? text : nil
    }

    /// The directory that is bound into the container; nil where there is no manager, or the specification has its own way.
    static func directory(of container: String, _ spec: RuntimeSpec) -> String? {
        let isTold = spec.process?.env.contains { $0.hasPrefix("NOTIFY_SOCKET=") } ?? false
        return address == nil || isTold ? nil : container + "/notify"
    }

    /// Tells the container of its socket.
    static func announce(_ directory: String, in spec: inout RuntimeSpec) {
        let inside = address.flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "/run/notify"
        spec.mounts.append(
            .init(
                destination: inside, type: "bind", source: directory,
                options: ["bind", "private", "ro", "nosuid", "nodev", "noexec"]))
        spec.process?.env.append("NOTIFY_SOCKET=\(inside)/notify")
    }

    /// Listens for a created container that knows of its socket; nil where none does, or nobody is to be told.
    init?(_ container: OCIContainer, warn: (String) -> Void) throws(SyscallError) {
        guard let address = OCIReadiness.address, access(container.notifyDirectory, F_OK) == 0 else { return nil }
        // By descriptor: a socket's path has room for 107 bytes.
        let directory = try OwnedDescriptor.open(container.notifyDirectory, O_RDONLY | O_DIRECTORY)
        notes = OwnedDescriptor(
            adopting: try check("bind", "\(container.notifyDirectory)/notify") {
                swiftpod_listen_for_notes("\(directory.procPath)/notify")
            })
        manager = swiftpod_connect_to_manager(address)
        if manager < 0 { warn("NOTIFY_SOCKET: \(SyscallError("connect", address))") }
    }

    deinit { if manager >= 0 { close(manager) } }

    /// Returns when the container is ready, or has ended. The manager is told, too, which process is the service's from now
    /// on: this one, which it watches, is about to go.
    func wait(for process: ProcessIdentity) throws(SyscallError) {
        guard let pidfd = try ProcessDescriptor.open(process) else { return }
        let message = "READY=1\nMAINPID=\(process.pid)"
        while true {
            var ready = [
                pollfd(fd: notes.raw, events: Int16(POLLIN), revents: 0),
                pollfd(fd: pidfd.raw, events: Int16(POLLIN), revents: 0),
            ]
            if poll(&ready, 2, -1) < 0 {
                if errno == EINTR { continue }
                throw SyscallError("poll", "notify")
            }
            // The last message first: what says that it is ready may end in the same moment.
            if ready[0].revents != 0 {
                if swiftpod_pass_readiness(notes.raw, manager, message) == 1 { return }
            } else if ready[1].revents != 0 {
                return
            }
        }
    }

    /// For a process that stays beside the container: its loop listens.
    func watch(in loop: inout swiftpod_supervision) {
        loop.notes = notes.raw
        loop.manager = manager
    }
}

extension OCIContainer {
    /// What is bound into a container that may say when it is ready.
    var notifyDirectory: String { directory + "/notify" }
}
