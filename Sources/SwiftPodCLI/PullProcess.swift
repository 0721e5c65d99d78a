import OptionGrammar
import ContainerEngine
import Glibc
import ImageStore
import LinuxKernel
import OCISpec
import Registry

/// Brings images into the store, in a child process of its own.
struct PullProcess {
    let store: ImageStore
    let options: RegistryOptions
    /// Bars on stderr, where that is a terminal.
    let showsProgress: Bool

    /// Pulls an image and returns its id.
    @discardableResult
    func bring(
        _ name: String, platform: Platform?, policy: ContainerConfiguration.PullPolicy = .always
    ) throws(CommandError) -> Digest? {
        do {
            let id = try inChild { .string(try transfer(name, platform).description) }
            return id.string.flatMap { Digest($0) }
        } catch {
            let failure = failure(error)
            // `newer` is content with what is there when nothing can be asked.
            if policy == .newer, failure.exitCode == 125, (try? store.image(name)) ?? nil != nil { return nil }
            throw failure
        }
    }

    /// Runs in the child.
    private func transfer(_ name: String, _ platform: Platform?) throws -> Digest {
        var pull = try options.pullOptions()
        pull.platform = platform
        let bars = PullProgress(isDrawing: showsProgress && isatty(2) == 1)
        pull.progress = { bars.take($0) }
        defer { bars.finish() }
        return try RegistryClient().pull(name, into: store, options: pull).id
    }
}

extension RegistryOptions {
    /// The same, as the registry client has it.
    func pullOptions() throws(RegistryError) -> PullOptions {
        var result = PullOptions()
        result.verifiesTLS = tlsVerify
        result.credentials = try credentials.map { (text) throws(RegistryError) in try Credentials(argument: text) }
        result.authFile = authFile
        result.certificateDirectory = certificateDirectory
        if let retries { result.retries = retries }
        return result
    }
}
