import Cgroups
import Glibc
import LinuxKernel
import OCISpec

/// A container's life in the runtime specification's words, and one more that its callers know.
public enum OCIStatus: String, Sendable {
    case creating, created, running, paused, stopped
}

/// `record.json`: what is known of a container beyond its specification. That it runs is asked of the kernel.
struct OCIRecord: Equatable, Sendable {
    var id: String
    /// Absolute.
    var bundle: String
    var rootfs: String
    var created: String
    /// The caller's user name, or id.
    var owner: String
    var bootID: String
    /// Who makes it; when that one has died before it was ready, it never will be.
    var creator: ProcessIdentity
    var isReady = false
    /// The first process.
    var process: ProcessIdentity?
    /// Its cgroup's directory.
    var cgroup: String?
    /// systemd has made it, and writes its limits again when it is reloaded.
    var isScope = false
    /// Limits or device rules hold in that cgroup: outside of it nothing of the container must run.
    var isLimited = false
    /// The resctrl group that it is in, a directory.
    var resourceGroup: String?
    /// Directories of resctrl that were made for it and go with it, in that order.
    var resourceGroupsMade: [String] = []
    /// Made by us for this container: what the specification itself does not have.
    var addedUserNamespace = false
}

extension OCIRecord: JSONDocument {
    init(json: JSON) throws(DocumentError) {
        id = try json.required("id")
        bundle = try json.required("bundle")
        rootfs = try json.required("rootfs")
        created = try json.required("created")
        owner = try json.required("owner")
        bootID = try json.required("boot")
        creator = try json.required("creator")
        isReady = try json.optional("ready") ?? false
        process = try json.optional("process")
        cgroup = try json.optional("cgroup")
        isScope = try json.optional("scope") ?? false
        isLimited = try json.optional("limited") ?? false
        resourceGroup = try json.optional("resourceGroup")
        resourceGroupsMade = try json.list("resourceGroupsMade")
        addedUserNamespace = try json.optional("userNamespace") ?? false
    }

    var json: JSON {
        JSON(members: [
            "id": id.json, "bundle": bundle.json, "rootfs": rootfs.json, "created": created.json,
            "owner": owner.json, "boot": bootID.json, "creator": creator.json, "ready": isReady.jsonUnlessFalse,
            "process": process?.json, "cgroup": cgroup?.json,
            "scope": isScope.jsonUnlessFalse, "limited": isLimited.jsonUnlessFalse,
            "userNamespace": addedUserNamespace.jsonUnlessFalse,
            "resourceGroup": resourceGroup?.json,
            "resourceGroupsMade": resourceGroupsMade.jsonUnlessEmpty,
        ])
    }
}

/// A container as it stands now.
struct OCIContainer: Sendable {
    var record: OCIRecord
    var directory: String
    var status: OCIStatus
    var id: String { record.id }

    /// The specification that it was made from.
    func spec() throws(EngineError) -> RuntimeSpec {
        let path = directory + "/config.json"
        do {
            return try RuntimeSpec(parsing: try File.read(path))
        } catch {
            throw EngineError(.failed, "read \(path): \(error)", cause: error)
        }
    }

    /// The socket at which a created container waits for its start.
    var startSocket: String { directory + "/start" }
}

/// Directories of containers: `ROOT/ID/` with the record, a copy of the specification and the start socket.
struct OCIStore: Sendable {
    let root: String

    func directory(_ id: String) -> String { root + "/" + id }

    /// As the common runtimes have it; the name becomes a file's.
    static func check(_ id: String) throws(EngineError) {
        let strange = id.unicodeScalars.first { scalar in
            switch scalar {
            case "0"..."9", "A"..."Z", "a"..."z", "_", "+", "-", ".", ":": false
            default: true
            }
        }
        if let strange {
            throw EngineError(
                .invalid, "invalid character \"\(strange)\" in container ID \"\(id)\": only letters, digits and _+-.:")
        }
        guard !id.isEmpty, !id.hasPrefix("."), id.utf8.count <= 255 else {
            throw EngineError(.invalid, "invalid container ID \"\(id)\"")
        }
    }

    static func missing(_ id: String) -> EngineError {
        EngineError(.notFound, "container \(id) does not exist")
    }

    func exists(_ id: String) -> Bool {
        guard (try? OCIStore.check(id)) != nil else { return false }
        return access(directory(id), F_OK) == 0
    }

