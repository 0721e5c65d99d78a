import OCISpec

/// What the user said about the container's cgroup, apart from the limits, which stand in the specification.
package struct CgroupOptions: Equatable, Sendable {
    package var mode: CgroupMode = .enabled
    package var manager: ContainerConfiguration.CgroupManager?
    package var parent: String?
    /// The limit of processes is the user's wish, not podman's default: it must hold.
    package var limitsProcesses = false

    package init() {}

    package init(_ request: ContainerConfiguration) {
        mode = request.cgroups
        manager = request.cgroupManager
        parent = request.cgroupParent.flatMap { $0.isEmpty ? nil : $0 }
        limitsProcesses = request.resources.pidsLimit ?? 0 > 0
    }
}

extension CgroupOptions: JSONDocument {
    package init(json: JSON) throws(DocumentError) {
        self.init()
        let mode: String? = try json.optional("mode")
        self.mode = mode.flatMap(CgroupMode.init(rawValue:)) ?? .enabled
        let manager: String? = try json.optional("manager")
        self.manager = manager.flatMap(ContainerConfiguration.CgroupManager.init(rawValue:))
        parent = try json.optional("parent")
        limitsProcesses = try json.optional("limitsProcesses") ?? false
    }

    package var json: JSON {
        JSON(members: [
            "mode": mode == .enabled ? nil : .string(mode.rawValue), "manager": manager.map { .string($0.rawValue) },
            "parent": parent.map(JSON.string), "limitsProcesses": limitsProcesses.jsonUnlessFalse,
        ])
    }
}
