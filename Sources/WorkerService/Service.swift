import Glibc
import OCISpec
import SwiftPod
import Synchronization

/// What the service knows: its launcher, the workers and pools that clients made, and which request means what.
final class Service: Sendable {
    let launcher: WorkerLauncher
    let version: String
    private let state = Mutex(State())

    private struct State {
        var workers: [Int32: Entry] = [:]
        /// Ended ones, the oldest first: a client that does not ask is not remembered for ever.
        var ended: [Int32] = []
        var pools: [Int: WorkerPool] = [:]
        var nextPool = 1
    }

    /// How many ended workers are remembered.
    static let memory = 1000

    struct Entry: Sendable {
        let worker: Worker
        var end: WorkerEnd?
    }

    init(_ launcher: WorkerLauncher, version: String) {
        self.launcher = launcher
        self.version = version
    }

    // MARK: - Routes

    private struct Route: Sendable {
        let method: String
        /// `{id}` stands for a number.
        let path: [Substring]
        let handle: @Sendable (Service, Call, Int) async throws -> Response

        init(
            _ method: String, _ path: String,
            _ handle: @escaping @Sendable (Service, Call, Int) async throws -> Response
        ) {
            self.method = method
            self.path = path.split(separator: "/")
            self.handle = handle
        }

        /// The number in the path, 0 where it has none; nil for another path.
        func match(_ parts: [Substring]) -> Int? {
            guard parts.count == path.count else { return nil }
            var number = 0
            for (mine, theirs) in zip(path, parts) where mine != theirs {
                guard mine == "{id}", let value = Int(theirs) else { return nil }
                number = value
            }
            return number
        }
    }

    private static let routes: [Route] = [
        Route("GET", "/v1/version") { service, _, _ in
            Response(200, ["version": .string(service.version), "api": "1"])
        },
        Route("GET", "/v1/openapi.json") { _, _, _ in Response(200, OpenAPI.document) },
        Route("POST", "/v1/prepare") { service, call, _ in try await service.prepare(call) },
        Route("POST", "/v1/workers") { service, call, _ in try await service.launch(call) },
        Route("GET", "/v1/workers") { service, _, _ in service.list() },
        Route("GET", "/v1/workers/{id}") { service, _, id in Response(200, service.json(try service.entry(id))) },
        Route("DELETE", "/v1/workers/{id}") { service, _, id in try service.forget(id) },
        Route("POST", "/v1/workers/{id}/wait") { service, call, id in try await service.wait(call, id) },
        Route("POST", "/v1/workers/{id}/signal") { service, call, id in try await service.signal(call, id) },
        Route("POST", "/v1/workers/{id}/terminate") { service, call, id in try await service.terminate(call, id) },
        Route("POST", "/v1/pools") { service, call, _ in try await service.openPool(call) },
        Route("GET", "/v1/pools") { service, _, _ in service.listPools() },
        Route("DELETE", "/v1/pools/{id}") { service, _, id in try await service.closePool(id) },
        Route("POST", "/v1/pools/{id}/acquire") { service, call, id in try await service.acquire(call, id) },
        Route("GET", "/v1/events") { service, _, _ in service.events() },
    ]

    func respond(to call: Call) async -> Response {
        let parts = call.request.path.split(separator: "/")
        var methods: [String] = []
        for route in Service.routes {
            guard let number = route.match(parts) else { continue }
            methods.append(route.method)
            guard route.method == call.request.method else { continue }
            do {
                return try await route.handle(self, call, number)
            } catch { return Response(error) }
        }
        if methods.isEmpty { return Response(404, fault: "there is no \(call.request.path)", code: "not found") }
        var response = Response(405, fault: "\(call.request.path) has no method \(call.request.method)")
        response.allow = methods.joined(separator: ", ")
        return response
    }

    // MARK: - Images

    private func prepare(_ call: Call) async throws -> Response {
        let body = try Body(call, members: Body.env + ["options", "refresh"])
        let prepared = try await launcher.prepare(
            try body.env(), options: try body.options(), refresh: try body.json.optional("refresh") ?? false)
        return Response(200, prepared.json)
    }

    // MARK: - Workers

    private func launch(_ call: Call) async throws -> Response {
        let body = try Body(call, members: Body.env + ["options"] + Body.command)
        let worker = try await launcher.launch(
            try body.env(), arguments: try body.json.list("arguments"), environment: try body.environment(),
            options: try body.options(), streams: try body.streams())
        return Response(201, keep(worker))
    }

    /// Remembers a worker, and that it has ended when it does.
    private func keep(_ worker: Worker) -> JSON {
        let entry = Entry(worker: worker, end: nil)
        state.withLock { state in
            state.workers[worker.processID] = entry
            // Its pid was another's before.
            state.ended.removeAll { $0 == worker.processID }
        }
        Task { [weak self] in
            let end = try? await worker.wait()
            self?.state.withLock { state in
                guard state.workers[worker.processID]?.worker === worker else { return }
                state.workers[worker.processID]?.end = end ?? .signaled(SIGKILL)
                state.ended.append(worker.processID)
                if state.ended.count > Service.memory { state.workers[state.ended.removeFirst()] = nil }
            }
        }
        return json(entry)
    }

