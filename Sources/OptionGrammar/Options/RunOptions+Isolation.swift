import ContainerEngine
import OCISpec

extension RunOptions {
    /// What the container shares with the host or with another.
    static let namespaceRows: [OptionRow<RunOptions>] = [
        .value("cgroupns", nil, "MODE", "cgroup namespace: private, host, container:ID, ns:PATH") {
            (target, text) throws(CommandError) in
            target.configuration.namespaces.cgroup = try NamespaceOptions.Choice.parse(text)
        },
        .list("gidmap", nil, "CONTAINER:HOST:SIZE", "Map group ids") { (target, text) throws(CommandError) in
            target.gidMappings.append(try parseIDMapping(text))
        },
        .value("hostname", "h", "NAME", "Set the host name") { (target, text) throws(CommandError) in
            target.configuration.hostname = text.isEmpty ? nil : text
        },
        .value("ipc", nil, "MODE", "IPC namespace: private, host, shareable, container:ID, ns:PATH") {
            (target, text) throws(CommandError) in
            target.configuration.namespaces.ipc = try NamespaceOptions.Choice.parseIPC(text)
        },
        .value("pid", nil, "MODE", "PID namespace: private, host, container:ID, ns:PATH") {
            (target, text) throws(CommandError) in
            target.configuration.namespaces.pid = try NamespaceOptions.Choice.parse(text)
        },
        .list("uidmap", nil, "CONTAINER:HOST:SIZE", "Map user ids") { (target, text) throws(CommandError) in
            target.uidMappings.append(try parseIDMapping(text))
        },
        .value("userns", nil, "MODE", "User namespace: host, keep-id[:uid=N,gid=N], auto[:size=N], nomap, …") {
            (target, text) throws(CommandError) in
            _ = try NamespaceOptions.User.parse(text == "private" ? "" : text)
            target.userNamespace = text
        },
        .value("uts", nil, "MODE", "UTS namespace: private, host, container:ID, ns:PATH") {
            (target, text) throws(CommandError) in
            target.configuration.namespaces.uts = try NamespaceOptions.Choice.parse(text)
        },
    ]

    static let networkRows: [OptionRow<RunOptions>] = [
        .list("add-host", nil, "NAME:ADDRESS", "Add a line to /etc/hosts") { (target, text) throws(CommandError) in
            target.configuration.network.addHosts += try parseAddHost(text)
        },
        .list("dns", nil, "ADDRESS", "Use this name server; none leaves resolv.conf to the image") {
            (target, text) throws(CommandError) in
            if text == "none" {
                target.configuration.network.noResolvConf = true
            } else {
                target.configuration.network.dnsServers.append(text)
            }
        },
        .list("dns-option", nil, "OPTION", "Add an option to resolv.conf") { (target, text) throws(CommandError) in
            target.configuration.network.dnsOptions.append(text)
        },
        .list("dns-search", nil, "DOMAIN", "Search this domain for names") { (target, text) throws(CommandError) in
            target.configuration.network.dnsSearch.append(text)
        },
        .value("network", nil, "MODE", "Network: host, none, private, pasta, slirp4netns, container:ID, ns:PATH") {
            (target, text) throws(CommandError) in
            _ = try NetworkOptions.Mode.parse(text)
            target.networks.append(text)
        },
        .flag("no-hosts", nil, "Leave /etc/hosts to the image") { $0.configuration.network.noHosts = $1 },
        .list("publish", "p", "[[ADDRESS:]HOST:]CONTAINER", "Publish a port or a range of ports") {
            (target, text) throws(CommandError) in
            target.configuration.network.ports += try NetworkOptions.PortMapping.parse(text)
        },
    ]

    static let storageRows: [OptionRow<RunOptions>] = [
        .list("device", nil, "HOST[:CONTAINER][:rwm]", "Add a device of the host, or one by name: VENDOR/CLASS=NAME") {
            (target, text) throws(CommandError) in
            try target.take(device: text)
        },
        .value("gpus", nil, "all|none|N|device=…", "Add GPUs: all, the first N, or by index or UUID") {
            (target, text) throws(CommandError) in
            try target.take(gpus: text)
        },
        .value("mount", nil, "type=TYPE,…", "Mount a file system: bind, volume, tmpfs") {
            (target, text) throws(CommandError) in
            target.configuration.mounts.append(try MountRequest(mount: text, caller: target.caller))
        },
        .flag("read-only", nil, "Make the root file system read-only") { $0.configuration.readOnlyRoot = $1 },
        .flag("read-only-tmpfs", nil, "With --read-only, keep /run, /tmp, /var/tmp writable (default true)") {
            $0.configuration.readOnlyTmpfs = $1
        },
        .value("shm-size", nil, "SIZE", "Size of /dev/shm (default 64m)") { (target, text) throws(CommandError) in
            target.configuration.shmSize = try parseSize(text)
        },
        .value("tmpfs", nil, "DIR[:OPTION,…]", "Mount a tmpfs") { (target, text) throws(CommandError) in
            target.configuration.mounts.append(try MountRequest(tmpfs: text))
        },
        .value("volume", "v", "[SOURCE:]DIR[:OPTION,…]", "Mount a path of the host or a named volume") {
            (target, text) throws(CommandError) in
            target.configuration.mounts.append(try MountRequest(volume: text, caller: target.caller))
        },
    ]

    static let securityRows: [OptionRow<RunOptions>] = [
        .list("cap-add", nil, "CAPABILITY", "Add a capability; all for every one") {
            (target, text) throws(CommandError) in
            target.configuration.security.addCapabilities.append(text)
        },
        .list("cap-drop", nil, "CAPABILITY", "Drop a capability; all for every one") {
            (target, text) throws(CommandError) in
            target.configuration.security.dropCapabilities.append(text)
        },
        .value("oom-score-adj", nil, "N", "Prefer or spare the container when memory runs out (-1000 to 1000)") {
            (target, text) throws(CommandError) in
            let value: Int = try parseInteger(text)
            guard (-1000...1000).contains(value) else { throw CommandError("not from -1000 to 1000") }
            target.configuration.oomScoreAdjustment = value
        },
        .flag("privileged", nil, "Give the container all that the caller has") {
            $0.configuration.security.privileged = $1
        },
        .value("security-opt", nil, "OPTION", "no-new-privileges, seccomp=FILE|unconfined, mask=PATH, unmask=PATH|ALL")
        {
            (target, text) throws(CommandError) in
            try target.configuration.security.take(text, caller: target.caller)
        },
        .list("sysctl", nil, "NAME=VALUE", "Set a kernel parameter of the container's namespaces") {
            (target, text) throws(CommandError) in
            let (name, value) = try parseSetting(text)
            target.configuration.sysctls[name] = value
        },
        .list("ulimit", nil, "NAME=SOFT[:HARD]", "Set a resource limit; host keeps the caller's") {
            (target, text) throws(CommandError) in
            if text == "host" {
                target.configuration.hostLimits = true
            } else {
                target.configuration.rlimits.append(try RuntimeSpec.ResourceLimit(ulimit: text))
            }
        },
    ]
}
