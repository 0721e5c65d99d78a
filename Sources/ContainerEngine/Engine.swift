import CShims
import Glibc
import ImageStore
import LinuxKernel
import OCISpec

/// Makes, runs, observes and removes containers. One engine a process; single-threaded.
///
/// Everything that needs rights over the store or over containers moves this process into the namespace keeper's user
/// namespace first (see Keeper/README.md), which cannot be undone: host ids are then those of that namespace.
public struct Engine {
    public let settings: EngineSettings
    package let session: EngineSession
    package let store: ContainerStore
    public let images: ImageStore

    /// Makes the directories where they are missing.
    /// - Throws: `.permission` where one of them is not the caller's own.
    public init(_ settings: EngineSettings) throws(EngineError) {
        try self.init(settings, session: EngineSession(settings))
    }

    package init(_ settings: EngineSettings, session: EngineSession) throws(EngineError) {
        self.settings = settings
        self.session = session
        store = ContainerStore(session.layout)
        do {
            images = try ImageStore(root: session.layout.data, treeKind: settings.treeKind)
        } catch {
            throw EngineError(error)
        }
    }

    /// Enters the keeper's namespace, for work on the image store that sets owners. Nothing for root.
    public func becomePrivileged() throws(EngineError) {
        try session.becomePrivileged()
    }

    /// Finds one by name, id, or a beginning of its id that no other has.
    /// - Throws: `.notFound`, or `.invalid` where several ids begin so.
    public func container(_ nameOrID: String) throws(EngineError) -> Container {
        try cleanUpAfterTheDead()
        let id = try store.find(nameOrID)
        guard let container = try store.container(id, bootID: session.bootID), !isGone(container) else {
            throw EngineError(.notFound, "no container with name or ID \"\(nameOrID)\" found: no such container")
        }
        return container
    }

    /// All there are, oldest first.
    public func containers() throws(EngineError) -> [Container] {
        try cleanUpAfterTheDead()
        var found: [Container] = []
        for id in try store.ids() {
            if let container = try store.container(id, bootID: session.bootID), !isGone(container) {
                found.append(container)
            }
        }
        return found.sorted { $0.createdAt < $1.createdAt }
    }

    /// As ``containers()``, for showing them: in no order, and of what was asked for, the command alone is read. Not to be
    /// started, stopped or removed by.
    public func list() throws(EngineError) -> [Container] {
        try cleanUpAfterTheDead()
        let directory = try doing("list containers") { () throws(SyscallError) in
            try OwnedDescriptor.open(session.layout.containers, O_RDONLY | O_DIRECTORY)
        }
        let ids = try store.ids()
        var found: [Container] = []
        found.reserveCapacity(ids.count)
        for id in ids {
            if let container = try store.listed(id, in: directory.raw, bootID: session.bootID), !isGone(container) {
                found.append(container)
            }
        }
        return found
    }

    /// The same container as it stands now; nil where it has gone.
    package func refreshed(_ container: Container) throws(EngineError) -> Container? {
        try store.container(container.id, bootID: session.bootID)
    }
}

extension EngineError {
    /// The store's error as the engine's: its words are kept.
    package init(_ error: StoreError) {
        let code: Code
        switch error.code {
        case .notFound: code = .notFound
        case .ambiguous, .invalid: code = .invalid
        default: code = .failed
        }
        self.init(code, error.message, cause: error)
    }
}

/// Runs what throws errors of system calls and lets out the engine's error that names what was being done.
func doing<T: ~Copyable>(
    _ what: @autoclosure () -> String, _ body: () throws(SyscallError) -> T
) throws(EngineError) -> T {
    do {
        return try body()
    } catch {
        throw EngineError(
            error.errno == EACCES || error.errno == EPERM ? .permission : .failed, "\(what()): \(error)",
            cause: error)
    }
}
