import ContainerEngine
import ImageStore
import OCISpec
import OptionGrammar
import Registry

/// Brings images into the store, in a child process of its own. Commands and launchers pull alike.
package struct ImagePull {
    package let store: ImageStore
    package let options: RegistryOptions
    /// Told what happens, in the child.
    package var progress: @Sendable (PullEvent) -> Void = { _ in }
    /// Called in the child when there is no more to tell.
    package var finish: () -> Void = {}

    package init(store: ImageStore, options: RegistryOptions) {
        self.store = store
        self.options = options
    }

    /// Pulls an image and returns its id; nil where ``ContainerConfiguration/PullPolicy/newer`` is content with the image
    /// that is there.
    @discardableResult
    package func bring(
        _ name: String, platform: Platform?, policy: ContainerConfiguration.PullPolicy = .always
    ) throws(CommandError) -> Digest? {
        do {
            let id = try inChild { .string(try transfer(name, platform).description) }
            return id.string.flatMap { Digest($0) }
        } catch {
            let code = (error as? ForkedFailure)?.exitCode ?? 125
            // `newer` is content with what is there when nothing can be asked.
            if policy == .newer, code == 125, (try? store.image(name)) ?? nil != nil { return nil }
            throw CommandError("\(error)", exitCode: code)
        }
    }

    /// Runs in the child.
    private func transfer(_ name: String, _ platform: Platform?) throws -> Digest {
        var pull = try options.pullOptions()
        pull.platform = platform
        pull.progress = progress
        defer { finish() }
        return try RegistryClient().pull(name, into: store, options: pull).id
    }
}

extension RegistryOptions {
    /// The same, as the registry client has it.
    package func pullOptions() throws(RegistryError) -> PullOptions {
        var result = PullOptions()
        result.verifiesTLS = tlsVerify
        result.credentials = try credentials.map { (text) throws(RegistryError) in try Credentials(argument: text) }
        result.authFile = authFile
        result.certificateDirectory = certificateDirectory
        if let retries { result.retries = retries }
        return result
    }
}
