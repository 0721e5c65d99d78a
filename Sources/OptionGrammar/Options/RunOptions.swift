import ContainerEngine
import OCISpec

/// What `run` and `create` have been told, while the options are read.
///
/// Most options go straight into the configuration. What depends on the order of kinds (files before flags), on another
/// option or on the image's word waits in the members beside it until ``RunOptions/request(positionals:globals:caller:)``.
package struct RunOptions: Sendable {
    package var configuration = ContainerConfiguration(source: .directory("/"))
    package let caller: Caller
    package var environmentFiles: [String] = []
    package var environmentWords: [String] = []
    package var labelFiles: [String] = []
    package var labelWords: [String] = []
    package var networks: [String] = []
    package var userNamespace: String?
    package var uidMappings: [RuntimeSpec.IDMapping] = []
    package var gidMappings: [RuntimeSpec.IDMapping] = []
    package var pullPolicy = ContainerConfiguration.PullPolicy.missing
    package var platform: Platform?
    package var os: String?
    package var architecture: String?
    package var variant: String?
    package var rootfs = false
    package var detach = false
    package var attach: [String] = []
    package var signalProxy = true
    package var detachKeys = defaultDetachKeys
    package var cidFile: String?
    package var warnings: [String] = []
    package var pull = RegistryOptions()
    package var printsPlan = false
    package var trace: TraceFormat?

    package init(caller: Caller) {
        self.caller = caller
    }
}

/// How images are brought in: `pull`'s options that `run` and `create` share.
package struct RegistryOptions: Equatable, Sendable {
    package var quiet = false
    package var authFile: String?
    /// nil: as registries.conf says.
    package var tlsVerify: Bool?
    /// `USER[:PASSWORD]`.
    package var credentials: String?
    package var certificateDirectory: String?
    package var retries: Int?

    package init() {}
}

/// A `run` or `create` command line, understood.
package struct RunRequest: Equatable, Sendable {
    package var configuration: ContainerConfiguration
    package var detach = false
    /// Which streams of the container the caller gets.
    package var streams: Streams = []
    package var signalProxy = true
    /// What is typed to leave an attached container to itself; empty for never.
    package var detachKeys = defaultDetachKeys
    /// Absolute.
    package var cidFile: String?
    package var pull = RegistryOptions()
    package var warnings: [String] = []
    /// `--plan`: say what would be done, and do nothing.
    package var printsPlan = false
    /// `--trace`
    package var trace: TraceFormat?

    /// Streams of the container.
    package struct Streams: OptionSet, Sendable {
        package let rawValue: UInt8

        package init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        package static let stdin = Streams(rawValue: 1)
        package static let stdout = Streams(rawValue: 2)
        package static let stderr = Streams(rawValue: 4)

        /// Of one name, in whatever case; nil for any other word.
        package init?(name: String) {
            switch name.lowercased() {
            case "stdin": self = .stdin
            case "stdout": self = .stdout
            case "stderr": self = .stderr
            default: return nil
            }
        }
    }
}

extension RunRequest {
    /// Reads the words after `run` or `create`.
    package init(
        parsing words: ArraySlice<String>, table: OptionParser<RunOptions>.Table = RunOptions.table,
        globals: inout GlobalOptions, caller: Caller
    ) throws {
        var options = RunOptions(caller: caller)
        let parser = OptionParser(rows: table, interspersed: false)
        let positionals = try parser.parse(words, into: &options, globals: &globals)
        self = try options.request(positionals: positionals, globals: globals)
    }
}

