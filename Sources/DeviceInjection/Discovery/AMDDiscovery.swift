/// AMD's GPUs: /dev/kfd for compute, with the topology that it shows under /sys, and the nodes under /dev/dri. The
/// libraries are the image's own.
struct AMDDiscovery {
    private(set) var specifications: [CDISpecification] = []
    private let tree: HostTree

    static let kind = "amd.com/gpu"
    private static let vendor = "0x1002"

    private struct GPU {
        var address: String
        var uniqueID: String?
    }

    /// nil where there are none.
    init?(in tree: HostTree) {
        self.tree = tree
        let gpus = computeGPUs() ?? PCIDevice.all(withDRM: Self.vendor, in: tree).map { GPU(address: $0.address) }
        var devices: [CDISpecification.Device] = []
        var named: [CDISpecification.Device] = []
        var all = ContainerEdits()
        var index = 0
        for gpu in gpus {
            let edits = DRMNodes(gpu.address, in: tree).edits(in: tree)
            if edits.deviceNodes.isEmpty { continue }
            var device = CDISpecification.Device(name: "\(index)", edits: edits)
            device.annotations = [DeviceDiscovery.addressKey: gpu.address]
            devices.append(device)
            if let id = gpu.uniqueID {
                device.name = "GPU-\(id)"
                named.append(device)
            }
            all.merge(edits)
            index += 1
        }
        guard !devices.isEmpty, let kind = try? CDIKind(Self.kind) else { return nil }
        var common = ContainerEdits()
        common.add(node: "/dev/kfd", in: tree)
        devices += named + [.init(name: "all", edits: all)]
        specifications = [CDISpecification(kind: kind, devices: devices, edits: common)]
    }

    /// In the topology's order, which is that of ROCR_VISIBLE_DEVICES; nil without /dev/kfd.
    private func computeGPUs() -> [GPU]? {
        let top = "/sys/class/kfd/kfd/topology/nodes"
        let nodes = tree.names(in: top)
        guard tree.isCharacterDevice("/dev/kfd"), !nodes.isEmpty else { return nil }
        var gpus: [GPU] = []
        for node in nodes {
            // A processor's id is 0. What the outer cgroup keeps from us cannot be read at all.
            guard let id = tree.word("\(top)/\(node)/gpu_id"), id != "0" else { continue }
            let facts = Self.properties(tree.text("\(top)/\(node)/properties") ?? "")
            guard let minor = facts["drm_render_minor"], minor > 0 else { continue }
            guard let link = tree.real("/sys/class/drm/renderD\(minor)/device") else { continue }
            let unique = facts["unique_id"].flatMap { $0 == 0 ? nil : String($0, radix: 16) }
            gpus.append(GPU(address: link.lastPart, uniqueID: unique))
        }
        return gpus
    }

    /// `name value` a line.
    private static func properties(_ text: String) -> [String: UInt64] {
        var facts: [String: UInt64] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2 { facts[String(words[0])] = UInt64(words[1]) }
        }
        return facts
    }
}

/// A PCI device with nodes under /dev/dri.
struct PCIDevice: Equatable {
    /// `0000:00:02.0`
    var address: String
    /// The kernel driver that runs it: `i915`.
    var driver: String

    /// Those of one vendor, by address.
    static func all(withDRM vendor: String, in tree: HostTree) -> [PCIDevice] {
        var found: [PCIDevice] = []
        for name in tree.names(in: "/sys/class/drm") where name.hasPrefix("renderD") {
            guard let device = tree.real("/sys/class/drm/\(name)/device"),
                tree.word("\(device)/vendor") == vendor
            else { continue }
            found.append(
                PCIDevice(address: device.lastPart, driver: tree.real("\(device)/driver")?.lastPart ?? ""))
        }
        return found.sorted { $0.address < $1.address }
    }
}
