import OCISpec

extension SpecificationBuilder {
    /// As podman: a profile of the user's own holds for privileged containers too, the default one does not.
    package func seccomp() -> SeccompSelection {
        switch request.security.seccomp {
        case .defaultProfile: request.security.privileged ? .none : .defaultProfile
        case .unconfined: .none
        case .file(let path): .file(path)
        }
    }

    package func setStop(_ draft: inout Specification) throws(EngineError) {
        if let word = request.stopSignal {
            draft.stopSignal = try SignalNumber.parse(word)
        } else if let word = image?.execution.stopSignal, !word.isEmpty {
            draft.stopSignal = try SignalNumber.parse(word)
        }
        if let seconds = request.stopTimeout { draft.stopTimeout = seconds }
    }

    /// The limits asked for, podman's default limit of processes, and the device rules where there is a device cgroup to
    /// hold them: in a user namespace no node can be made, so nothing is left to forbid.
    package func resources(_ devices: DevicePolicy.Result) throws(EngineError) -> JSON {
        var members: [JSON.Member] = []
        if plan.kind == .host {
            var rules = devices.rules
            if !request.security.privileged {
                rules.insert(.object([.init("allow", .bool(false)), .init("access", .string("rwm"))]), at: 0)
            }
            rules += try ResourcePolicy.deviceRules(request.resources)
            members.append(.init("devices", .array(rules)))
        }
        return ResourcePolicy.merge(
            try ResourcePolicy.resources(request.resources, isNew: true), over: .object(members))
    }

    /// Those that podman writes, which hooks and tools look at, and the user's.
    package func annotations(_ stopSignal: Int32) -> [String: String] {
        func word(_ value: Bool) -> String { value ? "TRUE" : "FALSE" }
        var result = [
            "io.container.manager": "libpod",
            "io.kubernetes.cri-o.Created": identity.created,
            "io.kubernetes.cri-o.TTY": request.tty ? "true" : "false",
            "io.podman.annotations.autoremove": word(request.removeOnExit),
            "io.podman.annotations.init": word(request.initProcess),
            "io.podman.annotations.privileged": word(request.security.privileged),
            "io.podman.annotations.publish-all": word(false),
            "org.opencontainers.image.stopSignal": String(stopSignal),
        ]
        if request.groups == ["keep-groups"] { result["run.oci.keep_original_groups"] = "1" }
        for (name, value) in request.annotations { result[name] = value }
        return result
    }
}
