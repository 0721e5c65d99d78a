import Glibc

/// Which runs need nobody beside the container: there the launching process becomes the container's own.
package enum WorkerPolicy {
    /// What stands against it, and why.
    package struct Row: Sendable {
        package let reason: String
        let holds: @Sendable (ContainerConfiguration, AttachedStreams) -> Bool
    }

    package static let rows: [Row] = [
        Row(reason: "a pid namespace of its own begins with a child") { request, _ in request.namespaces.pid != .host },
        Row(reason: "somebody holds the master of its terminal") { request, _ in request.tty },
        // Its user could type into the caller's shell; and who sits at a terminal wants the exit code kept.
        Row(reason: "the caller's terminal is never given away") { request, io in
            [request.interactive ? io.stdin : nil, io.stdout, io.stderr].contains { stream in
                stream.map { isatty($0) == 1 } ?? false
            }
        },
        Row(reason: "a name without --rm is for finding it when it has ended") { request, _ in
            request.name != nil && !request.removeOnExit
        },
        Row(reason: "somebody starts it again") { request, _ in request.restart != .no },
        Row(reason: "somebody ends it in time") { request, _ in request.timeout > 0 },
        Row(reason: "somebody writes its log") { request, _ in
            request.log.driver == .k8sFile || request.log.path != nil || request.log.maximumSize != nil
        },
        Row(reason: "the caller's signals are kept from it") { _, io in !io.signalProxy },
        Row(reason: "somebody ends the helper of its network") { request, _ in
            switch request.network.mode {
            case .host, .none?: false
            default: true
            }
        },
        Row(reason: "namespaces of others are joined by a child") { request, _ in
            let spaces = request.namespaces
            if [spaces.ipc, spaces.uts, spaces.cgroup].contains(where: isJoined) { return true }
            switch spaces.user {
            case .container, .path: return true
            default: return false
            }
        },
    ]

    /// The first reason against it; nil where there is none.
    package static func obstacle(to request: ContainerConfiguration, _ io: AttachedStreams) -> String? {
        rows.first { $0.holds(request, io) }?.reason
    }

    @Sendable private static func isJoined(_ choice: NamespaceOptions.Choice?) -> Bool {
        switch choice {
        case .container, .path: true
        default: false
        }
    }

    /// Ray's workers are told their raylet's pid. Where that is the parent of the launcher, a worker ends with it, as a
    /// worker outside of containers does; anybody else's ends when it wants to, as podman's.
    package static func endsWith(parent: Int32, environment: [String]) -> Bool {
        environment.contains("RAY_RAYLET_PID=\(parent)")
    }
}
