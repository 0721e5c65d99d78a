#if Registry
import Foundation
import OCISpec
import Registry
import Synchronization
import Testing

/// What goes wrong on the way, one scripted fault at a time.
@Suite struct TransportTests {
    // MARK: A good pull

    @Test func pullsByTagAndByDigest() async throws {
        let image = FakeImage()
        let server = try FakeRegistry { image.serve($0) }
        let store = MemoryDestination()
        let events = Mutex<[PullEvent]>([])
        var options = Pull.options
        options.progress = { event in events.withLock { $0.append(event) } }
        let pulled = try await Pull.pull("\(server.host)/app:1", to: store, options: options)
        #expect(pulled.manifest == image.manifest)
        #expect(pulled.manifestDigest == image.manifestDigest)
        #expect(pulled.reference.description == "\(server.host)/app:1")
        #expect(store.state.withLock { $0.layers } == Set(image.diffIDs))
        #expect(store.state.withLock { $0.partial.isEmpty })
        let seen = events.withLock { $0 }
        for digest in image.layerDigests { #expect(seen.contains(.finished(digest))) }
        #expect(
            seen.contains {
                if case .layers(let layers) = $0 { layers.map(\.digest) == image.layerDigests } else { false }
            })

        // What is there is not asked for again.
        let before = server.requests.count
        _ = try await Pull.pull("\(server.host)/app@\(image.manifestDigest)", to: store)
        #expect(server.requests.count == before + 1)
    }

    @Test func asksForAllKindsOfManifests() async throws {
        let image = FakeImage()
        let server = try FakeRegistry { image.serve($0) }
        _ = try await Pull.pull("\(server.host)/app", to: MemoryDestination())
        let manifest = try #require(server.requests.first { $0.path == "/v2/app/manifests/latest" })
        for type in ManifestDocument.mediaTypes { #expect(manifest.headers["accept"]?.contains(type) == true) }
    }

    @Test func equalLayersAreTransferredOnce() async throws {
        let image = FakeImage(layers: [Array("same".utf8), Array("other".utf8), Array("same".utf8)])
        let server = try FakeRegistry { image.serve($0) }
        _ = try await Pull.pull("\(server.host)/app", to: MemoryDestination())
        #expect(server.requests.filter { $0.path.hasSuffix("\(image.layerDigests[0])") }.count == 1)
    }

    // MARK: Interruptions

    @Test func resumesACutTransferByRange() async throws {
        let image = FakeImage()
        let cuts = Mutex(0)
        let server = try FakeRegistry { request in
            var reply = image.serve(request)
            if request.path.hasSuffix("\(image.layerDigests[1])"),
                cuts.withLock({
                    $0 += 1; return $0
                }) <= 2
            {
                reply.cutAfter = 100_000
            }
            return reply
        }
        let store = MemoryDestination()
        _ = try await Pull.pull("\(server.host)/app", to: store)
        #expect(store.state.withLock { $0.blobs[image.layerDigests[1]] } == image.layers[1])
        let ranges = server.requests.filter { $0.path.hasSuffix("\(image.layerDigests[1])") }.map {
            $0.headers["range"]
        }
        // A cut may take with it what had arrived and was not read yet.
        let starts = ranges.compactMap { $0.flatMap { Int($0.dropFirst("bytes=".count).dropLast()) } }
        #expect(ranges.count == 3 && ranges[0] == nil && starts.count == 2)
        #expect(starts.allSatisfy { (1...200_000).contains($0) } && starts == starts.sorted())
    }

    @Test func aServerWithoutRangesStartsAgain() async throws {
        let image = FakeImage()
        let first = Mutex(true)
        let server = try FakeRegistry { request in
            var plain = request
            plain.headers["range"] = nil
            var reply = image.serve(plain)
            if request.path.hasSuffix("\(image.layerDigests[1])"),
                first.withLock({
                    let now = $0; $0 = false; return now
                })
            {
                reply.cutAfter = 70_000
            }
            return reply
        }
        let store = MemoryDestination()
        _ = try await Pull.pull("\(server.host)/app", to: store)
        #expect(store.state.withLock { $0.blobs[image.layerDigests[1]] } == image.layers[1])
    }

    @Test func continuesWhatAnEarlierPullLeft() async throws {
        let image = FakeImage()
        let server = try FakeRegistry { image.serve($0) }
        let store = MemoryDestination()
        store.leave(Array(image.layers[1].prefix(12345)), of: image.layerDigests[1])
        _ = try await Pull.pull("\(server.host)/app", to: store)
        #expect(server.requests.contains { $0.headers["range"] == "bytes=12345-" })
        #expect(store.state.withLock { $0.layers } == Set(image.diffIDs))
    }

    @Test(arguments: [12345, 300_000, 400_000])
    func startsOverWhenWhatWasLeftIsBad(count: Int) async throws {
        let image = FakeImage()
        let server = try FakeRegistry { image.serve($0) }
        let store = MemoryDestination()
        store.leave([UInt8](repeating: 7, count: count), of: image.layerDigests[1])
        _ = try await Pull.pull("\(server.host)/app", to: store)
        #expect(store.state.withLock { $0.blobs[image.layerDigests[1]] } == image.layers[1])
    }

    @Test(arguments: [429, 500, 502, 503, 504])
    func repeatsWhatTimeMayCure(status: Int) async throws {
        let image = FakeImage()
        // Each path answers at the third time: of all requests together, one layer's could always be the wrong ones.
        let counts = Mutex<[String: Int]>([:])
        let server = try FakeRegistry { request in
            let count = counts.withLock { counts in
                counts[request.path, default: 0] += 1
                return counts[request.path]!
            }
            return count % 3 == 0 ? image.serve(request) : FakeRegistry.Reply(status: status)
        }
        let events = Mutex<[PullEvent]>([])
        var options = Pull.options
        options.progress = { event in events.withLock { $0.append(event) } }
        _ = try await Pull.pull("\(server.host)/app", to: MemoryDestination(), options: options)
        #expect(events.withLock { $0.contains { if case .retrying = $0 { true } else { false } } })
    }

    @Test func waitsAsLongAsRetryAfterSays() async throws {
        let image = FakeImage()
        let first = Mutex(true)
        let server = try FakeRegistry { request in
            first.withLock({
                let now = $0; $0 = false; return now
            })
                ? FakeRegistry.Reply(status: 429, headers: ["Retry-After": "1"]) : image.serve(request)
        }
        let start = Date()
        _ = try await Pull.pull("\(server.host)/app", to: MemoryDestination())
        #expect(Date().timeIntervalSince(start) >= 1)
    }

    @Test func givesUpAfterTheRetries() async throws {
        let server = try FakeRegistry { _ in FakeRegistry.Reply(status: 503) }
        await #expect(
            throws: RegistryError(.network, "pull \(server.host)/app: the server answers 503 Service Unavailable")
        ) {
            try await Pull.pull("\(server.host)/app", to: MemoryDestination())
        }
        #expect(server.requests.count == 1 + Pull.options.retries)
    }

