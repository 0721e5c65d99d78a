import CShims
import Glibc
import LinuxKernel
import SwiftPod
import Synchronization

/// Workers for other languages: HTTP/1.1 with JSON on a local socket. `OpenAPI.swift` describes what is said.
///
/// The socket has the mode 0600, and whoever connects is asked for its user id all the same: it must be this process's.
public struct WorkerService {
    let path: String
    let service: Service
    private let listener: Int32
    private let lock: Int32

    /// How many clients may be connected at a time.
    static let connectionLimit = 256

    /// Starts the launcher and listens; one service a path. What a killed service has left of its socket is removed.
    public init(
        path: String, settings: WorkerLauncher.Settings, version: String
    ) throws {
        // Before the first thread is made: each would inherit the default, and the process would end in its middle.
        var ends = WorkerService.ends
        pthread_sigmask(SIG_BLOCK, &ends, nil)
        signal(SIGPIPE, SIG_IGN)
        let launcher = try WorkerLauncher(settings)
        let (held, socket) = try WorkerService.listen(path)
        self.path = path
        lock = held
        listener = socket
        service = Service(launcher, version: version)
    }

    /// Both descriptors stay open as long as the process.
    private static func listen(_ path: String) throws(WorkerError) -> (lock: Int32, socket: Int32) {
        do throws(SyscallError) {
            let lock = try OwnedDescriptor.open(path + ".lock", O_RDWR | O_CREAT, mode: 0o600)
            guard flock(lock.raw, LOCK_EX | LOCK_NB) == 0 else {
                throw SyscallError("listen", path, errno: EADDRINUSE)
            }
            unlink(path)
            let socket = try check("listen", path) { swiftpod_listen_privately(path) }
            return (lock.release(), socket)
        } catch {
            throw WorkerError(.failed, "start service: \(error)")
        }
    }

    private static var ends: sigset_t {
        var ends = sigset_t()
        sigemptyset(&ends)
        for signal in [SIGTERM, SIGINT, SIGHUP] { sigaddset(&ends, signal) }
        return ends
    }

    /// Serves until SIGTERM, SIGINT or SIGHUP comes, and takes the workers along.
    public func run() {
        var ends = WorkerService.ends
        let acceptor = Acceptor(listener: listener, service: service)
        guard startThread({ acceptor.run() }) else { return }
        var number: Int32 = 0
        while sigwait(&ends, &number) != 0 {}
        unlink(path)
        service.launcher.close()
        // The launcher kills the workers; it is waited for, so that nothing is left when this process is gone.
        if let launcher = try? ProcessDescriptor.open(service.launcher.processID) {
            _ = try? ProcessDescriptor.waitForEnd(launcher.raw, milliseconds: 10_000)
        }
    }
}

/// Takes connections, each into a thread of its own.
private final class Acceptor: Sendable {
    private let listener: Int32
    private let service: Service
    private let count = Mutex(0)

    init(listener: Int32, service: Service) {
        self.listener = listener
        self.service = service
    }

    func run() {
        while true {
            let socket = swiftpod_accept(listener)
            if socket < 0 {
                // Out of descriptors: they come back when clients leave.
                if errno != EINTR { usleep(10_000) }
                continue
            }
            guard admits(socket) else {
                close(socket)
                continue
            }
            count.withLock { $0 += 1 }
            let (service, count) = (self.service, self.release)
            if !startThread({
                Connection(socket, service).serve()
                count()
            }) {
                close(socket)
                release()
            }
        }
    }

    private var release: @Sendable () -> Void { { [self] in count.withLock { $0 -= 1 } } }

    private func admits(_ socket: Int32) -> Bool {
        var uid: UInt32 = .max
        var pid: Int32 = 0
        guard swiftpod_peer(socket, &uid, &pid) == 0, uid == geteuid() else { return false }
        return count.withLock { $0 < WorkerService.connectionLimit }
    }
}

private final class ThreadBody {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

private func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
    let context = Unmanaged.passRetained(ThreadBody(body)).toOpaque()
    var thread = pthread_t()
    guard pthread_create(&thread, nil, enterThread, context) == 0 else {
        Unmanaged<ThreadBody>.fromOpaque(context).release()
        return false
    }
    pthread_detach(thread)
    return true
}

/// A nonisolated function, as a C callback must be.
private func enterThread(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().run()
    return nil
}
