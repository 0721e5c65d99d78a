import Glibc

/// A transient scope: systemd makes the cgroup, moves a process in, and keeps its hands off what is below.
public struct SystemdScope: Equatable, Sendable {
    /// `swiftpod-….scope`.
    public var unit: String
    /// nil: `machine.slice` of the system, `user.slice` of a user, as podman's.
    public var slice: String?
    public var description: String
    public var settings: [CgroupSetting]

    public init(unit: String, slice: String?, description: String, settings: [CgroupSetting]) {
        self.unit = unit
        self.slice = slice
        self.description = description
        self.settings = settings
    }

    /// The socket of the manager that is the caller's; nil where systemd does not run or has none.
    public static func bus(isRoot: Bool, uid: UInt32, variable: (String) -> String?) -> String? {
        guard Systemd.isRunning, let path = BusAddress.path(isRoot: isRoot, uid: uid, variable: variable) else {
            return nil
        }
        return access(path, F_OK) == 0 ? path : nil
    }

    /// Starts the scope with a process in it, and returns when it stands.
    /// - Parameter uid: the caller's on the machine.
    public func start(pid: Int32, bus path: String, uid: UInt32) throws(CgroupError) {
        var bus = try BusConnection.open(path: path, uid: uid)
        _ = try bus.call(
            .call(
                BusConnection.bus, "/org/freedesktop/DBus", BusConnection.bus, "AddMatch",
                [.string("type='signal',interface='\(Self.manager)',member='JobRemoved'")]))
        // Without it the manager tells nobody about its jobs.
        _ = try bus.call(.call(Self.destination, Self.path, Self.manager, "Subscribe"))
        var properties = properties(pid: pid, isRoot: uid == 0)
        let answer: [BusValue]
        do {
            answer = try bus.call(startCall(properties))
        } catch {
            // Before systemd 253 a scope has no OOMPolicy. The file says it then, until the next daemon-reload.
            guard error.description.contains("OOMPolicy") else { throw error }
            properties.removeAll { $0.name == "OOMPolicy" }
            answer = try bus.call(startCall(properties))
        }
        guard let job = answer.first?.text else { throw CgroupError(.failed, "start \(unit): no job") }
        // (uoss): id, job, unit, result.
        let end = try bus.signal("JobRemoved") { $0.count == 4 && $0[1].text == job }
        guard end[3].text == "done" else {
            throw CgroupError(.failed, "start \(unit): the job has \(end[3].text ?? "failed")")
        }
    }

    private func startCall(_ properties: [(name: String, value: BusValue)]) -> BusMessage {
        .call(
            Self.destination, Self.path, Self.manager, "StartTransientUnit",
            [.string(unit), .string("replace"), .array("(sv)", properties.map(Self.property)), .array("(sa(sv))", [])])
    }

    /// Has the manager move a process into a scope that stands: where the caller may not, because what lies above both is
    /// not his.
    /// - Parameters:
    ///   - subgroup: the path below the scope's own cgroup; empty for that itself.
    ///   - uid: the caller's on the machine.
    public static func attach(
        _ pid: Int32, to unit: String, subgroup: String, bus path: String, uid: UInt32
    ) throws(CgroupError) {
        var bus = try BusConnection.open(path: path, uid: uid)
        _ = try bus.call(
            .call(
                Self.destination, Self.path, Self.manager, "AttachProcessesToUnit",
                [.string(unit), .string(subgroup), .array("u", [.uint32(UInt32(bitPattern: pid))])]))
    }

    /// Tells the manager of new limits of a scope that stands. It writes them to the files, and again at each
    /// daemon-reload, which would bring the old ones back.
    /// - Parameter uid: the caller's on the machine.
    public static func update(
        _ unit: String, _ settings: [CgroupSetting], bus path: String, uid: UInt32
    ) throws(CgroupError) {
        let properties = SystemdProperties.properties(settings)
        if properties.isEmpty { return }
        var bus = try BusConnection.open(path: path, uid: uid)
        // True: until the unit ends, as all of it.
        _ = try bus.call(
            .call(
                Self.destination, Self.path, Self.manager, "SetUnitProperties",
                [.string(unit), .bool(true), .array("(sv)", properties.map(Self.property))]))
    }

    private static let destination = "org.freedesktop.systemd1"
    private static let path = "/org/freedesktop/systemd1"
    private static let manager = "org.freedesktop.systemd1.Manager"

    private static func property(_ property: (name: String, value: BusValue)) -> BusValue {
        .structure([.string(property.name), .variant(property.value)])
    }

    package func properties(pid: Int32, isRoot: Bool) -> [(name: String, value: BusValue)] {
        let own: [(name: String, value: BusValue)] = [
            ("Description", .string(description)),
            ("Slice", .string(slice ?? (isRoot ? "machine.slice" : "user.slice"))),
            // What is below is ours, and stays as it is at a daemon-reload.
            ("Delegate", .bool(true)), ("DefaultDependencies", .bool(false)),
            // One that failed is forgotten like any other.
            ("CollectMode", .string("inactive-or-failed")),
            ("PIDs", .array("u", [.uint32(UInt32(bitPattern: pid))])),
        ]
        return own + SystemdProperties.properties(settings)
    }
}