    private func entry(_ id: Int) throws -> Entry {
        guard let entry = state.withLock({ $0.workers[Int32(clamping: id)] }) else {
            throw WorkerError(.notFound, "there is no worker \(id)")
        }
        return entry
    }

    private func json(_ entry: Entry) -> JSON {
        let worker = entry.worker
        var json = JSON(members: [
            "id": worker.processID.json, "container_id": .string(worker.containerID),
            "image": .string(worker.env.image), "state": .string(worker.end ?? entry.end == nil ? "running" : "ended"),
        ])
        switch worker.end ?? entry.end {
        case .exited(let code): json.set("exit_code", code.json)
        case .signaled(let signal): json.set("signal", signal.json)
        case .outOfMemory:
            json.set("signal", SIGKILL.json)
            json.set("out_of_memory", .bool(true))
        case nil: break
        }
        return json
    }

    private func list() -> Response {
        let entries = state.withLock { Array($0.workers.values) }
        let sorted = entries.sorted { $0.worker.processID < $1.worker.processID }
        return Response(200, ["workers": .array(sorted.map(json))])
    }

    private func forget(_ id: Int) throws -> Response {
        let worker = try entry(id).worker
        guard worker.end != nil else { throw WorkerError(.exists, "worker \(id) runs") }
        state.withLock { state in
            state.workers[worker.processID] = nil
            state.ended.removeAll { $0 == worker.processID }
        }
        return .nothing
    }

    private func wait(_ call: Call, _ id: Int) async throws -> Response {
        let body = try Body(call, members: ["timeout_ms"])
        let limit: UInt32? = try body.json.optional("timeout_ms")
        let entry = try entry(id)
        let worker = entry.worker
        let waiter = Task { try await worker.wait() }
        let alarm = limit.map { limit in
            Task {
                try await Task.sleep(for: .milliseconds(limit))
                waiter.cancel()
            }
        }
        do {
            _ = try await waiter.value
        } catch let error as WorkerError {
            if error.code != .cancelled { throw error }
        }
        alarm?.cancel()
        return Response(200, json(entry))
    }

    private func signal(_ call: Call, _ id: Int) async throws -> Response {
        let body = try Body(call, members: ["signal", "group"])
        try await entry(id).worker.signal(
            try body.json.required("signal"), group: try body.json.optional("group") ?? false)
        return .nothing
    }

    private func terminate(_ call: Call, _ id: Int) async throws -> Response {
        let body = try Body(call, members: ["grace_ms"])
        let grace: UInt32 = try body.json.optional("grace_ms") ?? 10_000
        let entry = try entry(id)
        _ = try await entry.worker.terminate(grace: .milliseconds(grace))
        return Response(200, json(entry))
    }

    // MARK: - Pools

    private func openPool(_ call: Call) async throws -> Response {
        let body = try Body(call, members: Body.env + ["options", "size"])
        let pool = try await launcher.pool(
            for: try body.env(), size: try body.json.required("size"), options: try body.options())
        let id = state.withLock { state in
            defer { state.nextPool += 1 }
            state.pools[state.nextPool] = pool
            return state.nextPool
        }
        return Response(201, json(id, pool))
    }

    private func json(_ id: Int, _ pool: WorkerPool) -> JSON {
        ["id": id.json, "image": .string(pool.env.image), "size": pool.size.json]
    }

    private func listPools() -> Response {
        let pools = state.withLock { $0.pools }
        return Response(200, ["pools": .array(pools.keys.sorted().map { json($0, pools[$0]!) })])
    }

    private func pool(_ id: Int) throws -> WorkerPool {
        guard let pool = state.withLock({ $0.pools[id] }) else {
            throw WorkerError(.notFound, "there is no pool \(id)")
        }
        return pool
    }

    private func closePool(_ id: Int) async throws -> Response {
        let pool = try pool(id)
        state.withLock { _ = $0.pools.removeValue(forKey: id) }
        try await pool.close()
        return .nothing
    }

    private func acquire(_ call: Call, _ id: Int) async throws -> Response {
        let body = try Body(call, members: Body.command)
        let worker = try await pool(id).acquire(
            arguments: try body.json.list("arguments"), environment: try body.environment(), streams: try body.streams()
        )
        return Response(201, keep(worker))
    }

    // MARK: - Events

    private func events() -> Response {
        let events = EventQueue(launcher.events())
        return Response { await events.next()?.json }
    }
}

/// An event stream for one reader, which asks from ever another task.
private actor EventQueue {
    private var iterator: AsyncStream<WorkerEvent>.AsyncIterator

    init(_ events: AsyncStream<WorkerEvent>) { iterator = events.makeAsyncIterator() }

    func next() async -> WorkerEvent? {
        var iterator = self.iterator
        let event = await iterator.next(isolation: self)
        self.iterator = iterator
        return event
    }
}
