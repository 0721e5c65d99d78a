import Glibc
import LinuxKernel
import OCISpec

/// A `BlobWriter` that also unpacks: inflates, checks the uncompressed digest, and makes objects and a layer index
/// while the bytes come in.
public final class LayerWriter: BlobWriter {
    /// The uncompressed layer's digest, known from the image's configuration, or found by `finish()`.
    public private(set) var diffID: Digest?
    private var first: [UInt8] = []
    /// How the blob is compressed, known at the end.
    var format: Decompressor.Format { (try? Decompressor.format(of: first)) ?? .plain }

    private let isThreaded: Bool
    private let limits: TarLimits
    /// nil where the layer is unpacked already, and only the blob is wanted.
    private var work: Work?

    private struct Work {
        let decompressor = Decompressor()
        let unpacker: LayerUnpacker
        let pipe: ChunkPipe

        init(_ layout: Layout, limits: TarLimits, threaded: Bool) throws {
            let unpacker = try LayerUnpacker(layout, limits: limits)
            self.unpacker = unpacker
            pipe = ChunkPipe(threaded: threaded) { try unpacker.push($0) }
        }
    }

    init(
        _ layout: Layout, expected: ContentDescriptor?, diffID: Digest?, wait: Bool = true, threaded: Bool = false,
        limits: TarLimits = TarLimits()
    ) throws {
        self.diffID = diffID
        self.limits = limits
        isThreaded = threaded
        try super.init(layout, expected: expected, wait: wait)
        try begin()
    }

    override func begin() throws {
        let isUnpacked = try diffID.map { try FileStatus.ifPresent(layout.layer($0)) != nil } ?? false
        if !isUnpacked { work = try Work(layout, limits: limits, threaded: isThreaded) }
        try super.begin()
        // The blob was there, its index was not: unpack it from here.
        if isComplete, work != nil {
            isComplete = false
            let blob = try OwnedDescriptor.open(layout.blob(descriptor.digest))
            do {
                try readDescriptor(blob.raw, from: 0, upTo: .max) { try take($0) }
                try complete()
            } catch {
                release()
                throw error
            }
            isComplete = true
        }
        if isComplete { release() }
    }

    deinit {
        release()
    }

    override var label: String { "layer" + super.label.dropFirst(4) }

    override func take(_ bytes: UnsafeRawBufferPointer) throws {
        if first.count < 6 { first += bytes.prefix(6 - first.count) }
        if let work { try work.decompressor.push(bytes, into: work.pipe) }
    }

    override func forget() throws {
        first = []
        guard work != nil else { return }
        release()
        work = try Work(layout, limits: limits, threaded: isThreaded)
    }

    override func complete() throws {
        guard let work else { return }
        try work.decompressor.finish(into: work.pipe)
        self.work = nil
        try work.pipe.close()
        let (found, index) = try work.unpacker.finish()
        if let diffID, diffID != found {
            throw StoreError(.corrupt, "\(label) does not unpack to \(diffID): it is \(found)")
        }
        diffID = found
        try File.writeAtomically(index.encoded(), to: layout.layer(found))
    }

    override func release() {
        // Ends the thread; whether it failed no longer matters.
        try? work?.pipe.close()
        work = nil
    }
}
