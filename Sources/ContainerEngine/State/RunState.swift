import LinuxKernel
import OCISpec

/// `state.json`: who runs the container, written when it is started. That it still runs is asked of the kernel.
package struct RunState: Equatable, Sendable {
    /// The container's first process.
    package var process: ProcessIdentity
    /// Who waits for it.
    package var supervisor: ProcessIdentity
    /// pasta or slirp4netns.
    package var networkHelper: ProcessIdentity?
    /// Pids and start times count from a boot.
    package var bootID: String
    package var startedAt: Timestamp
    /// How often the restart policy has started it again.
    package var restarts: UInt32 = 0
    /// Its cgroup's directory.
    package var cgroup: String?
    /// Groups of resctrl that were made for it.
    package var resourceGroups: [String] = []

    package init(process: ProcessIdentity, supervisor: ProcessIdentity, bootID: String, startedAt: Timestamp) {
        self.process = process
        self.supervisor = supervisor
        self.bootID = bootID
        self.startedAt = startedAt
    }
}

extension RunState: JSONDocument {
    package init(json: JSON) throws(DocumentError) {
        process = try json.required("process")
        supervisor = try json.required("supervisor")
        networkHelper = try json.optional("networkHelper")
        bootID = try json.required("boot")
        startedAt = try json.required("startedAt")
        restarts = try json.optional("restarts") ?? 0
        cgroup = try json.optional("cgroup")
        resourceGroups = try json.list("resourceGroups")
    }

    package var json: JSON {
        JSON(members: [
            "process": process.json, "supervisor": supervisor.json, "networkHelper": networkHelper?.json,
            "boot": .string(bootID), "startedAt": startedAt.json,
            "restarts": restarts == 0 ? nil : restarts.json, "cgroup": cgroup.map(JSON.string),
            "resourceGroups": resourceGroups.jsonUnlessEmpty,
        ])
    }
}

extension ProcessIdentity: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        self.init(pid: try json.required("pid"), startTime: try json.required("start"))
    }

    public var json: JSON { JSON(members: ["pid": pid.json, "start": startTime.json]) }
}

extension Timestamp: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        guard let text = json.string, let time = Timestamp(rfc3339: text) else {
            throw DocumentError(reason: "is not a time")
        }
        self = time
    }

    public var json: JSON { .string(description) }
}

/// `exit`: the one line that a supervisor writes when the container has ended; empty until then.
package struct ExitRecord: Equatable, Sendable {
    /// The process's own, or 128 + signal.
    package var code: Int32
    package var signal: Int32
    package var at: Timestamp
    /// Killed because of `--timeout`.
    package var timedOut: Bool
    /// An OOM killer took one of its processes.
    package var oomKilled = false

    package init(code: Int32, signal: Int32, at: Timestamp, timedOut: Bool = false) {
        self.code = code
        self.signal = signal
        self.at = at
        self.timedOut = timedOut
    }

    /// nil where nothing (whole) has been written.
    package init?(parsing bytes: [UInt8]) {
        guard bytes.last == 0x0a, let json = try? JSON(parsing: bytes), let code = json["code"]?.integer,
            let signal = json["signal"]?.integer, let seconds = json["seconds"]?.integer,
            let nanoseconds = json["nanoseconds"]?.integer
        else { return nil }
        self.code = Int32(truncatingIfNeeded: code)
        self.signal = Int32(truncatingIfNeeded: signal)
        at = Timestamp(seconds: seconds, nanoseconds: nanoseconds)
        timedOut = json["timedOut"]?.bool ?? false
        oomKilled = json["oomKilled"]?.bool ?? false
    }

    package var line: [UInt8] {
        JSON(members: [
            "code": code.json, "signal": signal.json, "seconds": at.seconds.json,
            "nanoseconds": at.nanoseconds.json, "oomKilled": oomKilled.jsonUnlessFalse, "timedOut": .bool(timedOut),
        ]).encoded() + [0x0a]
    }
}

/// The machine's current boot.
package enum Boot {
    package static func id() -> String {
        let text = (try? File.read("/proc/sys/kernel/random/boot_id", limit: 64)) ?? []
        return String(decoding: text.prefix { $0 != 0x0a }, as: UTF8.self)
    }
}
