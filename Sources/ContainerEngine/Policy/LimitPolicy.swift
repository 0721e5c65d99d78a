import OCISpec

/// rlimits: podman's defaults, the user's wishes, and what the caller may set.
public enum LimitPolicy {
    package struct Row {
        package let type: String
        package let value: UInt64
        package let reason: String
    }

    /// Raised as far as the caller may.
    package static let defaults: [Row] = [
        Row(type: "RLIMIT_NOFILE", value: 1_048_576, reason: "servers that hold many connections expect it"),
        Row(type: "RLIMIT_NPROC", value: 4_194_304, reason: "counts the user's processes in all containers at once"),
    ]

    /// getrlimit(2)'s resources, by the names that `--ulimit` uses.
    package static let names: [String] = [
        "as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss",
        "rtprio", "rttime", "sigpending", "stack",
    ]

    /// The limits to set, and a line for every wish that the caller may not fulfil.
    /// - Parameter mayRaise: they are set where CAP_SYS_RESOURCE is the machine's: not in a user namespace.
    package static func limits(
        _ request: ContainerConfiguration, caller: CallerFacts, mayRaise: Bool
    ) throws(EngineError) -> (limits: [RuntimeSpec.ResourceLimit], warnings: [String]) {
        if request.hostLimits { return ([], []) }
        var result: [RuntimeSpec.ResourceLimit] = []
        var warnings: [String] = []
        for wish in request.rlimits {
            let limit = try checked(wish)
            if result.contains(where: { $0.type == limit.type }) {
                result.removeAll { $0.type == limit.type }
            }
            let granted = mayRaise ? limit : clamp(limit, caller: caller)
            if granted != limit {
                let name = limit.type.dropFirst("RLIMIT_".count).lowercased()
                warnings.append(
                    "ulimit \(name)=\(text(limit.soft)):\(text(limit.hard)): the caller may set at most "
                        + "\(text(granted.soft)):\(text(granted.hard))")
            }
            result.append(granted)
        }
        for row in defaults where !result.contains(where: { $0.type == row.type }) {
            let wish = RuntimeSpec.ResourceLimit(type: row.type, soft: row.value, hard: row.value)
            result.append(mayRaise ? wish : clamp(wish, caller: caller))
        }
        return (result, warnings)
    }

    private static func checked(_ wish: RuntimeSpec.ResourceLimit) throws(EngineError) -> RuntimeSpec.ResourceLimit {
        var name = wish.type.lowercased()
        if name.hasPrefix("rlimit_") { name.removeFirst("rlimit_".count) }
        guard names.contains(name) else {
            throw EngineError(.invalid, "invalid ulimit type: \(wish.type)")
        }
        guard wish.soft <= wish.hard else {
            throw EngineError(
                .invalid, "ulimit soft limit must be less than or equal to hard limit: \(wish.soft) > \(wish.hard)")
        }
        return RuntimeSpec.ResourceLimit(type: "RLIMIT_" + name.uppercased(), soft: wish.soft, hard: wish.hard)
    }

    private static func clamp(_ wish: RuntimeSpec.ResourceLimit, caller: CallerFacts) -> RuntimeSpec.ResourceLimit {
        guard let own = caller.rlimits.first(where: { $0.type == wish.type }) else { return wish }
        return RuntimeSpec.ResourceLimit(
            type: wish.type, soft: min(wish.soft, own.hard), hard: min(wish.hard, own.hard))
    }

    private static func text(_ value: UInt64) -> String {
        value == .max ? "unlimited" : String(value)
    }
}
