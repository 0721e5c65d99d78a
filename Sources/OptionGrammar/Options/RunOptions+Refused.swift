extension RunOptions {
    /// podman's words for what happens here anyway, or for what has no counterpart.
    static let acceptedRows: [OptionRow<RunOptions>] = [
        .accepted("disable-content-trust", nil, .flag),
        .accepted("no-healthcheck", nil, .flag),
        .only("image-volume", ["bind", "anonymous"]),
        .only("passwd", ["true"], kind: .flag),
        .only("sdnotify", ["ignore"], warnFor: ["container"]),
        .only("seccomp-policy", ["default"]),
        .only("systemd", ["true", "false"], warnFor: ["always"]),
    ]

    /// The rest of podman 4.3 to 5's `run`.
    static let refusedRows: [OptionRow<RunOptions>] = [
        .refused("chrootdirs"),
        .refused("conmon-pidfile"),
        .refused("cpu-rt-period"),
        .refused("cpu-rt-runtime"),
        .refused("decryption-key"),
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
        .refused("network-alias"),
        .refused("no-hostname", nil, .flag),
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
