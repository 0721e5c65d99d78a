import Glibc
import LinuxKernel
import OCISpec

/// A device on its way into the plan: a node to make, or the host's to bind.
enum PlannedDevice {
    case node(DeviceNode)
    case bound(Slot, path: String)
    /// By name in the launcher's file system of nodes.
    case prepared(String, path: String)
}

extension Planner {
    /// The devices that the specification promises every container.
    static let standardDevices: [RuntimeSpec.Device] = standardNumbers.map { path, major, minor in
        var device = RuntimeSpec.Device(type: "c", path: path, major: major, minor: minor)
        device.fileMode = 0o666
        return device
    }

    private static let standardNumbers: [(path: String, major: UInt32, minor: UInt32)] = [
        ("/dev/null", 1, 3), ("/dev/zero", 1, 5), ("/dev/full", 1, 7), ("/dev/random", 1, 8), ("/dev/urandom", 1, 9),
        ("/dev/tty", 5, 0),
    ]

    static let standardLinks: [(path: String, target: String)] = [
        ("/dev/fd", "/proc/self/fd"), ("/dev/stdin", "/proc/self/fd/0"), ("/dev/stdout", "/proc/self/fd/1"),
        ("/dev/stderr", "/proc/self/fd/2"), ("/dev/core", "/proc/kcore"), ("/dev/ptmx", "pts/ptmx"),
    ]

    /// Nodes of the host that are to be bound are taken while its /dev is in sight. nil: the container has a /dev of
    /// the host's, in which nothing is made.
    mutating func planDeviceSources(
        _ devices: [RuntimeSpec.Device], mounts: [RuntimeSpec.Mount]
    ) throws(PlanError) -> [PlannedDevice]? {
        let dev = mounts.last { $0.destination == "/dev" || $0.destination == "/dev/" }
        if let dev, dev.type == "bind" || dev.options.contains("bind") || dev.options.contains("rbind") { return nil }
        let given = Set(devices.map(\.path))
        var planned: [PlannedDevice] = []
        var nodes: [DeviceNode] = []
        for device in Planner.standardDevices.filter({ !given.contains($0.path) }) + devices {
            try Planner.requireAbsolute(device.path, "device")
            if isInUserNamespace, !facts.inUserNamespace, facts.makesNodes {
                // The container may not make them, but the launcher may.
                var node = try Planner.node(device)
                node.uid = try outside(node.uid, plan.maps?.uid, device.path)
                node.gid = try outside(node.gid, plan.maps?.gid, device.path)
                planned.append(.prepared("\(nodes.count)", path: node.path))
                nodes.append(node)
            } else if isInUserNamespace {
                // mknod(2) of devices is for real root only.
                let slot = newSlot()
                add(.takeTree(.path(device.path), recursive: false, into: slot))
                planned.append(.bound(slot, path: device.path))
            } else {
                planned.append(.node(try Planner.node(device)))
            }
        }
        if !nodes.isEmpty {
            let slot = newSlot()
            plan.inherited.append(.init(slot: slot, source: .nodes(nodes)))
            nodeSystem = slot
        }
        return planned
    }

    private func outside(_ id: UInt32, _ map: [IDRange]?, _ path: String) throws(PlanError) -> UInt32 {
        guard let map else { return id }
        guard let range = map.first(where: { id >= $0.inside && id - $0.inside < $0.count }) else {
            throw PlanError("device \(path): owner \(id) has no id in the container")
        }
        return range.outside &+ (id - range.inside)
    }

    private static func node(_ device: RuntimeSpec.Device) throws(PlanError) -> DeviceNode {
        let type: UInt32
        switch device.type {
        case "c", "u": type = 0o020000
        case "b": type = 0o060000
        case "p": type = 0o010000
        default: throw PlanError("device \(device.path): unknown type \(device.type)")
        }
        // mknod(2) would take a trailing slash for a directory.
        var path = device.path
        while path.utf8.count > 1, path.hasSuffix("/") { path.removeLast() }
        return DeviceNode(
            path: path, mode: type | (device.fileMode ?? 0o666) & 0o7777,
            number: DeviceNumber(major: device.major, minor: device.minor), uid: device.uid ?? 0, gid: device.gid ?? 0)
    }

    mutating func planDevices(_ devices: [PlannedDevice]?) {
        guard let devices else { return }
        for device in devices {
            switch device {
            case .node(let node): add(.makeNode(node, in: root), tolerating: [EEXIST])
            case .bound(let slot, let path):
                add(.change(.slot(slot, name: path), MountChange(set: [.noSetuid, .noExecute])))
                add(.attach(slot, at: path, in: root))
            case .prepared(let name, let path):
                guard let system = nodeSystem else { continue }
                let slot = newSlot()
                add(.takeTree(.entry(name, in: system), recursive: false, into: slot))
                add(.attach(slot, at: path, in: root))
            }
        }
        for link in options.deviceLinks {
            add(.link(link.target, to: link.path, in: root), tolerating: [EEXIST, EROFS])
        }
        for link in Planner.standardLinks {
            // A root that came with its own keeps it.
            add(.link(link.target, to: link.path, in: root), tolerating: [EEXIST, EROFS])
        }
    }
}
