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
    /// nil where there is nothing to do.
    private var work: Work?

    private struct Work {
        let decompressor = Decompressor()
        let unpacker: LayerUnpacker
        let pipe: ChunkPipe

        init(_ unpacker: LayerUnpacker, threaded: Bool) {
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
        try beginWork()
        try super.begin()
        // The blob was there, its index was not: unpack it from here.
        if isComplete, try !isUnpacked {
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

    private var isUnpacked: Bool {
        get throws { try diffID.map { try FileStatus.ifPresent(layout.layer($0)) != nil } ?? false }
    }

    /// Of a layer that is unpacked already only the blob is wanted. That it is this layer's is checked all the same:
    /// whoever made it may say so of anything.
    private func beginWork() throws {
        let unpacker = try LayerUnpacker(layout, limits: limits, checkingOnly: try isUnpacked)
        work = Work(unpacker, threaded: isThreaded)
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
        try beginWork()
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
        if let index { try File.writeAtomically(index.encoded(), to: layout.layer(found)) }
    }

    override func release() {
        // Ends the thread; whether it failed no longer matters.
        try? work?.pipe.close()
        work = nil
    }
}
