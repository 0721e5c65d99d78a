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
    private let listener: OwnedDescriptor
    private let lock: FileLock

    /// How many clients may be connected at a time.
    static let connectionLimit = 256

    /// Starts the launcher and listens; one service a path. What a killed service has left of its socket is removed.
    public init(
        path: String, settings: WorkerLauncher.Settings, version: String
    ) throws {
        self.path = path
        do throws(SyscallError) {
            guard let held = try FileLock.ifFree(path + ".lock") else {
                throw SyscallError("listen", path, errno: EADDRINUSE)
            }
            lock = held
            unlink(path)
            listener = OwnedDescriptor(adopting: try check("listen", path) { swiftpod_listen(path) })
        } catch {
            throw WorkerError(.failed, "start service: \(error)")
        }
        service = Service(try WorkerLauncher(settings), version: version)
    }

    /// Serves until SIGTERM, SIGINT or SIGHUP comes, and takes the workers along.
    public func run() {
        var ends = sigset_t()
        sigemptyset(&ends)
        for signal in [SIGTERM, SIGINT, SIGHUP] { sigaddset(&ends, signal) }
        // For every thread that is made from here on.
        pthread_sigmask(SIG_BLOCK, &ends, nil)
        signal(SIGPIPE, SIG_IGN)
        let acceptor = Acceptor(listener: listener.raw, service: service)
        guard startThread({ acceptor.run() }) else { return }
        var number: Int32 = 0
        while sigwait(&ends, &number) != 0 {}
        unlink(path)
        service.launcher.close()
        // The launcher kills the workers; it is waited for, so that nothing is left when this process is gone.
        _ = try? ProcessDescriptor.open(service.launcher.processID).waitForEnd(milliseconds: 10_000)
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
