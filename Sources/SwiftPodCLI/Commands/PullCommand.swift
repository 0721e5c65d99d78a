import OptionGrammar
import OCISpec
import Workers

/// What `pull` has been told.
package struct PullCommandOptions: Sendable {
    package var registry = RegistryOptions()
    package var platform: Platform?
    package var os: String?
    package var architecture: String?
    package var variant: String?
    let caller: Caller

    package init(caller: Caller) {
        self.caller = caller
    }

    package static let table: OptionParser<PullCommandOptions>.Table = [
        [
            .value("arch", nil, "ARCH", "Choose the image for this architecture") {
                (target, text) throws(CommandError) in
                target.architecture = try nonEmpty(text)
            },
            .value("authfile", nil, "FILE", "Read credentials from this file") { (target, text) throws(CommandError) in
                target.registry.authFile = target.caller.absolute(try nonEmpty(text))
            },
            .value("cert-dir", nil, "DIR", "Use the certificates of this directory") {
                (target, text) throws(CommandError) in
                target.registry.certificateDirectory = target.caller.absolute(try nonEmpty(text))
            },
            .value("creds", nil, "USER[:PASSWORD]", "Credentials for the registry") {
                (target, text) throws(CommandError) in
                target.registry.credentials = text
            },
            .value("os", nil, "OS", "Choose the image for this operating system") {
                (target, text) throws(CommandError) in
                target.os = try nonEmpty(text)
            },
            .value("platform", nil, "OS/ARCH[/VARIANT]", "Choose the image for this platform") {
                (target, text) throws(CommandError) in
                target.platform = try parsePlatform(text)
            },
            .flag("quiet", "q", "Show nothing while pulling") { $0.registry.quiet = $1 },
            .value("retry", nil, "N", "How often what failed is tried again (default 3)") {
                (target, text) throws(CommandError) in
                target.registry.retries = Int(try parseInteger(text, as: UInt16.self))
            },
            .flag("tls-verify", nil, "Require HTTPS and verify certificates") { $0.registry.tlsVerify = $1 },
            .value("variant", nil, "VARIANT", "Choose the image for this variant of the architecture") {
                (target, text) throws(CommandError) in
                target.variant = try nonEmpty(text)
            },
            .accepted("disable-content-trust", nil, .flag),
            .refused("all-tags", "a", .flag),
            .refused("decryption-key"),
            .refused("policy"),
            .refused("retry-delay"),
            .accepted("signature-policy"),
        ]
    ]

    package func chosenPlatform() throws(CommandError) -> Platform? {
        guard os != nil || architecture != nil || variant != nil else { return platform }
        if platform != nil { throw CommandError("--platform option can not be specified with --arch or --os") }
        return try parsePlatform(os: os, architecture: architecture, variant: variant)
    }
}

extension Verb {
    static let pull = Verb(
        name: "pull", summary: "Pull an image from a registry", usage: "[options] IMAGE [IMAGE...]",
        examples: ["pull debian:12", "pull --platform linux/arm64 alpine"],
        options: { described(PullCommandOptions.table) }
    ) { invocation in
        var options = PullCommandOptions(caller: invocation.caller)
        let words = try invocation.parse(PullCommandOptions.table, into: &options)
        guard !words.isEmpty else { throw CommandError("requires at least 1 arg(s), only received 0") }
        let platform = try options.chosenPlatform()
        let session = try Session(invocation, registry: options.registry)
        let puller = ImagePull(showing: options.registry, into: session.store)
        var failures = FailureCollector()
        for word in words {
            do throws(CommandError) {
                guard let id = try puller.bring(word.dropping(prefix: "docker://"), platform: platform) else {
                    continue
                }
                try? Output.line(id.hex)
            } catch { failures.add(error) }
        }
        return failures.exitCode
    }
}
