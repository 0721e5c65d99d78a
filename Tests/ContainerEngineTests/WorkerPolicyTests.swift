import ContainerEngine
import Testing

/// Which runs become the container's process, and which are watched.
@Suite struct WorkerPolicyTests {
    /// Ray's worker, as far as the rule asks.
    private static var worker: ContainerConfiguration {
        var request = ContainerConfiguration(source: .image("ray", pull: .missing, platform: nil))
        request.namespaces.pid = .host
        request.namespaces.ipc = .host
        request.network.mode = .host
        request.namespaces.user = .keepID(uid: nil, gid: nil)
        return request
    }

    /// Descriptors that are no terminal, whatever the tests run under.
    private static let streams = AttachedStreams(stdin: nil, stdout: nil, stderr: nil)

    @Test func raysWorkerIsOne() {
        #expect(WorkerPolicy.obstacle(to: Self.worker, Self.streams) == nil)
        var other = Self.worker
        other.network.mode = NetworkOptions.Mode.none
        other.namespaces.ipc = .private
        other.interactive = true
        other.removeOnExit = true
        other.name = "named"
        other.log.driver = LogOptions.Driver.none
        #expect(WorkerPolicy.obstacle(to: other, Self.streams) == nil)
    }

    static let watched: [(String, @Sendable (inout ContainerConfiguration) -> Void)] = [
        ("pid namespace of its own", { $0.namespaces.pid = nil }),
        ("terminal", { $0.tty = true }),
        ("name to be found by", { $0.name = "kept" }),
        ("restart", { $0.restart = .onFailure(maximumRetries: 1) }),
        ("timeout", { $0.timeout = 5 }),
        ("log", { $0.log.driver = .k8sFile }),
        ("log's file", { $0.log.path = "/l" }),
        ("private network", { $0.network.mode = nil }),
        ("pasta", { $0.network.mode = .pasta([]) }),
        ("another's network", { $0.network.mode = .container("a") }),
        ("another's ipc", { $0.namespaces.ipc = .container("a") }),
        ("a user namespace by path", { $0.namespaces.user = .path("/p") }),
    ]

    @Test(arguments: watched.indices) func isWatched(_ index: Int) {
        var request = Self.worker
        Self.watched[index].1(&request)
        #expect(WorkerPolicy.obstacle(to: request, Self.streams) != nil, "\(Self.watched[index].0)")
    }

    @Test func signalsKeptAway() {
        var streams = Self.streams
        streams.signalProxy = false
        #expect(WorkerPolicy.obstacle(to: Self.worker, streams) != nil)
    }

    @Test func endsWithItsRaylet() {
        #expect(WorkerPolicy.endsWith(parent: 71, environment: ["A=1", "RAY_RAYLET_PID=71"]))
        #expect(!WorkerPolicy.endsWith(parent: 71, environment: ["RAY_RAYLET_PID=712", "RAYLET_PID=71"]))
    }
}
