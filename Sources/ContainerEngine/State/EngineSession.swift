import Glibc
import LinuxKernel

/// What an engine knows about the process it lives in, and finds out once.
package final class EngineSession {
    package let settings: EngineSettings
    package let layout: DataLayout
    /// The caller's own ids, outside of any keeper.
    package let uid: UInt32
    package let gid: UInt32
    /// Not the real root: containers get user namespaces below a keeper's.
    package let isRootless: Bool
    /// This process is where it may do everything to the store and to containers.
    private var isPrivileged: Bool
    private var gatheredCaller: CallerFacts?
    private var knownBootID: String?
    private var knownIdentity: ProcessIdentity?

    /// - Parameter caller: in a process that was already in a keeper's namespace when it began, who called.
    package init(_ settings: EngineSettings, caller: (uid: UInt32, gid: UInt32)? = nil) throws(EngineError) {
        self.settings = settings
        layout = DataLayout(data: settings.dataRoot, runtime: settings.runtimeRoot)
        uid = caller?.uid ?? geteuid()
        gid = caller?.gid ?? getegid()
        isRootless = uid != 0
        isPrivileged = !isRootless || caller != nil
        try prepareDirectories()
    }

    /// Who asks. The ids are those outside; gathered before a keeper is entered.
    package var caller: CallerFacts {
        get {
            if let gatheredCaller { return gatheredCaller }
            var facts = CallerFacts.gather()
            facts.uid = uid
            facts.gid = gid
            facts.isRootless = isRootless
            if isPrivileged { facts.readMaps() }
            gatheredCaller = facts
            return facts
        }
        set { gatheredCaller = newValue }
    }

    package var bootID: String {
        if let knownBootID { return knownBootID }
        let id = Boot.id()
        knownBootID = id
        return id
    }

    /// This process.
    package var identity: ProcessIdentity {
        if let knownIdentity, knownIdentity.pid == getpid() { return knownIdentity }
        let identity = ProcessIdentity(runningAs: getpid()) ?? ProcessIdentity(pid: getpid(), startTime: 0)
        knownIdentity = identity
        return identity
    }

    package var keeper: Keeper {
        Keeper(
            uid: uid, gid: gid, runtimeRoot: layout.runtime, activeDirectory: layout.active,
            idleTimeout: settings.keeperIdleTimeout, warn: settings.warn)
    }

    /// Enters the keeper's namespace unless this process is root or there already.
    package func becomePrivileged() throws(EngineError) {
        if isPrivileged { return }
        // Only what is read before shows the caller as the host sees him.
        _ = caller
        _ = try keeper.enter()
        isPrivileged = true
        caller.readMaps()
    }

    /// Enters the namespace that a running container was started from: the keeper's, or that of a keeper before it
    /// that has been killed, which lives on in the container.
    package func becomePrivileged(over pid: Int32) throws(EngineError) {
        if isPrivileged { return }
        _ = caller
        do throws(SyscallError) {
            let own = try FileStatus("/proc/self/ns/user", following: true).inode
            var namespace = try OwnedDescriptor.open("/proc/\(pid)/ns/user")
            while true {
                let parent = try Namespaces.parent(of: namespace.raw)
                if try FileStatus(descriptor: parent.raw).inode == own { break }
                namespace = consume parent
            }
            try Namespaces.enter(namespace.raw, .user)
        } catch {
            throw EngineError(.failed, "enter user namespace of process \(pid): \(error)", cause: error)
        }
        isPrivileged = true
        caller.readMaps()
    }

    // MARK: - Directories

    private func prepareDirectories() throws(EngineError) {
        do throws(SyscallError) {
            for root in [layout.data, layout.runtime] {
                if try FileStatus.ifPresent(root, following: true) == nil { try Directory.create(root, mode: 0o700) }
                let status = try FileStatus(root, following: true)
                // The runtime directory may stand in /tmp, where anybody can make one of that name first.
                guard status.kind == .directory, status.uid == geteuid() || (root == layout.data && geteuid() == 0)
                else { throw SyscallError("use", root, errno: EACCES) }
            }
            for directory in [layout.containers, layout.names, layout.active]
            where mkdir(directory, 0o700) != 0 && errno != EEXIST {
                throw SyscallError("mkdir", directory)
            }
        } catch {
            let reason =
                error.call == "use" ? "use \(error.subject): not a directory of user \(uid)" : "prepare store: \(error)"
            throw EngineError(.permission, reason, cause: error)
        }
    }
}
