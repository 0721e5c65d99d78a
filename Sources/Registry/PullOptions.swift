import OCISpec

/// How an image is pulled.
public struct PullOptions: Sendable {
    /// The platform to choose from an index; nil is this machine's.
    public var platform: Platform?
    /// `--tls-verify`: nil leaves it to registries.conf.
    public var verifiesTLS: Bool?
    /// `--creds`; nil searches the auth files.
    public var credentials: Credentials?
    /// `--authfile`.
    public var authFile: String?
    /// `--cert-dir`.
    public var certificateDirectory: String?
    /// How often a request is repeated after a failure that may pass.
    public var retries = 3
    /// Seconds before the first repetition, doubled for each further one.
    public var retryDelay: Double = 1
    /// Layers transferred at a time.
    public var parallelLayers = 3
    /// Seconds until a connection must stand.
    public var connectTimeout: Double = 15
    /// Seconds without a byte after which a transfer is given up, and then repeated.
    public var readTimeout: Double = 60
    /// Bytes; a larger layer is refused.
    public var layerSizeLimit: Int64 = 1 << 40
    /// Told what happens, from any thread.
    public var progress: @Sendable (PullEvent) -> Void = { _ in }

    public init() {}
}

/// What happens during a pull.
public enum PullEvent: Equatable, Sendable {
    /// A place is asked for the image.
    case trying(Reference)
    /// The layers are known, lowest first, each once.
    case layers([ContentDescriptor])
    /// A layer was there already.
    case present(Digest)
    /// So many of a layer's bytes have arrived. Comes often: draw when it suits you.
    case received(Digest, bytes: Int64)
    case finished(Digest)
    /// A failure that is not the end.
    case retrying(reason: String, seconds: Double)
    case warning(String)
}
