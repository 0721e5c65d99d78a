import CShims
import Glibc
import LinuxKernel
import OCISpec
import Synchronization

/// Makes a tree in memory real in an empty directory.
///
/// One thread makes the directories, and several what stands in them, one open directory each, so that depth costs no
/// descriptors; the directory's own owner, mode and times are set once all its names are there.
///
/// The threads are gone when that is done, for the kernel too: who starts containers joins user namespaces, which only a
/// process with one thread may.
final class TreeBuilder: @unchecked Sendable {
    /// A thread for fewer entries is not worth its start.
    private static let entriesOfAThread = 1000
    /// More of them wait for one another in the file system.
    private static let mostThreads = 4

    let tree: FileTree
    let owners: TreeOwners
    let root: OwnedDescriptor
    private let contents: any ContentSource
    private let threadCount: Int
    /// By inode: it has several names.
    private let isLinked: [Bool]
    /// The first name of each inode that has several, by its number. Held while that one is made, for the others are links
    /// to a file that is there.
    private let firstNames = Mutex<[Int: [UInt8]]>([:])
    private let progress = Mutex(Progress())

    private struct Progress {
        /// Directories that stand, with the directories in them. The first `begun` are being filled, or are full.
        var made: [DirectoryToFill] = []
        var begun = 0
        var isAllMade = false
        var failure: StoreError?
        /// Threads' ids.
        var threads: [Int32] = []
    }

    private struct DirectoryToFill {
        var node: Int
        var path: [UInt8]
    }

    init(_ tree: FileTree, map: IDMap, contents: any ContentSource, into directory: String) throws {
        self.tree = tree
        owners = TreeOwners(map: map)
        self.contents = contents
        root = try OwnedDescriptor.open(directory, O_RDONLY | O_DIRECTORY)
        var names = [UInt8](repeating: 0, count: tree.inodes.count)
        for node in tree.nodes where names[node.inode] < 2 { names[node.inode] += 1 }
        isLinked = names.map { $0 > 1 }
        let wanted = min(TreeBuilder.mostThreads, 1 + tree.nodes.count / TreeBuilder.entriesOfAThread)
        let hasUse = wanted > 1 && contents.makesFilesApart
        threadCount = hasUse ? max(1, min(wanted, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))) : 1
    }

    func build() throws {
        Dumpability.lend()
        defer { Dumpability.restore() }
        var threads: [pthread_t] = []
        for _ in 0..<threadCount {
            var thread = pthread_t()
            let builder = Unmanaged.passRetained(self)
            let code = pthread_create(&thread, nil, treeBuilderThread, builder.toOpaque())
            if code != 0 {
                builder.release()
                // Those that there are do it all.
                if threads.isEmpty { throw SyscallError("pthread_create", "thread", errno: code) }
                break
            }
            threads.append(thread)
        }
        makeDirectories()
        for thread in threads { pthread_join(thread, nil) }
        for id in progress.withLock({ $0.threads }) {
            // pthread_join(3) returns a moment before the kernel has forgotten the thread.
            while swiftpod_thread_is_there(id) != 0 { sched_yield() }
        }
        if let failure = progress.withLock({ $0.failure }) { throw failure }
    }

    /// Directories that only their maker can look into, for now.
    private func makeDirectories() {
        var known = [DirectoryToFill(node: FileTree.root, path: [])]
        var next = 0
        while next < known.count {
            let directory = known[next]
            next += 1
            let prefix = directory.path.isEmpty ? [] : directory.path + [UInt8(ascii: "/")]
            for child in tree.nodes[directory.node].children?.values.sorted() ?? [] where tree.isDirectory(child) {
                let path = prefix + tree.nodes[child].name
                guard mkdirat(root.raw, path.cString, 0o700) == 0 else { return fail(path, SyscallError("mkdir", "")) }
                known.append(DirectoryToFill(node: child, path: path))
            }
            let mayEnd = progress.withLock { progress in
                progress.made.append(directory)
                return progress.failure != nil
            }
            if mayEnd { return }
        }
        progress.withLock { $0.isAllMade = true }
    }

    private func fail(_ path: [UInt8], _ error: any Error) {
        let failure = StoreError("make \(CleanPath.shown(path)) of the image", error)
        progress.withLock { $0.failure = $0.failure ?? failure }
    }

    // MARK: Threads

    /// A thread's work.
    fileprivate func fillDirectories() {
        progress.withLock { $0.threads.append(swiftpod_thread_id()) }
        var filler = DirectoryFiller(self, contents)
        while let directory = nextDirectory() {
            do {
                try filler.fill(directory.node, directory.path)
            } catch { fail(directory.path, error) }
        }
    }

    /// nil when there is no more to do, or no use in it.
    private func nextDirectory() -> DirectoryToFill? {
        while true {
            let (next, mayEnd) = progress.withLock { progress -> (DirectoryToFill?, Bool) in
                if progress.failure != nil { return (nil, true) }
                guard progress.begun < progress.made.count else { return (nil, progress.isAllMade) }
                progress.begun += 1
                return (progress.made[progress.begun - 1], false)
            }
            if next != nil || mayEnd { return next }
            // Directories are made faster than filled: this waits for the first ones.
            sched_yield()
        }
    }

    /// Makes an inode under its first name, and only that; returns that name where it has been made.
    func makeOnce(_ inode: Int, path: @autoclosure () -> [UInt8], _ make: () throws -> Void) throws -> [UInt8]? {
        guard isLinked[inode] else {
            try make()
            return nil
        }
        return try firstNames.withLock { names in
            if let first = names[inode] { return first }
            try make()
            names[inode] = path()
            return nil
        }
    }
}

/// Not a closure: one made in a main-actor context would trap on another thread.
private func treeBuilderThread(_ builder: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    Unmanaged<TreeBuilder>.fromOpaque(builder!).takeRetainedValue().fillDirectories()
    return nil
}

/// A thread that makes files in another's name makes the process one that nobody may look into (PR_SET_DUMPABLE), its own
/// /proc entries included. They are its own again when the last of several builders has ended.
private enum Dumpability {
    private static let lent = Mutex((builders: 0, value: Int32(0)))

    static func lend() {
        lent.withLock { lent in
            if lent.builders == 0 { lent.value = swiftpod_prctl(3 /* PR_GET_DUMPABLE */, 0, 0, 0, 0) }
            lent.builders += 1
        }
    }

    static func restore() {
        lent.withLock { lent in
            lent.builders -= 1
            if lent.builders == 0, lent.value == 1 { _ = swiftpod_prctl(4 /* PR_SET_DUMPABLE */, 1, 0, 0, 0) }
        }
    }
}
