#if Registry
import NIOPosix
import OCISpec

/// One pull, or one login, from configuration to the last byte: goes through the names that a name may stand for and
/// the places that have it.
struct PullSession: Sendable {
    let environment: RegistryEnvironment
    let options: PullOptions

    func pull(
        _ name: String, to destination: any PullDestination
    ) async throws(RegistryError) -> RegistryClient.PulledImage {
        let configuration = try RegistriesConfiguration.load(environment)
        var failures: [RegistryError] = []
        for candidate in try configuration.candidates(for: name) {
            let sources = try configuration.sources(for: candidate)
            do throws(RegistryError) {
                return try await pull(candidate, from: sources, to: destination)
            } catch {
                guard PullSession.mayBeElsewhere(error) else { throw error }
                failures.append(error)
            }
        }
        throw PullSession.join(failures, name: name)
    }

    private func pull(
        _ reference: Reference, from sources: [RegistriesConfiguration.Source], to destination: any PullDestination
    ) async throws(RegistryError) -> RegistryClient.PulledImage {
        var mirrorFailures: [String] = []
        for source in sources {
            options.progress(.trying(source.reference))
            do throws(RegistryError) {
                let result = try await pull(source, to: destination)
                return RegistryClient.PulledImage(
                    reference: reference, manifest: result.manifest, manifestDigest: result.manifestDigest,
                    indexDigest: result.indexDigest)
            } catch {
                guard PullSession.mayBeElsewhere(error) else { throw error }
                guard source.isMirror else {
                    guard !mirrorFailures.isEmpty else { throw error }
                    let mirrors = mirrorFailures.joined(separator: "; ")
                    throw RegistryError(error.code, "\(error.message) (mirrors failed as well: \(mirrors))")
                }
                mirrorFailures.append(error.message)
            }
        }
        throw RegistryError(.notFound, "pull \(reference): there is nowhere to pull it from")
    }

    private func pull(
        _ source: RegistriesConfiguration.Source, to destination: any PullDestination
    ) async throws(RegistryError) -> ImagePuller.Result {
        let transport = try HTTPTransport(environment: environment, options: options)
        let threads = NIOThreadPool(numberOfThreads: max(1, options.parallelLayers) + 1)
        threads.start()
        let session = RegistrySession(
            source, insecure: options.verifiesTLS.map { !$0 } ?? source.insecure,
            credentials: try credentials(for: source), transport: transport, environment: environment,
            options: options)
        let puller = ImagePuller(
            session: session, reference: source.reference, destination: destination, options: options,
            threads: threads)
        let result: Result<ImagePuller.Result, RegistryError>
        do {
            result = .success(try await puller.pull())
        } catch {
            result = .failure(error)
        }
        await transport.shutdown()
        try? await threads.shutdownGracefully()
        return try result.get()
    }

    /// Credentials given by hand are for the registry that the image's name means, not for its mirrors.
    private func credentials(for source: RegistriesConfiguration.Source) throws(RegistryError) -> Credentials? {
        if let credentials = options.credentials, !source.isMirror { return credentials }
        let progress = options.progress
        return try CredentialStore(environment: environment, authFile: options.authFile)
            .credentials(for: source.reference.name) { progress(.warning($0)) }
    }

    /// Whether another registry could do better: not where the fault is on this side.
    private static func mayBeElsewhere(_ error: RegistryError) -> Bool {
        switch error.code {
        case .storage, .cancelled, .configuration, .blocked: false
        default: true
        }
    }

    private static func join(_ failures: [RegistryError], name: String) -> RegistryError {
        guard let last = failures.last else { return RegistryError(.notFound, "pull \(name): not found") }
        guard failures.count > 1 else { return last }
        // Where one registry has a reason of its own, that says more than that others do not have the image.
        let code = failures.first { $0.code != .notFound }?.code ?? .notFound
        return RegistryError(code, failures.map(\.message).joined(separator: "; "))
    }

    // MARK: Login

    func verify(_ credentials: Credentials, for key: String) async throws(RegistryError) {
        let host = String(key.prefix { $0 != "/" })
        let configuration = try RegistriesConfiguration.load(environment)
        let reference = Reference(registry: host, repository: "", tag: nil, digest: nil)
        let registry = configuration.registry(for: reference)
        let source = RegistriesConfiguration.Source(
            reference: reference, insecure: registry?.endpoint.insecure ?? false, isMirror: false)
        let transport = try HTTPTransport(environment: environment, options: options)
        let session = RegistrySession(
            source, insecure: options.verifiesTLS.map { !$0 } ?? source.insecure, credentials: credentials,
            transport: transport, environment: environment, options: options)
        var failure: RegistryError?
        do {
            let response = try await session.get(.path("/v2/"))
            if response.status != 200 {
                failure = await RegistryError(refusedBy: response, action: "log in to \(host)")
            }
        } catch {
            failure = error
        }
        await transport.shutdown()
        if let failure { throw failure }
    }
}
#endif
