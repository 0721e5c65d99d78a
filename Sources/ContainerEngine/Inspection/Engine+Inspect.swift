import OCISpec

extension Engine {
    /// One element of `podman inspect`'s array, in podman's shape: its members and no others.
    public func inspect(_ container: Container) throws(EngineError) -> JSON {
        let record = container.record
        let process = record.specification.runtime.process ?? RuntimeSpec.Process()
        let path = container.directory
        return .object([
            .init("Id", .string(record.id)), .init("Created", record.created.json),
            .init("Path", .string(process.args.first ?? "")),
            .init("Args", .array(process.args.dropFirst().map(JSON.string))),
            .init("State", inspectState(container)),
            .init("Image", .string(record.imageID?.hex ?? "")),
            .init("ImageName", .string(record.imageID == nil ? "" : record.imageName)),
            .init("Rootfs", .string(rootDirectory(record))), .init("Pod", .string("")),
            .init("ResolvConfPath", source(of: "/etc/resolv.conf", record)),
            .init("HostnamePath", source(of: "/etc/hostname", record)),
            .init("HostsPath", source(of: "/etc/hosts", record)), .init("StaticDir", .string(path)),
            .init("OCIConfigPath", .string(path + "/container.json")), .init("OCIRuntime", .string("swiftpod")),
            .init("ConmonPidFile", .string("")), .init("PidFile", .string("")), .init("Name", .string(record.name)),
            .init("RestartCount", container.restarts.json), .init("Driver", .string("overlay")),
            .init("MountLabel", .string("")), .init("ProcessLabel", .string("")),
            .init("AppArmorProfile", .string(process.apparmorProfile ?? "")),
            .init("EffectiveCaps", process.capabilities?.effective.json ?? .array([])),
            .init("BoundingCaps", process.capabilities?.bounding.json ?? .array([])), .init("ExecIDs", .array([])),
            .init("GraphDriver", graphDriver(record, path)), .init("Mounts", inspectMounts(record)),
            .init("Dependencies", .array(dependencies(record))), .init("NetworkSettings", networkSettings(container)),
            .init("Namespace", .string("")), .init("IsInfra", .bool(false)), .init("IsService", .bool(false)),
            .init("Config", inspectConfig(record, process)),
            .init("HostConfig", inspectHostConfig(record, process, cgroup: container.facts.state?.cgroup)),
        ])
    }

    private func rootDirectory(_ record: ContainerRecord) -> String {
        if case .directory(let path) = record.root { path } else { "" }
    }

    private func source(of destination: String, _ record: ContainerRecord) -> JSON {
        .string(record.specification.runtime.mounts.last { $0.destination == destination }?.source ?? "")
    }

    private func dependencies(_ record: ContainerRecord) -> [JSON] {
        var seen: [String] = []
        for join in record.specification.joins where !seen.contains(join.container) { seen.append(join.container) }
        return seen.map(JSON.string)
    }

    private func inspectState(_ container: Container) -> JSON {
        let never = "0001-01-01T00:00:00Z"
        var code: Int32 = 0
        var finished = never
        if case .exited(let exitCode, let at) = container.status {
            code = exitCode
            finished = at.description
        }
        return .object([
            .init("OciVersion", .string(container.record.specification.runtime.ociVersion)),
            .init("Status", .string(container.status.name)),
            .init("Running", .bool(container.status.isRunning && !container.status.isPaused)),
            .init("Paused", .bool(container.status.isPaused)), .init("Restarting", .bool(false)),
            .init("OOMKilled", .bool(container.facts.exit?.oomKilled ?? false)),
            .init("Dead", .bool(false)), .init("Pid", (container.status.pid ?? 0).json),
            .init("ConmonPid", (container.status.isRunning ? container.facts.state?.supervisor.pid ?? 0 : 0).json),
            .init("ExitCode", code.json),
            .init(
                "Error",
                .string(
                    container.facts.state != nil && !container.status.isRunning && container.facts.exit == nil
                        ? "its supervisor was killed" : "")),
            .init("StartedAt", .string(container.startedAt?.description ?? never)),
            .init("FinishedAt", .string(finished)),
            .init(
                "Health",
                .object([
                    .init("Status", .string("")), .init("FailingStreak", .integer(0)), .init("Log", .null),
                ])),
            .init("CheckpointedAt", .string(never)), .init("RestoredAt", .string(never)),
        ])
    }

