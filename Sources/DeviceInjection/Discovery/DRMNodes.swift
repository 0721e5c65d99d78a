/// The nodes under /dev/dri of one PCI device, and the links by which programs find them.
struct DRMNodes: Equatable {
    /// `/dev/dri/card0`, `/dev/dri/renderD128`.
    var nodes: [String] = []
    var links: [DriverSetup.Link] = []

    /// - Parameter address: `0000:04:00.0`.
    init(_ address: String, in tree: HostTree) {
        for name in tree.names(in: "/sys/bus/pci/devices/\(address)/drm")
        where name.hasPrefix("card") || name.hasPrefix("renderD") {
            if tree.isCharacterDevice("/dev/dri/\(name)") { nodes.append("/dev/dri/\(name)") }
        }
        for suffix in ["card", "render"] {
            let path = "/dev/dri/by-path/pci-\(address)-\(suffix)"
            guard let target = tree.target(path), let real = tree.real(path), nodes.contains(real) else { continue }
            links.append(DriverSetup.Link(target: target, path: path))
        }
    }

    /// The nodes with the groups that may open them, and the links.
    func edits(in tree: HostTree) -> ContainerEdits {
        var edits = ContainerEdits()
        for node in nodes { edits.add(node: node, in: tree) }
        if !links.isEmpty { edits.hooks.append(DriverSetup.hook(links)) }
        return edits
    }
}

extension ContainerEdits {
    /// A node under its own name. The container's process gets the group that it takes to open it.
    mutating func add(node path: String, in tree: HostTree) {
        guard let status = tree.status(path), status.kind == .characterDevice else { return }
        var node = DeviceNode(path: path, hostPath: tree.host(path))
        let isForAll = status.permissions & 0o6 == 0o6
        let isForGroup = status.permissions & 0o60 == 0o60
        if !isForAll, isForGroup, status.gid != 0 {
            // A node that is made would be of the process's own group otherwise.
            node.gid = status.gid
            if !additionalGids.contains(status.gid) { additionalGids.append(status.gid) }
        }
        deviceNodes.append(node)
    }
}

extension DriverSetup {
    static func hook(_ links: [Link]) -> ContainerEdits.Hook {
        hook("create-symlinks", links.flatMap { ["--link", "\($0.target)::\($0.path)"] })
    }
}
