import OCISpec
import Testing

private let digits = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
private let digest = Digest(uncheckedHex: digits)

private func descriptor(_ mediaType: String, size: String = "7", digest: String = "sha256:" + digits) -> String {
    #"{"mediaType":"\#(mediaType)","size":\#(size),"digest":"\#(digest)"}"#
}

private let config = descriptor(MediaType.ociConfig)
private let layer = descriptor(MediaType.ociLayerGzip)

@Suite struct ImageManifestTests {
    @Test func readsDockersManifest() throws {
        let text = """
            {"schemaVersion": 2, "mediaType": "\(MediaType.dockerManifest)",
             "config": \(descriptor(MediaType.dockerConfig)),
             "layers": [\(descriptor(MediaType.dockerLayerGzip)), \(descriptor(MediaType.dockerLayer, size: "0"))]}
            """
        let manifest = try ImageManifest(parsing: Array(text.utf8))
        #expect(manifest.mediaType == MediaType.dockerManifest)
        #expect(manifest.config == ContentDescriptor(mediaType: MediaType.dockerConfig, digest: digest, size: 7))
        #expect(manifest.layers.map(\.size) == [7, 0])
        #expect(try ImageManifest(json: manifest.json) == manifest)
    }

    @Test func takesAnUntypedManifestForOCIs() throws {
        let manifest = try ImageManifest(
            parsing: Array(
                #"{"schemaVersion":2,"config":\#(config),"layers":null,"annotations":{"b":"2","a":"1"}}"#.utf8))
        #expect(manifest.mediaType == MediaType.ociManifest)
        #expect(manifest.layers.isEmpty)
        #expect(
            manifest.json.text
                == #"{"schemaVersion":2,"mediaType":"\#(MediaType.ociManifest)","config":"#
                + #"{"mediaType":"\#(MediaType.ociConfig)","digest":"sha256:\#(digits)","size":7},"#
                + #""layers":[],"annotations":{"a":"1","b":"2"}}"#)
    }

    static let flaws: [(String, String)] = [
        ("[]", "is not an object"),
        ("{}", "schemaVersion is missing"),
        (#"{"schemaVersion":"2"}"#, "schemaVersion is not an integer"),
        (#"{"schemaVersion":2.0}"#, "schemaVersion is not an integer"),
        (#"{"schemaVersion":1}"#, "schemaVersion is 1, not 2 (Docker's schema 1 is not supported)"),
        (#"{"schemaVersion":3}"#, "schemaVersion is 3, not 2"),
        (#"{"schemaVersion":2}"#, "config is missing"),
        (#"{"schemaVersion":2,"config":[]}"#, "config is not an object"),
        (
            #"{"schemaVersion":2,"mediaType":"text/html\n","config":\#(config)}"#,
            #"mediaType is "text/html\u{a}", not "application/vnd.oci.image.manifest.v1+json""#
        ),
        (
            #"{"schemaVersion":2,"config":\#(config),"manifests":[]}"#,
            "manifests does not belong into this kind of document"
        ),
        (#"{"schemaVersion":2,"config":\#(config),"layers":{}}"#, "layers is not an array"),
        (#"{"schemaVersion":2,"config":\#(config),"layers":[\#(layer),3]}"#, "layers[1] is not an object"),
        (
            #"{"schemaVersion":2,"config":\#(config),"layers":[\#(descriptor("x", size: "-1"))]}"#,
            "layers[0].size is negative"
        ),
        (
            #"{"schemaVersion":2,"config":\#(config),"layers":[\#(descriptor("x", size: "1e3"))]}"#,
            "layers[0].size is not an integer"
        ),
        (
            #"{"schemaVersion":2,"config":\#(config),"layers":[\#(descriptor("x", size: "9223372036854775808"))]}"#,
            "layers[0].size is out of range (-9223372036854775808 to 9223372036854775807)"
        ),
        (
            #"{"schemaVersion":2,"config":\#(config),"layers":[\#(descriptor("x", digest: "sha256:../../etc"))]}"#,
            "layers[0].digest is not sha256: and 64 lower-case hexadecimal digits"
        ),
        (
            #"{"schemaVersion":2,"config":\#(config),"layers":[\#(descriptor(#"x\u0000"#))]}"#,
            "layers[0].mediaType has a NUL character"
        ),
        (
            #"{"schemaVersion":2,"config":\#(config),"annotations":{"a":1}}"#, "annotations.a is not a string"
        ),
        (
            #"{"schemaVersion":2,"config":\#(config),"annotations":{"a\u0000":"b"}}"#,
            "annotations has a name with a NUL character"
        ),
    ]

    @Test(arguments: flaws) func saysWhatIsWrong(text: String, message: String) {
        let error = #expect(throws: DocumentError.self) { try ImageManifest(parsing: Array(text.utf8)) }
        #expect(error?.description == message)
    }

    @Test func keepsEveryMemberOfADescriptor() throws {
        var value = ContentDescriptor(mediaType: "a/b", digest: digest, size: .max)
        value.platform = Platform(os: "linux", architecture: "arm", variant: "v6")
        value.annotations = ["x": "y"]
        value.urls = ["http://registry.example/blob"]
        value.artifactType = "c/d"
        #expect(try ContentDescriptor(parsing: value.encoded()) == value)
    }

    @Test(arguments: [
        (MediaType.ociLayer, MediaType.Compression.uncompressed), (MediaType.dockerLayerGzip, .gzip),
        (MediaType.ociLayerZstd, .zstd), ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", .gzip),
        (MediaType.ociConfig, nil), ("", nil),
    ])
    func knowsHowLayersAreCompressed(mediaType: String, compression: MediaType.Compression?) {
        #expect(MediaType.compression(ofLayer: mediaType) == compression)
    }
}

@Suite struct ImageIndexTests {
    private func index(_ platforms: [String?]) throws -> ImageIndex {
        let manifests = platforms.enumerated().map { number, platform in
            var descriptor = ContentDescriptor(mediaType: MediaType.ociManifest, digest: digest, size: Int64(number))
            if let platform {
                let parts = platform.split(separator: "/").map(String.init)
                descriptor.platform = Platform(
                    os: parts[0], architecture: parts[1], variant: parts.count > 2 ? parts[2] : nil)
            }
            return descriptor
        }
        return try ImageIndex(json: ImageIndex(mediaType: MediaType.ociIndex, manifests: manifests).json)
    }

    /// What an index has, what is wanted, and the number of the entry that is chosen.
    static let choices: [([String?], String, Int64?)] = [
        (["linux/amd64", "linux/arm64/v8"], "linux/amd64", 0),
        (["linux/amd64", "linux/arm64/v8"], "linux/arm64", 1),
        (["linux/amd64", "linux/arm64"], "linux/arm64/v8", 1),
        (["windows/amd64", "linux/amd64"], "linux/amd64", 1),
        (["linux/amd64/v3", "linux/amd64"], "linux/amd64", 1),
        (["linux/amd64", "linux/amd64/v2", "linux/amd64/v3"], "linux/amd64/v3", 2),
        (["linux/amd64", "linux/amd64/v2"], "linux/amd64/v3", 1),
        (["linux/arm/v5", "linux/arm/v6"], "linux/arm/v7", 1),
        (["linux/arm/v7"], "linux/arm/v6", nil),
        (["linux/amd64", "linux/amd64"], "linux/amd64", 0),
        (["linux/386"], "linux/amd64", nil),
        (["unknown/unknown", "linux/amd64"], "linux/amd64", 1),
        ([nil, "linux/amd64"], "linux/amd64", 1),
        (["linux/arm64", nil], "linux/amd64", 1),
        ([], "linux/amd64", nil),
    ]

    @Test(arguments: choices) func chooses(has: [String?], wanted: String, expected: Int64?) throws {
        #expect(try index(has).manifest(for: try Platform(parsing: wanted))?.size == expected)
    }

    static let flaws: [(String, String)] = [
        (#"{"schemaVersion":2}"#, "manifests is missing"),
        (#"{"schemaVersion":2,"manifests":[],"layers":[]}"#, "layers does not belong into this kind of document"),
        (#"{"schemaVersion":2,"manifests":[],"config":{}}"#, "config does not belong into this kind of document"),
        (
            #"{"schemaVersion":2,"mediaType":"\#(MediaType.ociManifest)","manifests":[]}"#,
            #"mediaType is "\#(MediaType.ociManifest)", not "\#(MediaType.ociIndex)""#
        ),
        (
            #"{"schemaVersion":2,"manifests":[{"mediaType":"x","size":1,"digest":"sha256:\#(digits)","platform":{}}]}"#,
            "manifests[0].platform.os is missing"
        ),
    ]

    @Test(arguments: flaws) func saysWhatIsWrong(text: String, message: String) {
        let error = #expect(throws: DocumentError.self) { try ImageIndex(parsing: Array(text.utf8)) }
        #expect(error?.description == message)
    }
}

@Suite struct ImageConfigTests {
    @Test func readsDockersConfiguration() throws {
        let text = """
            {"architecture":"arm64","variant":"v8","os":"linux","created":"2024-01-02T03:04:05.678Z","author":"a",
             "container":"abc","docker_version":"20.10","container_config":{"Hostname":"x"},
             "config":{"Hostname":"","User":"1000:1000","ExposedPorts":{"80/tcp":{},"53/udp":{}},"Tty":false,
               "Env":["PATH=/bin","A="],"Cmd":["sh","-c","x"],"Entrypoint":["/init"],"Image":"sha256:x",
               "Healthcheck":{"Test":["CMD","true"],"Interval":1e9},"Volumes":{"/data":{},"/a":{}},
               "WorkingDir":"/w","OnBuild":null,"Labels":{"l":"v"},"StopSignal":"SIGINT","ArgsEscaped":true},
             "rootfs":{"type":"layers","diff_ids":["sha256:\(digits)"]},
             "history":[{"created":"2024-01-02T03:04:05Z","created_by":"ADD","comment":"c"},{"empty_layer":true}]}
            """
        let image = try ImageConfig(parsing: Array(text.utf8))
        #expect(image.platform.description == "linux/arm64/v8")
        #expect(image.created == "2024-01-02T03:04:05.678Z")
        #expect(image.diffIDs == [digest])
        #expect(image.config.user == "1000:1000")
        #expect(image.config.exposedPorts == ["53/udp", "80/tcp"])
        #expect(image.config.env == ["PATH=/bin", "A="])
        #expect(image.config.entrypoint == ["/init"])
        #expect(image.config.cmd == ["sh", "-c", "x"])
        #expect(image.config.volumes == ["/a", "/data"])
        #expect(image.config.workingDir == "/w")
        #expect(image.config.labels == ["l": "v"])
        #expect(image.config.stopSignal == "SIGINT")
        #expect(image.history.map(\.emptyLayer) == [false, true])
        #expect(image.history[0].createdBy == "ADD")
        #expect(try ImageConfig(parsing: image.encoded()) == image)
        #expect(try ImageConfig(parsing: image.encoded(pretty: true)) == image)
    }

    @Test(arguments: [
        #"{"rootfs":{"type":"layers","diff_ids":null},"config":null,"history":null}"#,
        #"{"rootfs":{"diff_ids":[]},"os":"","architecture":"","config":{"User":null,"Cmd":null,"StopSignal":""}}"#,
    ])
    func takesNullForAbsent(text: String) throws {
        let image = try ImageConfig(parsing: Array(text.utf8))
        #expect(image == ImageConfig(platform: .host, diffIDs: []))
    }

    @Test func writesNoEmptyMember() {
        let image = ImageConfig(platform: Platform(os: "linux", architecture: "amd64"), diffIDs: [])
        #expect(
            image.json.text
                == #"{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[]}}"#)
    }

    @Test func takesAWordForAnArrayOfOne() throws {
        let text = #"{"rootfs":{},"config":{"Cmd":"sh","Entrypoint":""}}"#
        let image = try ImageConfig(parsing: Array(text.utf8))
        #expect(image.config.cmd == ["sh"])
        #expect(image.config.entrypoint == [])
    }

    static let flaws: [(String, String)] = [
        ("{}", "rootfs is missing"),
        (#"{"rootfs":[]}"#, "rootfs is not an object"),
        (#"{"rootfs":{"type":"tree"}}"#, #"rootfs.type is not "layers""#),
        (
            #"{"rootfs":{"diff_ids":["sha256:x"]}}"#,
            "rootfs.diff_ids[0] is not sha256: and 64 lower-case hexadecimal digits"
        ),
        (#"{"rootfs":{},"config":"x"}"#, "config is not an object"),
        (#"{"rootfs":{},"config":{"Env":["a=b",1]}}"#, "config.Env[1] is not a string"),
        (#"{"rootfs":{},"config":{"Env":["a=\u0000"]}}"#, "config.Env[0] has a NUL character"),
        (#"{"rootfs":{},"config":{"Cmd":[["x"]]}}"#, "config.Cmd[0] is not a string"),
        (#"{"rootfs":{},"config":{"Volumes":["/a"]}}"#, "config.Volumes is not an object"),
        (#"{"rootfs":{},"config":{"Volumes":{"/a\u0000":{}}}}"#, "config.Volumes has a name with a NUL character"),
        (#"{"rootfs":{},"config":{"Labels":{"a\u001b[2J":{}}}}"#, #"config.Labels.a\u{1b}[2J is not a string"#),
        (#"{"rootfs":{},"history":[{"empty_layer":"true"}]}"#, "history[0].empty_layer is not true or false"),
        (#"{"rootfs":{},"os":1}"#, "os is not a string"),
    ]

    @Test(arguments: flaws) func saysWhatIsWrong(text: String, message: String) {
        let error = #expect(throws: DocumentError.self) { try ImageConfig(parsing: Array(text.utf8)) }
        #expect(error?.description == message)
    }
}