    private func graphDriver(_ record: ContainerRecord, _ path: String) -> JSON {
        var data: [JSON.Member] = []
        if case .tree(let tree, _) = record.root {
            data = [
                .init("LowerDir", .string(tree)), .init("UpperDir", .string(path + "/upper")),
                .init("WorkDir", .string(path + "/work")),
            ]
        }
        return .object([.init("Name", .string("overlay")), .init("Data", .object(data))])
    }

    /// Those that the user or the image asked for; what every container has is no news.
    private func inspectMounts(_ record: ContainerRecord) -> JSON {
        let volumes = VolumeStore(root: session.layout.volumes)
        var result: [JSON] = []
        for destination in record.mounts {
            guard let mount = record.specification.runtime.mounts.last(where: { $0.destination == destination })
            else { continue }
            let volume = record.specification.volumes.first { $0.destination == destination }
            // podman lists tmpfs mounts in HostConfig alone.
            if mount.type == "tmpfs" { continue }
            let propagations = ["private", "rprivate", "shared", "rshared", "slave", "rslave"]
            var members: [JSON.Member] = [.init("Type", .string(volume == nil ? "bind" : "volume"))]
            if let volume { members.append(.init("Name", .string(volume.name))) }
            members += [
                .init("Source", .string(volume.map { volumes.dataPath($0.name) } ?? mount.source ?? "")),
                .init("Destination", .string(destination)), .init("Driver", .string(volume == nil ? "" : "local")),
                .init("Mode", .string("")),
                .init("Options", mount.options.filter { !propagations.contains($0) && $0 != "ro" && $0 != "rw" }.json),
                .init("RW", .bool(!mount.options.contains("ro"))),
                .init(
                    "Propagation", .string(mount.options.first { propagations.contains($0) } ?? "rprivate")),
            ]
            result.append(.object(members))
        }
        return .array(result)
    }

    private func networkSettings(_ container: Container) -> JSON {
        let empty = [
            "EndpointID", "Gateway", "IPAddress", "IPv6Gateway", "GlobalIPv6Address", "MacAddress", "Bridge",
            "SandboxID", "LinkLocalIPv6Address",
        ]
        var members = empty.map { JSON.Member($0, .string("")) }
        members += [
            .init("IPPrefixLen", .integer(0)), .init("GlobalIPv6PrefixLen", .integer(0)),
            .init("HairpinMode", .bool(false)), .init("LinkLocalIPv6PrefixLen", .integer(0)),
            .init("Ports", portBindings(container.record.ports)),
            .init("SandboxKey", .string(container.status.pid.map { "/proc/\($0)/ns/net" } ?? "")),
        ]
        return .object(members)
    }

    /// `{"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}`.
    func portBindings(_ ports: [NetworkOptions.PortMapping]) -> JSON {
        var bindings: [JSON.Member] = []
        for port in ports {
            let binding = JSON.object([
                .init("HostIp", .string(port.hostAddress ?? "")),
                .init("HostPort", .string(String(port.hostPort ?? port.containerPort))),
            ])
            let name = "\(port.containerPort)/\(port.transport)"
            if let index = bindings.firstIndex(where: { $0.name == name }) {
                bindings[index].value = .array((bindings[index].value.array ?? []) + [binding])
            } else {
                bindings.append(.init(name, .array([binding])))
            }
        }
        return .object(bindings)
    }
}
