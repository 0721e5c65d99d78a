import OCISpec
import Registry
import Testing

@Suite struct ManifestDocumentTests {
    private static let digest = "sha256:" + String(repeating: "a", count: 64)
    private static let config =
        #""config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"\#(digest)","size":2}"#

    private func parse(_ text: String, _ contentType: String? = nil) throws -> ManifestDocument {
        try ManifestDocument(parsing: Array(text.utf8), contentType: contentType, subject: "r.example/x")
    }

    @Test(
        "which kind it is",
        arguments: [
            (#"{"schemaVersion":2,\#(config),"layers":[]}"#, nil, false),
            (#"{"schemaVersion":2,"manifests":[]}"#, nil, true),
            (#"{"schemaVersion":2,"mediaType":"\#(MediaType.dockerManifestList)","manifests":[]}"#, "text/plain", true),
            (#"{"schemaVersion":2,"manifests":[]}"#, MediaType.ociIndex + "; charset=utf-8", true),
            (#"{"schemaVersion":2,"mediaType":"\#(MediaType.dockerManifest)",\#(config),"layers":[]}"#, nil, false),
        ] as [(String, String?, Bool)])
    func kinds(text: String, contentType: String?, isIndex: Bool) throws {
        if case .index = try parse(text, contentType) { #expect(isIndex) } else { #expect(!isIndex) }
    }

    @Test(
        "what is refused",
        arguments: [
            (#"{"schemaVersion":1,"name":"x","fsLayers":[]}"#, RegistryError.Code.unsupported, "schema 1"),
            (#"{"schemaVersion":2}"#, .invalid, "config"),
            (#"{"schemaVersion":2,"manifests":[],\#(config),"layers":[]}"#, .invalid, ""),
            (#"{"schemaVersion":2,"mediaType":"\#(MediaType.ociManifest)","manifests":[]}"#, .invalid, ""),
            ("not json", .invalid, ""), ("", .invalid, ""), ("[]", .invalid, ""),
        ])
    func refused(text: String, code: RegistryError.Code, words: String) {
        #expect {
            try parse(text)
        } throws: { error in
            "\(error)".hasPrefix("read manifest of r.example/x: ") && (words.isEmpty || "\(error)".contains(words))
                && (error as? RegistryError)?.code == code
        }
    }

    @Test func schemaOneByItsHeader() {
        #expect {
            try parse("{}", "application/vnd.docker.distribution.manifest.v1+prettyjws")
        } throws: {
            ($0 as? RegistryError)?.code == .unsupported
        }
    }

    @Test func choosesByPlatform() throws {
        func entry(_ platform: String, _ letter: String) -> String {
            let parts = platform.split(separator: "/")
            let variant = parts.count > 2 ? ",\"variant\":\"\(parts[2])\"" : ""
            return """
                {"mediaType":"\(MediaType.ociManifest)","size":2,"digest":"sha256:\(String(repeating: letter, count: 64))",
                "platform":{"os":"\(parts[0])","architecture":"\(parts[1])"\(variant)}}
                """
        }
        let text = """
            {"schemaVersion":2,"manifests":[\(entry("linux/amd64", "1")),\(entry("linux/arm/v6", "2")),
            \(entry("linux/arm/v7", "3")),\(entry("linux/arm64/v8", "4")),\(entry("unknown/unknown", "5"))]}
            """
        guard case .index(let index) = try parse(text) else { throw RegistryError(.invalid, "no index") }
        for (wanted, letter) in [
            ("linux/amd64", "1"), ("linux/arm/v7", "3"), ("linux/arm64", "4"), ("linux/arm/v6", "2"),
        ] {
            let chosen = try ManifestDocument.choose(Platform(parsing: wanted), from: index, subject: "x")
            #expect(chosen.digest.hex.first == Character(letter), "\(wanted)")
        }
        #expect(
            throws: RegistryError(
                .notFound,
                "pull x: no image for platform linux/s390x; there is linux/amd64, linux/arm/v6, linux/arm/v7, "
                    + "linux/arm64/v8")
        ) {
            try ManifestDocument.choose(Platform(parsing: "linux/s390x"), from: index, subject: "x")
        }
    }

    @Test(
        "images that cannot run",
        arguments: [
            ("application/vnd.example.config", MediaType.ociLayer, 5, "it is not a container image"),
            (
                MediaType.ociConfig, "application/vnd.example.layer", 5,
                "has the unknown type application/vnd.example.layer"
            ),
            (MediaType.ociConfig, MediaType.ociLayer, 101, "of 101 bytes; the limit is 100"),
            (MediaType.ociConfig, MediaType.ociLayerGzip, 100, nil),
        ] as [(String, String, Int64, String?)])
    func runnable(config: String, layer: String, size: Int64, words: String?) throws {
        let digest = try Digest(parsing: Self.digest)
        let manifest = ImageManifest(
            mediaType: MediaType.ociManifest,
            config: ContentDescriptor(mediaType: config, digest: digest, size: 2),
            layers: [ContentDescriptor(mediaType: layer, digest: digest, size: size)])
        guard let words else { return try manifest.checkIsRunnable(subject: "x", sizeLimit: 100) }
        #expect { try manifest.checkIsRunnable(subject: "x", sizeLimit: 100) } throws: { "\($0)".contains(words) }
    }
}
