#if Registry
import Foundation
import OCISpec
import Registry
import Synchronization

/// A store in memory, with the habits of the real one: it keeps what has arrived of a blob, and checks what is done.
final class MemoryDestination: PullDestination {
    struct DiskFull: Error, CustomStringConvertible {
        var description: String { "write: no space left on device" }
    }

    struct State {
        var blobs: [Digest: [UInt8]] = [:]
        var partial: [Digest: [UInt8]] = [:]
        var layers: Set<Digest> = []
    }

    let state = Mutex(State())
    /// Bytes that fit.
    let capacity: Int

    init(capacity: Int = .max) {
        self.capacity = capacity
    }

    func readBlob(_ digest: Digest, limit: Int) throws -> [UInt8]? { state.withLock { $0.blobs[digest] } }

    func hasLayer(_ descriptor: ContentDescriptor, diffID: Digest) throws -> Bool {
        state.withLock { $0.layers.contains(diffID) }
    }

    func beginBlob(_ descriptor: ContentDescriptor) throws -> any BlobReceiver {
        Receiver(self, descriptor, diffID: nil)
    }

    func beginLayer(_ descriptor: ContentDescriptor, diffID: Digest) throws -> any BlobReceiver {
        Receiver(self, descriptor, diffID: diffID)
    }

    /// What an earlier process left behind.
    func leave(_ bytes: [UInt8], of digest: Digest) { state.withLock { $0.partial[digest] = bytes } }

    private final class Receiver: BlobReceiver {
        let store: MemoryDestination
        let descriptor: ContentDescriptor
        let diffID: Digest?

        init(_ store: MemoryDestination, _ descriptor: ContentDescriptor, diffID: Digest?) {
            self.store = store
            self.descriptor = descriptor
            self.diffID = diffID
        }

        var offset: Int64 { store.state.withLock { Int64($0.partial[descriptor.digest]?.count ?? 0) } }

        func write(_ bytes: UnsafeRawBufferPointer) throws {
            let capacity = store.capacity
            try store.state.withLock { state in
                state.partial[descriptor.digest, default: []] += bytes
                if state.partial[descriptor.digest, default: []].count > capacity { throw DiskFull() }
            }
        }

        func finish() throws {
            try store.state.withLock { state in
                let bytes = state.partial[descriptor.digest] ?? []
                guard bytes.count == descriptor.size, Digest(hashing: bytes) == descriptor.digest else {
                    throw BlobRejection.corrupt("the digest is \(Digest(hashing: bytes))")
                }
                state.partial[descriptor.digest] = nil
                state.blobs[descriptor.digest] = bytes
                if let diffID { state.layers.insert(diffID) }
            }
        }

        func abandon() { store.state.withLock { $0.partial[descriptor.digest] = nil } }
    }
}
#endif
