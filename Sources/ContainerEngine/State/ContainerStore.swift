import Glibc
import LinuxKernel
import OCISpec

/// Containers on disk. Nothing here asks whether a process lives; see ContainerStore+Status.swift.
package struct ContainerStore {
    package let layout: DataLayout

    package init(_ layout: DataLayout) {
        self.layout = layout
    }

    // MARK: - Finding

    /// Ids of all containers, in no order.
    package func ids() throws(EngineError) -> [String] {
        do {
            return try Directory.entries(at: layout.containers).map(\.name).filter(ContainerID.isWhole)
        } catch {
            throw EngineError(.failed, "list containers: \(error)", cause: error)
        }
    }

    /// The id that a name, an id or the beginning of one means.
    package func find(_ nameOrID: String) throws(EngineError) -> String {
        if ContainerID.isWhole(nameOrID), exists(nameOrID) { return nameOrID }
        if !nameOrID.utf8.contains(UInt8(ascii: "/")), nameOrID != ".", nameOrID != "..", !nameOrID.isEmpty,
            let id = try? readLink(layout.name(nameOrID)), exists(id)
        {
            return id
        }
        if ContainerID.isBeginning(nameOrID) {
            let found = try ids().filter { $0.hasPrefix(nameOrID) }
            if found.count == 1 { return found[0] }
            if found.count > 1 {
                throw EngineError(.invalid, "more than one result for container name or ID \(nameOrID)")
            }
        }
        throw EngineError(.notFound, "no container with name or ID \"\(nameOrID)\" found: no such container")
    }

    package func exists(_ id: String) -> Bool { access(layout.container(id), F_OK) == 0 }

    /// nil where it has gone in the meantime.
    package func record(_ id: String) throws(EngineError) -> ContainerRecord? {
        do {
            guard let bytes = try File.readIfPresent(layout.container(id) + "/container.json") else { return nil }
            return try ContainerRecord(parsing: bytes)
        } catch {
            throw EngineError(.failed, "read container \(id.prefix(12)): \(error)", cause: error)
        }
    }

    // MARK: - Names

    /// Makes a name this container's.
    ///
    /// A name is a link to an id. It belongs to somebody as long as that container stands or is being born; one whose
    /// owner was killed in between is taken over, under a lock, so that two do not do so at once.
    package func claim(_ name: String, for id: String) throws(EngineError) {
        do throws(SyscallError) {
            if symlink(id, layout.name(name)) == 0 { return }
            guard errno == EEXIST else { throw SyscallError("symlink", layout.name(name)) }
            let lock = try FileLock(layout.namesLock)
            if let owner = try? readLink(layout.name(name)) {
                // In this order: a birth turns the first into the second.
                if access(layout.unborn(owner), F_OK) == 0 || exists(owner) {
                    throw SyscallError("claim", owner, errno: EEXIST)
                }
                unlink(layout.name(name))
            }
            try check("symlink", layout.name(name)) { symlink(id, layout.name(name)) }
            _ = consume lock
        } catch {
            if error.call == "claim" || error.errno == EEXIST {
                let owner = (try? readLink(layout.name(name))) ?? error.subject
                throw EngineError(
                    .exists,
                    "creating container storage: the container name \"\(name)\" is already in use by \(owner). "
                        + "You have to remove that container to be able to reuse that name: that name is already in use"
                )
            }
            throw EngineError(.failed, "claim container name \(name): \(error)", cause: error)
        }
    }

    /// Gives a name up if it is this container's.
    package func release(_ name: String, of id: String) {
        if let owner = try? readLink(layout.name(name)), owner == id { unlink(layout.name(name)) }
    }

    // MARK: - Birth

    /// An empty directory for a container that nobody sees yet; open, and locked against everybody else.
    package func beginBirth(_ id: String) throws(EngineError) -> OwnedDescriptor {
        do throws(SyscallError) {
            try check("mkdir", layout.unborn(id)) { mkdir(layout.unborn(id), 0o700) }
            let directory = try OwnedDescriptor.open(layout.unborn(id), O_RDONLY | O_DIRECTORY)
            try check("flock", id) { flock(directory.raw, LOCK_EX) }
            return directory
        } catch {
            throw EngineError(.failed, "create container: \(error)", cause: error)
        }
    }

    /// The container is there from now on.
    package func finishBirth(_ id: String) throws(EngineError) {
        do throws(SyscallError) {
            try check("rename", layout.container(id)) { rename(layout.unborn(id), layout.container(id)) }
        } catch {
            throw EngineError(.failed, "create container: \(error)", cause: error)
        }
    }

    /// Removes what a failed birth has made so far.
    package func abandonBirth(_ id: String, name: String?) {
        if let name { release(name, of: id) }
        try? Directory.removeTree(layout.unborn(id))
    }

    // MARK: - Operations

    /// Opens a container for an operation that nobody else may do at the same time; nil where it has gone.
    package func lock(_ id: String, waiting: Bool = true) throws(EngineError) -> OwnedDescriptor? {
        do throws(SyscallError) {
            let directory = try OwnedDescriptor.open(layout.container(id), O_RDONLY | O_DIRECTORY)
            try check("flock", id) { flock(directory.raw, LOCK_EX | (waiting ? 0 : LOCK_NB)) }
            // Whoever held it before may have removed it.
            return exists(id) ? consume directory : nil
        } catch {
            if error.errno == ENOENT || error.errno == EWOULDBLOCK { return nil }
            throw EngineError(.failed, "lock container \(id.prefix(12)): \(error)", cause: error)
        }
    }

    /// Takes a container away, with everything it wrote. Needs privileges: its files belong to its own users.
    package func remove(_ id: String, name: String?) throws(EngineError) {
        do throws(SyscallError) {
            // Gone in one step; what is left when this is killed is nobody's container, and is found by its mark.
            if rename(layout.container(id), layout.leaving(id)) != 0, errno != ENOENT {
                throw SyscallError("rename", layout.container(id))
            }
            if let name { release(name, of: id) }
            try Directory.removeTree(layout.leaving(id))
        } catch {
            throw EngineError(.failed, "remove container \(id.prefix(12)): \(error)", cause: error)
        }
    }
}
