import Glibc
import LinuxKernel
import OCISpec

/// Takes in one blob, from a network or an archive. Not for two threads at a time.
public class BlobWriter {
    /// What is expected; where digest and size are not known beforehand, what `finish()` found.
    public private(set) var descriptor: ContentDescriptor
    /// Where the transfer goes on: behind the bytes that an earlier, interrupted one left.
    public private(set) var offset: Int64 = 0
    /// Somebody else finished this blob before or while we waited: there is nothing to write, `finish()` returns.
    public internal(set) var isComplete = false

    let layout: Layout
    private let isKnown: Bool
    private var part: PartialFile?
    private let hash = SHA256()
    /// Keeps the collector away from what has no reference yet.
    private let session: IngestSession

    /// - Parameter expected: nil where only the end will tell what it was.
    init(_ layout: Layout, expected: ContentDescriptor?, wait: Bool) throws {
        self.layout = layout
        isKnown = expected != nil
        let unknown = ContentDescriptor(mediaType: "", digest: Digest(uncheckedHex: ""), size: .max)
        descriptor = expected ?? unknown
        session = try IngestSession(layout)
        if let expected {
            part = try PartialFile.open(expected.digest, in: layout, wait: wait)
            if part == nil {
                throw StoreError(.inUse, "blob \(expected.digest) is being taken in by another process")
            }
        } else {
            part = try PartialFile.anonymous(in: layout)
        }
    }

    /// Looks what is there already. Apart from `init` so that a subclass is complete when its part is replayed.
    func begin() throws {
        if isKnown, try FileStatus.ifPresent(layout.blob(descriptor.digest)) != nil {
            part?.remove()
            part = nil
            isComplete = true
            return
        }
        let size = try part!.size()
        if size > descriptor.size {
            try part!.truncate()
            return
        }
        if size == 0 { return }
        do {
            try part!.read(upTo: size) { bytes in
                hash.update(bytes)
                try take(bytes)
            }
            offset = size
        } catch {
            // The part is no beginning of anything: begin anew.
            try restartOrThrow()
        }
    }

    deinit {
        if !isKnown { part?.remove() }
    }

    /// Takes the next bytes; they may be reused as soon as this returns.
    public func write(_ bytes: UnsafeRawBufferPointer) throws(StoreError) {
        if isComplete { return }
        try storing("take in \(label)") {
            guard Int64(bytes.count) <= descriptor.size - offset else {
                throw StoreError(.corrupt, "\(label) is longer than the \(descriptor.size) bytes that it should have")
            }
            do {
                try part!.write(bytes, at: offset)
                hash.update(bytes)
                offset += Int64(bytes.count)
                try take(bytes)
            } catch {
                // A part that failed is no use: its bytes are wrong, or the space is needed.
                abandon(keepingPart: false)
                throw StoreError("take in \(label)", error)
            }
        }
    }

    /// Forgets what was written: the source could not continue at `offset`.
    public func restart() throws(StoreError) {
        if isComplete { return }
        try storing("take in \(label)") { try restartOrThrow() }
    }

    private func restartOrThrow() throws {
        guard part != nil else { throw StoreError(.failed, "take in \(label): already given up") }
        try part!.truncate()
        hash.reset()
        offset = 0
        try forget()
    }

    /// Checks size and digest and puts the blob into the store.
    public func finish() throws(StoreError) {
        if isComplete { return }
        try storing("take in \(label)") {
            guard part != nil else { throw StoreError(.failed, "take in \(label): already given up") }
            if isKnown, offset < descriptor.size {
                // What is there is right as far as it goes: kept for another attempt.
                let missing = descriptor.size - offset
                abandon()
                throw StoreError(.corrupt, "\(label) is cut short: \(missing) of \(descriptor.size) bytes are missing")
            }
            do {
                let digest = hash.finish().digest
                guard !isKnown || digest == descriptor.digest else {
                    throw StoreError(.corrupt, "\(label) has the wrong digest: it is \(digest)")
                }
                descriptor.digest = digest
                descriptor.size = offset
                try complete()
                try part!.publish(as: layout.blob(digest))
                part = nil
                isComplete = true
            } catch {
                abandon(keepingPart: false)
                throw error
            }
        }
    }

    /// Lets go. With `keepingPart` a later transfer of the same blob continues where this one ends.
    public func abandon(keepingPart: Bool = true) {
        release()
        if !keepingPart || !isKnown || offset == 0 { part?.remove() }
        part = nil
    }

    /// For messages.
    var label: String {
        isKnown ? "blob \(descriptor.digest.description.prefix(19))" : "blob"
    }

    // MARK: For LayerWriter

    /// Bytes of the blob, in order.
    func take(_ bytes: UnsafeRawBufferPointer) throws {}
    /// The bytes so far were for nothing.
    func forget() throws {}
    /// All bytes have come and are right.
    func complete() throws {}
    /// No more bytes will come.
    func release() {}
}
