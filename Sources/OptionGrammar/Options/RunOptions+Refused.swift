extension RunOptions {
    private static let noLimits = "resource limits have no effect yet"

    /// What a worker is started with today and podman honours: accepted so that the worker runs, and said each time.
    static let limitRows: [OptionRow<RunOptions>] = [
        .warned("cpu-shares", "c", .value, noLimits),
        .warned("cpus", nil, .value, noLimits),
        .warned("cpuset-cpus", nil, .value, noLimits),
        .warned("memory", "m", .value, noLimits),
        .warned("pids-limit", nil, .value, noLimits),
    ]

    /// podman's words for what happens here anyway, or for what has no counterpart.
    static let acceptedRows: [OptionRow<RunOptions>] = [
        .accepted("disable-content-trust", nil, .flag),
        .accepted("no-healthcheck", nil, .flag),
        .only("cgroups", ["enabled", "no-conmon"], warnFor: ["disabled"]),
        .only("detach-keys", [""]),
        .only("image-volume", ["bind", "anonymous"]),
        .only("passwd", ["true"], kind: .flag),
        .only("sdnotify", ["ignore", "container"]),
        .only("seccomp-policy", ["default"]),
        .only("systemd", ["true", "false"], warnFor: ["always"]),
    ]

    /// The rest of podman 4.3 to 5's `run`.
    static let refusedRows: [OptionRow<RunOptions>] = [
        .refused("blkio-weight"),
        .refused("blkio-weight-device"),
        .refused("cgroup-conf"),
        .refused("cgroup-parent"),
        .refused("chrootdirs"),
        .refused("conmon-pidfile"),
        .refused("cpu-period"),
        .refused("cpu-quota"),
        .refused("cpu-rt-period"),
        .refused("cpu-rt-runtime"),
        .refused("cpuset-mems"),
        .refused("decryption-key"),
        .refused("device-read-bps"),
        .refused("device-read-iops"),
        .refused("device-write-bps"),
        .refused("device-write-iops"),
        .refused("env-merge"),
        .refused("expose"),
        .refused("group-entry"),
        .refused("health-cmd"),
        .refused("health-interval"),
        .refused("health-log-destination"),
        .refused("health-max-log-count"),
        .refused("health-max-log-size"),
        .refused("health-on-failure"),
        .refused("health-retries"),
        .refused("health-start-period"),
        .refused("health-startup-cmd"),
        .refused("health-startup-interval"),
        .refused("health-startup-retries"),
        .refused("health-startup-success"),
        .refused("health-startup-timeout"),
        .refused("health-timeout"),
        .refused("hosts-file"),
        .refused("hostuser"),
        .refused("init-path"),
        .refused("intel-rdt-closid"),
        .refused("ip"),
        .refused("ip6"),
        .refused("link-local-ip"),
        .refused("mac-address"),
        .refused("memory-reservation"),
        .refused("memory-swap"),
        .refused("memory-swappiness"),
        .refused("network-alias"),
        .refused("no-hostname", nil, .flag),
        .refused("oom-kill-disable", nil, .flag),
        .refused("passwd-entry"),
        .refused("personality"),
        .refused("pidfile"),
        .refused("pod"),
        .refused("pod-id-file"),
        .refused("preserve-fd"),
        .refused("publish-all", "P", .flag),
        .refused("requires"),
        .refused("retry-delay"),
        .refused("rmi", nil, .flag),
        .refused("secret"),
        .refused("shm-size-systemd"),
        .refused("subgidname"),
        .refused("subuidname"),
        .refused("tz"),
        .refused("volumes-from"),
    ]
}

extension OptionRow<RunOptions> {
    /// An option of which only these values mean what happens here anyway; some others are let through with a warning.
    fileprivate static func only(
        _ name: String, _ values: [String], warnFor: [String] = [], kind: OptionDescription.Kind = .value
    ) -> OptionRow {
        OptionRow(
            description: OptionDescription(
                name: name, short: 0, kind: kind, placeholder: kind == .flag ? "" : "VALUE", help: ""),
            effect: .apply { (target, text) throws(CommandError) in
                if kind == .flag, values.contains(try parseBool(text) ? "true" : "false") { return }
                if values.contains(text) { return }
                guard warnFor.contains(text) else { throw CommandError("not supported yet") }
                target.warnings.append("--\(name)=\(text): has no effect yet")
            })
    }
}
