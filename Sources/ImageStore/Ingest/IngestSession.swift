import LinuxKernel

/// Keeps the garbage collector away while blobs and layers that no image refers to yet are in the store: whoever takes
/// in an image holds one of these from the first question to the commit.
public struct IngestSession: ~Copyable, Sendable {
    private let lock: FileLock

    init(_ layout: Layout) throws(SyscallError) {
        lock = try FileLock(layout.collectorLock, mode: .shared)
    }
}

extension ImageStore {
    /// Begins to take in an image. Waits while garbage is being collected.
    public func beginIngest() throws(StoreError) -> IngestSession {
        try doing("open store \(root)") {
            try prepare()
            tidy()
            return try IngestSession(layout)
        }
    }
}
