import Glibc
import LinuxKernel

extension ImageStore {
    /// Removes what no image refers to. Returns false, having done nothing, while somebody takes an image in.
    ///
    /// - Parameter keepingUnfinished: What an interrupted transfer has left for its next attempt stays for a day.
    @discardableResult
    public func collectGarbage(keepingUnfinished: Bool = false) throws(StoreError) -> Bool {
        try storing("remove what no image needs") {
            guard access(layout.ociLayout, F_OK) == 0 else { return true }
            guard let lock = try FileLock.ifFree(layout.collectorLock) else { return false }
            defer { _ = lock }
            try GarbageCollector(self, keepingUnfinished: keepingUnfinished).run()
            return true
        }
    }

    /// Says on disk that there is garbage, or will be unless this is taken back: whoever is killed before he has
    /// collected it leaves the word to the next.
    ///
    /// - Returns: The path to remove.
    func announceGarbage() throws -> String {
        let path = File.temporaryName(beside: layout.temporary + "/" + ImageStore.announcement)
        _ = try OwnedDescriptor.open(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        return path
    }

    private static let announcement = "garbage"

    /// Before something is taken in: clears away what killed commands have left, where nobody else is at work.
    func tidy() {
        guard let entries = try? Directory.entries(at: layout.temporary), !entries.isEmpty else { return }
        if entries.contains(where: { $0.name.hasPrefix("." + ImageStore.announcement) }) {
            // Neither this one's failure nor the other's is the caller's.
            _ = try? collectGarbage()
        } else if entries.contains(where: { !$0.name.hasSuffix(Layout.partialSuffix) }) {
            _ = try? collectGarbage(keepingUnfinished: true)
        }
    }

    /// Runs what takes images in all at once, not to be continued later: a failure or a kill leaves nothing.
    func cleaningUp<T>(_ what: String, _ body: () throws -> T) throws(StoreError) -> T {
        try doing(what) {
            try prepare()
            tidy()
            do {
                let session = try IngestSession(layout)
                defer { _ = session }
                let announcement = try announceGarbage()
                let result = try body()
                unlink(announcement)
                return result
            } catch {
                _ = try? collectGarbage()
                throw error
            }
        }
    }
}