extension RunOptions {
    /// The request, once all options are there.
    package consuming func request(
        positionals: [String], globals: GlobalOptions
    ) throws(CommandError) -> RunRequest {
        guard let image = positionals.first, !image.isEmpty else {
            throw CommandError("requires at least 1 arg(s), only received 0")
        }
        try checkConflicts()
        configuration.source = try source(image)
        configuration.command = Array(positionals.dropFirst())
        configuration.cgroupManager = globals.cgroupManager
        try resolveEnvironment()
        try resolveLabels()
        try resolveUserNamespace()
        configuration.network.mode = try networkMode()

        var request = RunRequest(configuration: configuration)
        request.detach = detach
        request.streams = try streams()
        request.signalProxy = signalProxy
        request.detachKeys = detachKeys
        request.cidFile = cidFile
        request.pull = pull
        request.warnings = warnings
        request.printsPlan = printsPlan
        request.trace = trace
        return request
    }

    private func checkConflicts() throws(CommandError) {
        if configuration.removeOnExit, configuration.restart != .no {
            throw CommandError("the --rm option conflicts with --restart")
        }
        if configuration.replace, configuration.name == nil {
            throw CommandError("cannot replace container without --name being set")
        }
        if platform != nil, os != nil || architecture != nil {
            throw CommandError("--platform option can not be specified with --arch or --os")
        }
        if detach, !attach.isEmpty { throw CommandError("conflicting options: --attach and --detach") }
    }

    private func source(_ image: String) throws(CommandError) -> ContainerConfiguration.Source {
        if rootfs {
            for suffix in [":O", ":idmap"] where image.hasSuffix(suffix) {
                throw CommandError("rootfs \(image): the option \(suffix) is not supported yet")
            }
            return .directory(caller.absolute(image))
        }
        var wanted = platform
        if os != nil || architecture != nil || variant != nil {
            wanted = try parsePlatform(os: os, architecture: architecture, variant: variant)
        }
        return .image(image, pull: pullPolicy, platform: wanted)
    }

    private mutating func resolveEnvironment() throws(CommandError) {
        for path in environmentFiles {
            configuration.environment.variables += try parseEnvironmentFile(path, caller: caller)
        }
        for word in environmentWords {
            configuration.environment.variables += try parseVariable(word, caller: caller)
        }
    }

    private mutating func resolveLabels() throws(CommandError) {
        for path in labelFiles {
            for (name, value) in try parseLabelFile(path, caller: caller) { configuration.labels[name] = value }
        }
        for word in labelWords {
            let (name, value) = try parseLabel(word)
            configuration.labels[name] = value
        }
    }

    private mutating func resolveUserNamespace() throws(CommandError) {
        if uidMappings.isEmpty, gidMappings.isEmpty {
            let mode = userNamespace ?? caller.variable("PODMAN_USERNS") ?? ""
            configuration.namespaces.user = try NamespaceOptions.User.parse(mode)
            return
        }
        if let userNamespace, userNamespace != "private", !userNamespace.isEmpty {
            throw CommandError("--userns and --uidmap/--gidmap are mutually exclusive")
        }
        // One of the two alone stands for both.
        configuration.namespaces.user = .explicit(
            uid: uidMappings.isEmpty ? gidMappings : uidMappings, gid: gidMappings.isEmpty ? uidMappings : gidMappings)
    }

    private func networkMode() throws(CommandError) -> NetworkOptions.Mode? {
        guard let first = networks.first else { return nil }
        if networks.count > 1, networks.contains(where: { $0 != first }) {
            throw CommandError("cannot set multiple networks without bridge network mode, selected mode \(first)")
        }
        return try NetworkOptions.Mode.parse(first)
    }

    private func streams() throws(CommandError) -> RunRequest.Streams {
        if detach { return [] }
        if attach.isEmpty { return configuration.interactive ? [.stdin, .stdout, .stderr] : [.stdout, .stderr] }
        var chosen: RunRequest.Streams = []
        for name in attach {
            guard let stream = RunRequest.Streams(name: name) else {
                throw CommandError(
                    "invalid stream \(quoted(name)) for --attach - must be one of stdin, stdout, or stderr")
            }
            // As podman, stdin needs --interactive as well to be more than an open end.
            if stream != .stdin || configuration.interactive { chosen.insert(stream) }
        }
        return chosen
    }
}