    func ids() throws(EngineError) -> [String] {
        do {
            return try Directory.entries(at: root).filter { $0.kind == .directory }.map(\.name).sorted()
        } catch {
            throw EngineError(.failed, "list containers: \(error)", cause: error)
        }
    }

    func container(_ id: String) throws(EngineError) -> OCIContainer {
        try OCIStore.check(id)
        let directory = directory(id)
        let record: OCIRecord
        do {
            guard let bytes = try File.readIfPresent(directory + "/record.json") else { throw OCIStore.missing(id) }
            record = try OCIRecord(parsing: bytes)
        } catch let error as EngineError {
            throw error
        } catch {
            throw EngineError(.failed, "read state of container \(id): \(error)", cause: error)
        }
        return OCIContainer(record: record, directory: directory, status: OCIStore.status(record))
    }

    /// Never trusted from a file: the process is asked for, and whether it has executed anything yet.
    private static func status(_ record: OCIRecord) -> OCIStatus {
        let isThisBoot = record.bootID == Boot.id()
        if isThisBoot, let process = record.process, let stat = ProcessStat(pid: process.pid),
            stat.startTime == process.startTime, !stat.isDead
        {
            if !record.isReady { return record.creator.isRunning ? .creating : .created }
            if !stat.hasExecuted { return .created }
            if let cgroup = record.cgroup, Cgroup(recorded: cgroup).isFrozen { return .paused }
            return .running
        }
        if isThisBoot, !record.isReady, record.creator.isRunning { return .creating }
        return .stopped
    }

    // MARK: - Making and removing

    /// Takes the name; whoever comes second gets an error. The record stands before anything else is made.
    func claim(_ record: OCIRecord) throws(EngineError) {
        do throws(SyscallError) {
            try Directory.create(root, mode: 0o700)
        } catch {
            throw EngineError(.permission, "make state directory: \(error)", cause: error)
        }
        let path = directory(record.id)
        guard mkdir(path, 0o700) == 0 else {
            if errno == EEXIST {
                throw EngineError(.exists, "container \(record.id) already exists")
            }
            throw EngineError(.permission, "make state directory: \(SyscallError("mkdir", path))")
        }
        do throws(EngineError) {
            try write(record)
        } catch {
            remove(record.id)
            throw error
        }
    }

    func write(_ record: OCIRecord) throws(EngineError) {
        try doing("write state of container \(record.id)") { () throws(SyscallError) in
            try File.writeAtomically(record.encoded(), to: directory(record.id) + "/record.json", mode: 0o600)
        }
    }

    /// The record goes last: what has one can be deleted again.
    func remove(_ id: String) {
        let path = directory(id)
        unlink(path + "/notify/notify")
        rmdir(path + "/notify")
        for entry in (try? Directory.entries(at: path)) ?? [] where entry.name != "record.json" {
            unlink(path + "/" + entry.name)
        }
        unlink(path + "/record.json")
        rmdir(path)
    }
}

/// What `state` prints and hooks read.
public struct OCIState: Sendable {
    public var id: String
    public var status: OCIStatus
    /// 0 where there is none.
    public var pid: Int32
    public var bundle: String
    public var rootfs: String
    /// RFC 3339.
    public var created: String
    public var owner: String
    public var annotations: [String: String]

    init(id: String, status: OCIStatus, bundle: String, created: String) {
        self.id = id
        self.status = status
        self.bundle = bundle
        self.created = created
        pid = 0
        rootfs = ""
        owner = ""
        annotations = [:]
    }

    init(_ container: OCIContainer, spec: RuntimeSpec?) {
        let record = container.record
        id = record.id
        status = container.status
        pid = container.status == .stopped ? 0 : record.process?.pid ?? 0
        bundle = record.bundle
        rootfs = record.rootfs
        created = record.created
        owner = record.owner
        annotations = spec?.annotations ?? [:]
    }

    /// As the specification has it, with what the common runtimes add.
    public var json: JSON {
        JSON(members: [
            "ociVersion": .string(RuntimeSpec.version), "id": id.json, "status": .string(status.rawValue),
            "pid": pid.json, "bundle": bundle.json, "rootfs": rootfs.json, "created": created.json,
            "owner": owner.json, "annotations": annotations.jsonUnlessEmpty,
        ])
    }
}