    @Test func aRateLimitIsNamed() async throws {
        let server = try FakeRegistry { _ in
            .json(
                #"{"errors":[{"code":"TOOMANYREQUESTS","message":"you have reached your pull rate limit"}]}"#,
                status: 429)
        }
        await #expect(
            throws: RegistryError(.rateLimited, "pull \(server.host)/app: you have reached your pull rate limit")
        ) {
            try await Pull.pull("\(server.host)/app", to: MemoryDestination())
        }
    }

    @Test func aSilentServerIsGivenUp() async throws {
        let server = try FakeRegistry { _ in FakeRegistry.Reply(delay: 3) }
        var options = Pull.options
        options.readTimeout = 0.2
        options.retries = 1
        await #expect {
            try await Pull.pull("\(server.host)/app", to: MemoryDestination(), options: options)
        } throws: {
            "\($0)" == "read from localhost:\(server.port): nothing came for too long"
        }
    }

    // MARK: Lies

    @Test func wrongContentIsRefused() async throws {
        let image = FakeImage()
        let server = try FakeRegistry { request in
            var reply = image.serve(request)
            if request.path.hasSuffix("\(image.layerDigests[0])") { reply.body[0] ^= 1 }
            return reply
        }
        let store = MemoryDestination()
        await #expect {
            try await Pull.pull("\(server.host)/app", to: store)
        } throws: {
            ($0 as? RegistryError)?.code == .invalid && "\($0)".contains("\(image.layerDigests[0]): the digest is ")
        }
        #expect(store.state.withLock { $0.partial[image.layerDigests[0]] == nil })
        #expect(server.requests.filter { $0.path.hasSuffix("\(image.layerDigests[0])") }.count == 1)
    }

    @Test(arguments: [true, false])
    func anOversizedLayerIsRefused(saysSo: Bool) async throws {
        let image = FakeImage()
        let server = try FakeRegistry { request in
            var reply = image.serve(request)
            if request.path.hasSuffix("\(image.layerDigests[0])") {
                reply.body += [UInt8](repeating: 0, count: 1000)
                if !saysSo { reply.claimedLength = -1 }
            }
            return reply
        }
        let size = image.layers[0].count
        await #expect {
            try await Pull.pull("\(server.host)/app", to: MemoryDestination())
        } throws: {
            "\($0)".hasSuffix(
                saysSo
                    ? "the server sends \(size + 1000) bytes, the manifest says \(size)"
                    : "the server sends more than the \(size) bytes of the manifest")
        }
    }

    @Test func aTruncatedLayerIsNamed() async throws {
        let image = FakeImage()
        let server = try FakeRegistry { request in
            var reply = image.serve(request)
            if request.path.hasSuffix("\(image.layerDigests[0])") {
                reply.body = request.headers["range"] == nil ? Array(reply.body.prefix(10)) : []
                reply.headers["Content-Range"] = "bytes 10-19/20"
            }
            return reply
        }
        await #expect {
            try await Pull.pull("\(server.host)/app", to: MemoryDestination())
        } throws: {
            ($0 as? RegistryError)?.code == .network
                && "\($0)".hasSuffix("the transfer ended at 10 of \(image.layers[0].count) bytes")
        }
    }

    @Test func manifestsAreChecked() async throws {
        let image = FakeImage()
        let wrong = "sha256:" + String(repeating: "0", count: 64)
        let server = try FakeRegistry { request in
            if request.path.hasSuffix(wrong) { return .json(String(decoding: image.manifest, as: UTF8.self)) }
            if request.path.hasSuffix("/huge") { return .json(String(repeating: " ", count: 5 << 20)) }
            if request.path.hasSuffix("/endless") {
                var reply = FakeRegistry.Reply.json(String(repeating: " ", count: 5 << 20))
                reply.claimedLength = -1
                return reply
            }
            if request.path.hasSuffix("/old") { return .json(#"{"schemaVersion":1,"name":"app","fsLayers":[]}"#) }
            if request.path.hasSuffix("/broken") { return .json("{") }
            var reply = image.serve(request)
            if request.path.hasSuffix("/header") { reply.headers["Docker-Content-Digest"] = wrong }
            return reply
        }
        for (name, words) in [
            ("@\(wrong)", "the manifest's digest is \(image.manifestDigest) where \(wrong) was promised"),
            (":header", "the manifest's digest is \(image.manifestDigest) where \(wrong) was promised"),
            (":huge", "the limit is 4194304"), (":endless", "more than the limit of 4194304 bytes"),
            (":old", "schema 1"), (":broken", "read manifest of \(server.host)/app:broken: "),
        ] {
            await #expect("\(name)") {
                try await Pull.pull("\(server.host)/app\(name)", to: MemoryDestination())
            } throws: {
                "\($0)".contains(words)
            }
        }
    }

    @Test func layersAndConfigurationMustAgree() async throws {
        var image = FakeImage()
        image.dropDiffID()
        let server = try FakeRegistry { [image] in image.serve($0) }
        await #expect {
            try await Pull.pull("\(server.host)/app", to: MemoryDestination())
        } throws: {
            "\($0)".hasSuffix("2 layers, but the configuration speaks of 1")
        }
    }

    @Test func aFullDiskIsNotTriedElsewhere() async throws {
        let image = FakeImage()
        let server = try FakeRegistry { image.serve($0) }
        await #expect {
            try await Pull.pull("\(server.host)/app", to: MemoryDestination(capacity: 1000))
        } throws: {
            ($0 as? RegistryError)?.code == .storage && "\($0)".hasSuffix("write: no space left on device")
        }
    }

    // MARK: Not there

    @Test func unknownImagesHostsAndPorts() async throws {
        let server = try FakeRegistry { _ in .notFound }
        await #expect(throws: RegistryError(.notFound, "pull \(server.host)/app:x: manifest unknown")) {
            try await Pull.pull("\(server.host)/app:x", to: MemoryDestination())
        }
        await #expect(throws: RegistryError(.network, "connect to localhost:1: connection refused")) {
            try await Pull.pull("localhost:1/app", to: MemoryDestination())
        }
        await #expect(throws: RegistryError(.network, "look up host no-such-host.invalid: no such host")) {
            try await Pull.pull("no-such-host.invalid/app", to: MemoryDestination())
        }
    }

    @Test func plainHTTPIsNotSpokenUnasked() async throws {
        let image = FakeImage()
        let server = try FakeRegistry { image.serve($0) }
        var options = Pull.options
        options.verifiesTLS = nil
        await #expect(
            throws: RegistryError(
                .tls, "connect to \(server.host): the server speaks http, not https (use --tls-verify=false)")
        ) {
            try await Pull.pull("\(server.host)/app", to: MemoryDestination(), options: options)
        }
        #expect(server.requests.isEmpty)
    }
}
#endif
