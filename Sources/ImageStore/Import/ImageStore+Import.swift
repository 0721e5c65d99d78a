import Glibc
import LinuxKernel
import OCISpec

extension ImageStore {
    /// Makes an image of a root file system's tarball, plain or compressed by gzip or zstd.
    ///
    /// - Parameters:
    ///   - changes: Dockerfile instructions that set what a container of the image runs: CMD, ENTRYPOINT, ENV, EXPOSE,
    ///     LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR, applied in this order.
    ///   - message: A comment for the image's history.
    /// - Throws: `.invalid` for a change that is none, `.corrupt` for what is no tarball.
    public func importRootfs(
        from source: ArchiveSource, name: Reference?, changes: [String] = [], message: String? = nil
    ) throws(StoreError) -> StoredImage {
        var execution = ImageConfig.Execution()
        for change in changes { try execution.apply(change) }
        return try cleaningUp("import root file system") {
            let writer = try LayerWriter(layout, expected: nil, diffID: nil)
            do {
                try ImageStore.read(source) { try writer.write($0) }
                guard writer.offset > 0 else { throw StoreError(.corrupt, "the archive is empty") }
                try writer.finish()
            } catch {
                writer.abandon(keepingPart: false)
                throw error
            }
            var config = ImageConfig(platform: .host, diffIDs: [writer.diffID!])
            config.created = ImageStore.timestamp()
            config.config = execution
            var history = ImageConfig.History()
            history.created = config.created
            history.createdBy = "swiftpod import" + changes.map { " --change \($0)" }.joined()
            history.comment = message
            config.history = [history]
            var layer = writer.descriptor
            layer.mediaType = writer.format.mediaType
            return try commit(config, layers: [layer], name: name)
        }
    }

    private func commit(_ config: ImageConfig, layers: [ContentDescriptor], name: Reference?) throws -> StoredImage {
        let bytes = config.encoded()
        let manifest = ImageManifest(
            mediaType: MediaType.ociManifest,
            config: ContentDescriptor(
                mediaType: MediaType.ociConfig, digest: try store(document: bytes), size: Int64(bytes.count)),
            layers: layers)
        let manifestBytes = manifest.encoded()
        return try commit(
            manifest: manifestBytes, digest: SHA256.digest(of: manifestBytes), names: name.map { [$0] } ?? [])
    }

    private static func read(
        _ source: ArchiveSource, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let file = try source.open()
        let size = 1 << 20
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 4096)
        defer { buffer.deallocate() }
        while true {
            let count = try check("read", "archive") { Glibc.read(file.raw, buffer, size) }
            if count == 0 { return }
            try body(UnsafeRawBufferPointer(start: buffer, count: count))
        }
    }

    /// Now, RFC 3339 to the second.
    private static func timestamp() -> String {
        var now = time(nil)
        var parts = tm()
        gmtime_r(&now, &parts)
        var text = [CChar](repeating: 0, count: 32)
        let count = strftime(&text, text.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
        return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension Decompressor.Format {
    /// The image specification's type of a layer in this format.
    fileprivate var mediaType: String {
        switch self {
        case .plain: MediaType.ociLayer
        case .gzip: MediaType.ociLayerGzip
        case .zstd: MediaType.ociLayerZstd
        }
    }
}
