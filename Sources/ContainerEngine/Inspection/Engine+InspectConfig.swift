import OCISpec

extension Engine {
    /// `Config`: what runs.
    func inspectConfig(_ record: ContainerRecord, _ process: RuntimeSpec.Process) -> JSON {
        let spec = record.specification
        let umask = String(process.user.umask ?? 0o022, radix: 8)
        return .object([
            .init("Hostname", .string(spec.runtime.hostname ?? "")), .init("Domainname", .string("")),
            .init("User", .string(record.user)), .init("AttachStdin", .bool(false)),
            .init("AttachStdout", .bool(false)), .init("AttachStderr", .bool(false)),
            .init("Tty", .bool(process.terminal)), .init("OpenStdin", .bool(record.interactive)),
            .init("StdinOnce", .bool(false)), .init("Env", process.env.json),
            .init("Cmd", record.createCommand.isEmpty ? process.args.json : record.createCommand.json),
            .init("Image", .string(record.imageID == nil ? "" : record.imageName)), .init("Volumes", .null),
            .init("WorkingDir", .string(process.cwd)), .init("Entrypoint", .string(entrypoint(record, process))),
            .init("OnBuild", .null), .init("Labels", record.labels.isEmpty ? .null : record.labels.json),
            .init("Annotations", spec.runtime.annotations.json), .init("StopSignal", spec.stopSignal.json),
            .init("HealthcheckOnFailureAction", .string("none")), .init("CreateCommand", .null),
            .init("Umask", .string(String(repeating: "0", count: max(0, 4 - umask.utf8.count)) + umask)),
            .init("Timeout", record.timeout.json), .init("StopTimeout", spec.stopTimeout.json),
            .init("Passwd", .bool(true)), .init("sdNotifyMode", .string("container")),
        ])
    }

    /// What stands before the command's own words.
    private func entrypoint(_ record: ContainerRecord, _ process: RuntimeSpec.Process) -> String {
        guard !record.createCommand.isEmpty, process.args.count > record.createCommand.count else { return "" }
        return process.args.dropLast(record.createCommand.count).joined(separator: " ")
    }

    /// `HostConfig`: how it was asked for. Members that a request cannot touch yet have podman's values for that.
    func inspectHostConfig(
        _ record: ContainerRecord, _ process: RuntimeSpec.Process, cgroup: String?
    ) -> JSON {
        var retries: UInt32 = 0
        if case .onFailure(let maximum?) = record.restart { retries = maximum }
        let runtime = record.specification.runtime
        // Who made it, where it stands; whom it was asked of is said on the command line.
        let isScope = cgroup?.hasSuffix(".scope") ?? false
        let manager = isScope ? .systemd : record.cgroups.manager ?? .cgroupfs
        let ownView = runtime.linux?.namespaces.contains { $0.type == .cgroup } ?? false
        let volumes = record.mounts.compactMap { path in runtime.mounts.last { $0.destination == path } }
        var members: [JSON.Member] = [
            .init(
                "Binds",
                .array(
                    volumes.filter { $0.type != "tmpfs" }.map {
                        .string("\($0.source ?? ""):\($0.destination):\($0.options.joined(separator: ","))")
                    })),
            .init("CgroupManager", .string(manager.rawValue)),
            .init("CgroupMode", .string(ownView ? "private" : "host")),
            .init("ContainerIDFile", .string("")),
            .init(
                "LogConfig",
                .object([
                    .init("Type", .string((record.log.driver ?? .k8sFile).rawValue)), .init("Config", .null),
                    .init("Path", .string((record.log.driver ?? .k8sFile) == .k8sFile ? logPath(record) : "")),
                    .init("Tag", .string(record.log.tag ?? "")),
                    .init("Size", .string("\(record.log.maximumSize ?? 0)B")),
                ])),
            .init("NetworkMode", .string(record.network)), .init("PortBindings", portBindings(record.ports)),
            .init(
                "RestartPolicy",
                .object([
                    .init("Name", .string(record.restart == .no ? "" : record.restart.name)),
                    .init("MaximumRetryCount", retries.json),
                ])),
            .init("AutoRemove", .bool(record.removeOnExit)), .init("VolumeDriver", .string("")),
            .init("VolumesFrom", .null), .init("CapAdd", .array([])), .init("CapDrop", .array([])),
            .init("Dns", .array([])), .init("DnsOptions", .array([])), .init("DnsSearch", .array([])),
            .init("ExtraHosts", .array([])), .init("GroupAdd", .array([])), .init("IpcMode", .string("shareable")),
            .init("Cgroup", .string("")),
            .init("Cgroups", .string(record.cgroups.mode == .enabled ? "default" : record.cgroups.mode.rawValue)),
            .init("Links", .null),
            .init("OomScoreAdj", .integer(0)), .init("PidMode", .string("private")),
            .init("Privileged", .bool(false)), .init("PublishAllPorts", .bool(false)),
            .init("ReadonlyRootfs", .bool(false)), .init("SecurityOpt", .array([])),
            .init(
                "Tmpfs",
                .object(
                    volumes.filter { $0.type == "tmpfs" }.map {
                        .init($0.destination, .string($0.options.joined(separator: ",")))
                    })),
            .init("UTSMode", .string("private")), .init("UsernsMode", .string("")),
            .init("ShmSize", .integer(65_536_000)), .init("Runtime", .string("oci")),
            .init("ConsoleSize", .array([.integer(0), .integer(0)])), .init("Isolation", .string("")),
        ]
        members += inspectLimits(record)
        members += [
            .init("Devices", .array([])),
            .init(
                "Ulimits",
                .array(
                    process.rlimits.map {
                        .object([
                            .init("Name", .string($0.type)), .init("Soft", $0.soft.json), .init("Hard", $0.hard.json),
                        ])
                    })),
        ]
        // What the user did say.
        for said in record.hostConfig {
            if let index = members.firstIndex(where: { $0.name == said.name }) {
                members[index].value = said.value
            } else {
                members.append(said)
            }
        }
        return .object(members)
    }
}
