import OCISpec

extension SpecificationBuilder {
    /// Everything that can be refused without an image: names, labels, combinations of flags. Called before a pull.
    public static func validate(_ request: ContainerConfiguration, caller: CallerFacts) throws(EngineError) {
        if let name = request.name { try NamePolicy.check(name) }
        if let hostname = request.hostname { try NamePolicy.checkHostname(hostname) }
        for label in request.labels.keys where label.isEmpty {
            throw EngineError(.invalid, "invalid label format: \"\"")
        }
        for name in request.annotations.keys where name.isEmpty {
            throw EngineError(.invalid, "annotations must be formatted KEY=VALUE: \"\"")
        }
        if let word = request.stopSignal { _ = try SignalNumber.parse(word) }
        if let umask = request.umask, umask > 0o777 {
            throw EngineError(.invalid, "invalid umask \(String(umask, radix: 8)): must be between 0 and 777")
        }
        if let score = request.oomScoreAdjustment, !(-1000...1000).contains(score) {
            throw EngineError(.invalid, "invalid oom-score-adj \(score): must be between -1000 and 1000")
        }
        if let path = request.workingDirectory, !path.isEmpty, !path.hasPrefix("/") {
            throw EngineError(.invalid, "invalid workdir \"\(path)\": must be an absolute path")
        }
        if request.preserveDescriptors < 0 {
            throw EngineError(.invalid, "invalid preserve-fds \(request.preserveDescriptors): must not be negative")
        }
        _ = try CapabilityPolicy.sets(request.security, bounding: caller.boundingCapabilities, isRoot: true)
        try ResourcePolicy.validate(request, isRootless: caller.isRootless)
        try validateCombinations(request, caller: caller)
        try validateNetwork(request)
    }

    private static func validateCombinations(
        _ request: ContainerConfiguration, caller: CallerFacts
    ) throws(EngineError) {
        if request.removeOnExit, request.restart != .no {
            throw EngineError(
                .invalid, "the --rm option conflicts with --restart, when the restartPolicy is not \"\" and \"no\"")
        }
        if let shared = sharedWord(request.namespaces.uts), request.hostname != nil {
            throw EngineError(
                .invalid, "cannot set hostname when running in \(shared) UTS namespace: invalid configuration")
        }
        if request.shmSize != nil, let shared = sharedWord(request.namespaces.ipc) {
            throw EngineError(.invalid, "cannot set shmsize when running in \(shared) IPC Namespace")
        }
        if request.shmSize == 0 { throw EngineError(.invalid, "invalid shm-size 0: must be positive") }
        if request.initProcess, sharedWord(request.namespaces.pid) != nil {
            throw EngineError(.invalid, "cannot add init binary as PID 1 (PID namespace isn't private)")
        }
        if request.groups.contains("keep-groups") {
            if request.groups.count > 1 {
                throw EngineError(
                    .invalid,
                    "the '--group-add keep-groups' option is not allowed with any other --group-add options")
            }
            // setgroups(2) is forbidden in a namespace whose maps were written without privileges, so the groups of
            // the caller survive only where nobody tries.
            if !caller.isRootless, request.user != nil {
                throw EngineError(.invalid, "the '--group-add keep-groups' option is not allowed with --user as root")
            }
        }
        for (name, value) in request.environment.variables where name.utf8.contains(0) || value.utf8.contains(0) {
            throw EngineError(.invalid, "invalid environment variable \"\(name)\": has a NUL character")
        }
        if case .directory(let path) = request.source, !path.hasPrefix("/") {
            throw EngineError(.invalid, "rootfs \(path): not an absolute path")
        }
    }

    /// `the host` or `another container's` where a namespace is not the container's own.
    private static func sharedWord(_ choice: NamespaceOptions.Choice?) -> String? {
        switch choice {
        case nil, .private: nil
        case .host: "the host"
        case .container: "another container's"
        case .path: "a given"
        }
    }

    private static func validateNetwork(_ request: ContainerConfiguration) throws(EngineError) {
        let network = request.network
        if network.noHosts, !network.addHosts.isEmpty {
            throw EngineError(.invalid, "--no-hosts and --add-host cannot be set together")
        }
        if case .container = network.mode, !network.addHosts.isEmpty {
            throw EngineError(
                .invalid,
                "cannot set extra host entries when the container is joined to another containers network namespace: "
                    + "invalid configuration")
        }
        if network.noResolvConf {
            for (flag, values) in [
                ("dns", network.dnsServers), ("dns-search", network.dnsSearch), ("dns-option", network.dnsOptions),
            ] where !values.isEmpty {
                throw EngineError(.invalid, "--dns=none and --\(flag) are mutually exclusive options")
            }
        }
        for server in network.dnsServers where InternetAddress.canonical(server) == nil {
            throw EngineError(.invalid, "\(server) is not an ip address")
        }
        for word in network.dnsSearch + network.dnsOptions
        where word.isEmpty || word.utf8.contains(where: { $0 <= 0x20 }) {
            throw EngineError(.invalid, "invalid dns search domain or option \"\(word)\"")
        }
        for port in network.ports {
            guard ["tcp", "udp"].contains(port.transport) else {
                throw EngineError(.invalid, "unrecognized protocol \(port.transport) in port mapping")
            }
            guard port.containerPort != 0 else {
                throw EngineError(.invalid, "container port in port mapping must not be 0")
            }
            if let address = port.hostAddress, InternetAddress.canonical(address) == nil {
                throw EngineError(.invalid, "port mapping: \(address) is not an ip address")
            }
        }
    }

    /// podman's warning where ports are asked for without a network of the container's own.
    package static func portWarning(_ network: NetworkOptions) -> String? {
        guard !network.ports.isEmpty else { return nil }
        switch network.mode ?? .private {
        case .host, .container, .none, .path:
            return "port mappings have been discarded as one of the Host, Container, Pod, and None network modes are "
                + "in use"
        case .private, .pasta, .slirp4netns:
            return nil
        }
    }
}
