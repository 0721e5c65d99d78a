import ImageStore
import OCISpec

/// Pulls images and tries credentials. Every call blocks until it is done.
///
/// A call starts threads. It is meant for a process that was forked for it from one without threads, and that leaves
/// by `exit` or `_exit` afterwards. A program with threads may call it too, but never from a Swift task: the call would
/// wait on the very threads that its work needs.
public struct RegistryClient: Sendable {
    let environment: RegistryEnvironment

    /// - Parameter environment: where configuration and credentials are looked for.
    public init(environment: RegistryEnvironment = .current()) {
        self.environment = environment
    }

    /// What a pull brought.
    package struct PulledImage: Sendable {
        /// What the name stood for, in full.
        package var reference: Reference
        package var manifest: [UInt8]
        package var manifestDigest: Digest
        /// Of the index that the manifest was chosen from.
        package var indexDigest: Digest?
    }

    /// Brings everything that an image consists of into a destination, which makes an image of it afterwards.
    package func pull(
        _ name: String, to destination: any PullDestination, options: PullOptions
    ) throws(RegistryError) -> PulledImage {
        #if Registry
        let environment = self.environment
        return try RegistryClient.blocking { () async throws(RegistryError) in
            try await PullSession(environment: environment, options: options).pull(name, to: destination)
        }
        #else
        throw RegistryError(.unsupported, "pull \(name): this program was built without registry support")
        #endif
    }

    /// Finds out whether a registry accepts credentials.
    ///
    /// - Parameters:
    ///   - key: `host[:port]`, or a namespace there, of which only the host is asked.
    ///   - options: its credentials and auth files are ignored.
    /// - Throws: `.unauthorized` where it does not; what keeps it from answering otherwise.
    public func verify(
        _ credentials: Credentials, for key: String, options: PullOptions = PullOptions()
    ) throws(RegistryError) {
        #if Registry
        let environment = self.environment
        try RegistryClient.blocking { () async throws(RegistryError) in
            try await PullSession(environment: environment, options: options).verify(credentials, for: key)
        }
        #else
        throw RegistryError(.unsupported, "log in to \(key): this program was built without registry support")
        #endif
    }
}
