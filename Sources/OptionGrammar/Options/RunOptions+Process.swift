import ContainerEngine
import OCISpec

extension RunOptions {
    /// Everything `run` and `create` know, in the order of help.
    package static let table: OptionParser<RunOptions>.Table = [
        processRows, lifeRows, imageRows, namespaceRows, networkRows, storageRows, securityRows, limitRows,
        acceptedRows, refusedRows,
    ]

    /// `run` also shows how it starts.
    package static let runTable: OptionParser<RunOptions>.Table = table + [startRows]

    /// swiftpod's own: how a container is started, and how long that takes.
    private static let startRows: [OptionRow<RunOptions>] = [
        .flag("plan", nil, "Print the steps of the start and do none of them") { $0.printsPlan = $1 },
        .optional(
            "trace", "[=json|chrome]", "Print on stderr, in the end, what each phase and step of the start took"
        ) { (target, text) throws(CommandError) in
            target.trace = try TraceFormat.parse(text)
        },
    ]

    /// What runs, as whom, with which environment.
    static let processRows: [OptionRow<RunOptions>] = [
        .list("attach", "a", "stdin|stdout|stderr", "Attach to these streams of the container only") {
            (target, text) throws(CommandError) in
            target.attach.append(text)
        },
        .value(
            "entrypoint", nil, "COMMAND", "Run this instead of the image's entry point (a JSON array for several words)"
        ) {
            (target, text) throws(CommandError) in
            target.configuration.entrypoint = parseEntrypoint(text)
        },
        .value("env", "e", "NAME[=VALUE]", "Set an environment variable; without a value, pass the caller's") {
            (target, text) throws(CommandError) in
            target.environmentWords.append(text)
        },
        .list("env-file", nil, "FILE", "Read environment variables from a file") {
            (target, text) throws(CommandError) in
            target.environmentFiles.append(text)
        },
        .flag("env-host", nil, "Pass the caller's whole environment") { $0.configuration.environment.inheritHost = $1 },
        .list("group-add", nil, "GROUP", "Add a group to the process; keep-groups keeps the caller's") {
            (target, text) throws(CommandError) in
            target.configuration.groups.append(text)
        },
        .flag("http-proxy", nil, "Pass the caller's proxy variables (default true)") {
            $0.configuration.environment.httpProxy = $1
        },
        .flag("init", nil, "Run an init that forwards signals and reaps processes") {
            $0.configuration.initProcess = $1
        },
        .flag("interactive", "i", "Keep stdin open") { $0.configuration.interactive = $1 },
        .value("preserve-fds", nil, "N", "Pass N descriptors from 3 up into the container") {
            (target, text) throws(CommandError) in
            target.configuration.preserveDescriptors = Int(try parseInteger(text, as: UInt16.self))
        },
        .flag("tty", "t", "Give the container a terminal") { $0.configuration.tty = $1 },
        .value("umask", nil, "OCTAL", "Set the umask (default 0022)") { (target, text) throws(CommandError) in
            target.configuration.umask = try parseUmask(text)
        },
        .value("unsetenv", nil, "NAME", "Leave out a variable of the image or of the defaults") {
            (target, text) throws(CommandError) in
            target.configuration.environment.unset.append(text)
        },
        .flag("unsetenv-all", nil, "Leave out all default variables") { $0.configuration.environment.unsetAll = $1 },
        .value("user", "u", "USER[:GROUP]", "Run as this user, by name or id") { (target, text) throws(CommandError) in
            target.configuration.user = text
        },
        .value("workdir", "w", "DIR", "Run in this directory") { (target, text) throws(CommandError) in
            target.configuration.workingDirectory = try nonEmpty(text)
        },
    ]

