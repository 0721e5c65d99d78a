#if Registry
import Foundation
import OCISpec
import Registry

/// An image made of nothing in particular: good enough for whoever does not unpack it.
struct FakeImage: Sendable {
    let layers: [[UInt8]]
    let layerDigests: [Digest]
    let urls: [[String]]
    private(set) var diffIDs: [Digest]

    init(layers: [[UInt8]] = [FakeImage.noise(5000, 1), FakeImage.noise(300_000, 2)], urls: [[String]] = []) {
        self.layers = layers
        self.urls = urls
        layerDigests = layers.map { Digest(hashing: $0) }
        diffIDs = layers.map { Digest(hashing: $0 + [0]) }
    }

    static func noise(_ count: Int, _ seed: UInt64) -> [UInt8] {
        var state = seed
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 33)
        }
    }

    static let architecture = Platform.host.architecture

    mutating func dropDiffID() { diffIDs.removeLast() }

    var config: [UInt8] {
        let ids = diffIDs.map { "\"\($0)\"" }.joined(separator: ",")
        let host = Platform.host
        return Array(
            #"{"os":"\#(host.os)","architecture":"\#(host.architecture)","rootfs":{"type":"layers","diff_ids":[\#(ids)]}}"#
                .utf8)
    }

    var manifest: [UInt8] {
        let layers = zip(self.layers, layerDigests).enumerated().map { index, layer in
            let urls = index < self.urls.count ? self.urls[index].map { "\"\($0)\"" }.joined(separator: ",") : ""
            return """
                {"mediaType":"\(MediaType.ociLayer)","digest":"\(layer.1)","size":\(layer.0.count),"urls":[\(urls)]}
                """
        }
        let text = """
            {"schemaVersion":2,"mediaType":"\(MediaType.ociManifest)",
            "config":{"mediaType":"\(MediaType.ociConfig)","digest":"\(Digest(hashing: config))","size":\(config.count)},
            "layers":[\(layers.joined(separator: ","))]}
            """
        return Array(text.utf8)
    }

    var manifestDigest: Digest { Digest(hashing: manifest) }

    /// Answers for any repository and any tag.
    func serve(_ request: FakeRegistry.Request) -> FakeRegistry.Reply {
        let name = request.path.split(separator: "/").last.map(String.init) ?? ""
        if request.path.contains("/manifests/") {
            guard !name.hasPrefix("sha256:") || name == "\(manifestDigest)" else { return .notFound }
            return FakeRegistry.Reply(
                headers: ["Content-Type": MediaType.ociManifest, "Docker-Content-Digest": "\(manifestDigest)"],
                body: manifest)
        }
        if name == "\(Digest(hashing: config))" { return FakeRegistry.Reply(body: config) }
        guard let index = layerDigests.firstIndex(where: { "\($0)" == name }) else { return .notFound }
        let layer = layers[index]
        guard let range = request.headers["range"], let start = Int(range.dropFirst("bytes=".count).dropLast()) else {
            return FakeRegistry.Reply(body: layer)
        }
        guard start < layer.count else { return FakeRegistry.Reply(status: 416) }
        return FakeRegistry.Reply(
            status: 206, headers: ["Content-Range": "bytes \(start)-\(layer.count - 1)/\(layer.count)"],
            body: Array(layer[start...]))
    }
}

/// Pulls with a machine of its own: no configuration but what a test gives, and no patience.
enum Pull {
    static var options: PullOptions {
        var options = PullOptions()
        options.verifiesTLS = false
        options.retryDelay = 0.01
        options.connectTimeout = 5
        options.readTimeout = 10
        return options
    }

    @discardableResult
    static func pull(
        _ name: String, to destination: MemoryDestination, options: PullOptions = Pull.options,
        home: ScratchHome? = nil, variables: [String: String] = [:]
    ) async throws -> RegistryClient.PulledImage {
        let home = try home ?? ScratchHome()
        let client = RegistryClient(environment: home.environment(variables))
        return try await onThread { try client.pull(name, to: destination, options: options) }
    }

    /// The client blocks; tests run on the very threads that it needs to get anywhere.
    static func onThread<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
        }
    }
}
#endif
