import OCISpec

extension SpecificationBuilder {
    /// Which namespaces the container has of its own, and which it shares with whom.
    package struct SharedNamespaces: Equatable, Sendable {
        package var namespaces: [RuntimeSpec.Namespace] = []
        package var joins: [Specification.Join] = []
        /// Other containers, looked up once.
        package var neighbours: [RuntimeSpec.NamespaceKind: Surroundings.Neighbour] = [:]

        /// The namespace is the machine's.
        package func isHost(_ kind: RuntimeSpec.NamespaceKind) -> Bool {
            !namespaces.contains { $0.type == kind } && neighbours[kind] == nil
        }

        /// The namespace is new.
        package func isPrivate(_ kind: RuntimeSpec.NamespaceKind) -> Bool {
            namespaces.contains { $0.type == kind && $0.path == nil }
        }

        /// The namespace is another container's, or given by a path.
        package func isJoined(_ kind: RuntimeSpec.NamespaceKind) -> Bool { !isHost(kind) && !isPrivate(kind) }
    }

    package struct HostNames: Equatable, Sendable {
        /// What programs see.
        package var hostname: String
        /// Set in a namespace of the container's own; nil where that is another's.
        package var ownHostname: String?
    }

    /// podman puts containers that share namespaces into one user namespace, the one it works in itself. Ours have one
    /// each, and in a sibling's pid, ipc or network namespace a container may mount neither /proc nor /sys. So one that
    /// says nothing of user namespaces and shares another kind joins the other's, where the ids are the same.
    package static func joiningPlan(
        _ plan: UserNamespacePlan, request: ContainerConfiguration, caller: CallerFacts, surroundings: Surroundings
    ) throws(EngineError) -> UserNamespacePlan {
        guard caller.isRootless, request.namespaces.user == nil || request.namespaces.user == .host else { return plan }
        for choice in [request.namespaces.pid, request.namespaces.ipc, networkChoice(request), request.namespaces.uts] {
            guard case .container(let name) = choice else { continue }
            let other = try surroundings.container(name)
            guard other.userNamespace.uid == plan.uid, other.userNamespace.gid == plan.gid else { continue }
            var joined = plan
            joined.kind = .container(other.id)
            return joined
        }
        return plan
    }

    private static func networkChoice(_ request: ContainerConfiguration) -> NamespaceOptions.Choice {
        switch request.network.mode ?? .private {
        case .host: .host
        case .container(let name): .container(name)
        case .path(let path): .path(path)
        case .none, .private, .pasta, .slirp4netns: .private
        }
    }

    package func sharedNamespaces() throws(EngineError) -> SharedNamespaces {
        let wishes: [(RuntimeSpec.NamespaceKind, String, NamespaceOptions.Choice)] = [
            (.pid, "pid", request.namespaces.pid ?? .private),
            (.network, "net", Self.networkChoice(request)),
            (.ipc, "ipc", request.namespaces.ipc ?? .private),
            (.uts, "uts", request.namespaces.uts ?? .private),
            (.mount, "mount", .private),
            (.user, "user", userChoice),
            (.cgroup, "cgroup", cgroupChoice),
        ]
        var shared = SharedNamespaces()
        for (kind, word, choice) in wishes {
            switch choice {
            case .host: break
            case .private: shared.namespaces.append(RuntimeSpec.Namespace(kind))
            case .path(let path):
                guard path.hasPrefix("/") else {
                    throw EngineError(.invalid, "\(word) namespace path \(path): not an absolute path")
                }
                shared.namespaces.append(RuntimeSpec.Namespace(kind, path: path))
            case .container(let name):
                let other: Surroundings.Neighbour
                do { other = try surroundings.container(name) } catch {
                    throw EngineError(
                        error.code, "looking up container to share \(word) namespace with: \(error)", cause: error)
                }
                shared.neighbours[kind] = other
                shared.joins.append(Specification.Join(kind: kind, container: other.id))
            }
        }
        return shared
    }

    private var userChoice: NamespaceOptions.Choice {
        switch plan.kind {
        case .host: .host
        case .new: .private
        case .container(let id): .container(id)
        case .path(let path): .path(path)
        }
    }

    /// Private where the unified hierarchy makes that mean something, as podman.
    private var cgroupChoice: NamespaceOptions.Choice {
        guard caller.unifiedCgroups else { return .host }
        return request.namespaces.cgroup ?? .private
    }

    package func hostNames(_ shared: SharedNamespaces) throws(EngineError) -> HostNames {
        if let other = shared.neighbours[.uts] {
            return HostNames(hostname: other.hostname ?? caller.hostname, ownHostname: nil)
        }
        guard shared.isPrivate(.uts) else { return HostNames(hostname: caller.hostname, ownHostname: nil) }
        let name: String
        if let wanted = request.hostname {
            name = wanted
        } else if shared.isHost(.network) {
            // What it binds and announces is the machine's, so its name is too.
            name = caller.hostname
        } else if let other = shared.neighbours[.network], let theirs = other.hostname {
            name = theirs
        } else {
            name = String(identity.id.prefix(12))
        }
        return HostNames(hostname: name, ownHostname: name)
    }

    package func sysctlSituation(_ shared: SharedNamespaces) -> SysctlPolicy.Situation {
        var now = SysctlPolicy.Situation()
        now.hostIPC = shared.isHost(.ipc)
        now.hostNetwork = shared.isHost(.network)
        now.joinsNetwork = shared.isJoined(.network)
        now.mapsGroupZero = UserNamespacePlan.outside(0, plan.gid) != nil
        return now
    }

    /// The id in the namespace that the engine works in.
    package func hostID(
        _ id: UInt32, _ map: [RuntimeSpec.IDMapping], _ kind: String
    ) throws(EngineError) -> UInt32 {
        guard let outside = UserNamespacePlan.outside(id, map) else {
            throw EngineError(.cannotInvoke, "\(kind) \(id) is not mapped in the container's user namespace")
        }
        return outside
    }
}