    /// The container's name and notes, its start, end and log.
    static let lifeRows: [OptionRow<RunOptions>] = [
        .value("annotation", nil, "KEY=VALUE", "Add an annotation") { (target, text) throws(CommandError) in
            let (name, value) = try parseSetting(text)
            target.configuration.annotations[name] = value
        },
        .value("cidfile", nil, "FILE", "Write the container's id to FILE, which must not exist") {
            (target, text) throws(CommandError) in
            target.cidFile = target.caller.absolute(try nonEmpty(text))
        },
        .flag("detach", "d", "Run in the background and print the container's id") { $0.detach = $1 },
        .value("label", "l", "KEY=VALUE", "Add a label") { (target, text) throws(CommandError) in
            target.labelWords.append(text)
        },
        .list("label-file", nil, "FILE", "Read labels from a file") { (target, text) throws(CommandError) in
            target.labelFiles.append(text)
        },
        .value("log-driver", nil, "k8s-file|none|passthrough", "Where the output goes (default k8s-file)") {
            (target, text) throws(CommandError) in
            target.configuration.log.driver = try LogOptions.Driver.parse(text)
        },
        .list("log-opt", nil, "KEY=VALUE", "Options of the log: path, max-size, tag") {
            (target, text) throws(CommandError) in
            try target.configuration.log.take(text, caller: target.caller, warnings: &target.warnings)
        },
        .value("name", nil, "NAME", "Name the container") { (target, text) throws(CommandError) in
            if text.isEmpty { return }
            guard isObjectName(text) else { throw CommandError("names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*") }
            target.configuration.name = text
        },
        .flag("replace", nil, "Remove a container of the same name first") { $0.configuration.replace = $1 },
        .value("restart", nil, "POLICY", "Restart on exit: no, always, on-failure[:N], unless-stopped") {
            (target, text) throws(CommandError) in
            target.configuration.restart = try ContainerConfiguration.RestartPolicy.parse(text)
        },
        .flag("rm", nil, "Remove the container when it exits") { $0.configuration.removeOnExit = $1 },
        .value("detach-keys", nil, "KEYS", "What is typed to leave the container to itself (default ctrl-p,ctrl-q)") {
            (target, text) throws(CommandError) in
            target.detachKeys = try parseDetachKeys(text)
        },
        .flag("sig-proxy", nil, "Pass received signals on to the process (default true)") { $0.signalProxy = $1 },
        .value("stop-signal", nil, "SIGNAL", "What asks the container to stop (default SIGTERM)") {
            (target, text) throws(CommandError) in
            if !text.isEmpty { _ = try parseSignal(text) }
            target.configuration.stopSignal = text.isEmpty ? nil : text
        },
        .value("stop-timeout", nil, "SECONDS", "How long a stop waits before it kills (default 10)") {
            (target, text) throws(CommandError) in
            // podman writes "for ever" as -1.
            target.configuration.stopTimeout = text == "-1" ? .max : try parseInteger(text)
        },
        .value("timeout", nil, "SECONDS", "Kill the container after so long; 0 is never") {
            (target, text) throws(CommandError) in
            target.configuration.timeout = try parseInteger(text)
        },
    ]

    /// Which image, and how it is brought here.
    static let imageRows: [OptionRow<RunOptions>] = [
        .value("arch", nil, "ARCH", "Choose the image for this architecture") { (target, text) throws(CommandError) in
            target.architecture = text.isEmpty ? nil : text
        },
        .value("authfile", nil, "FILE", "Read credentials from this file") { (target, text) throws(CommandError) in
            target.pull.authFile = target.caller.absolute(try nonEmpty(text))
        },
        .value("cert-dir", nil, "DIR", "Use the certificates of this directory") {
            (target, text) throws(CommandError) in
            target.pull.certificateDirectory = target.caller.absolute(try nonEmpty(text))
        },
        .value("creds", nil, "USER[:PASSWORD]", "Credentials for the registry") { (target, text) throws(CommandError) in
            target.pull.credentials = text
        },
        .value("os", nil, "OS", "Choose the image for this operating system") { (target, text) throws(CommandError) in
            target.os = text.isEmpty ? nil : text
        },
        .value("platform", nil, "OS/ARCH[/VARIANT]", "Choose the image for this platform") {
            (target, text) throws(CommandError) in
            target.platform = text.isEmpty ? nil : try parsePlatform(text)
        },
        .value("pull", nil, "POLICY", "Pull the image: always, missing, never, newer (default missing)") {
            (target, text) throws(CommandError) in
            target.pullPolicy = try parsePullPolicy(text)
        },
        .flag("quiet", "q", "Show nothing while pulling") { $0.pull.quiet = $1 },
        .value("retry", nil, "N", "How often a failed pull is tried again") { (target, text) throws(CommandError) in
            target.pull.retries = Int(try parseInteger(text, as: UInt16.self))
        },
        .flag("rootfs", nil, "The first word is the directory of an unpacked image") { $0.rootfs = $1 },
        .flag("tls-verify", nil, "Require HTTPS and verify certificates") { $0.pull.tlsVerify = $1 },
        .value("variant", nil, "VARIANT", "Choose the image for this variant of the architecture") {
            (target, text) throws(CommandError) in
            target.variant = text.isEmpty ? nil : text
        },
    ]
}

/// `--pull`, with podman's other words for two of them.
package func parsePullPolicy(_ text: String) throws(CommandError) -> ContainerConfiguration.PullPolicy {
    switch text {
    case "", "ifnotpresent", "IfNotPresent": return .missing
    case "true": return .always
    case "false": return .never
    case "ifnewer": return .newer
    default:
        guard let policy = ContainerConfiguration.PullPolicy(rawValue: text.lowercased()) else {
            throw CommandError("unsupported pull policy \(quoted(text))")
        }
        return policy
    }
}
