/// Intel's GPUs, and accelerators of all vendors: nodes under /dev/dri and /dev/accel.
struct AcceleratorDiscovery {
    private(set) var specifications: [CDISpecification] = []

    /// Kernel drivers of /dev/accel nodes and what their devices are called. Any other is `accel/DRIVER`.
    private static let kinds = [
        "intel_vpu": "intel.com/npu", "habanalabs": "intel.com/gaudi", "amdxdna": "amd.com/npu",
        "qaic": "qualcomm.com/aic", "gasket": "google.com/tpu",
    ]

    static let intel = "intel.com/gpu"

    init(in tree: HostTree) {
        addIntel(in: tree)
        addAccelerators(in: tree)
    }

    private mutating func addIntel(in tree: HostTree) {
        let gpus = PCIDevice.all(withDRM: "0x8086", in: tree).filter { ["i915", "xe"].contains($0.driver) }
        add(
            Self.intel,
            gpus.map { ($0.address, DRMNodes($0.address, in: tree).edits(in: tree)) })
    }

    private mutating func addAccelerators(in tree: HostTree) {
        var found: [String: [(address: String, edits: ContainerEdits)]] = [:]
        for name in tree.names(in: "/sys/class/accel") where name.hasPrefix("accel") {
            let device = tree.real("/sys/class/accel/\(name)/device") ?? ""
            let driver = tree.real("\(device)/driver")?.lastPart ?? ""
            var edits = ContainerEdits()
            // The accel subsystem's own directory, and what older drivers made.
            for path in ["/dev/accel/\(name)", "/dev/\(name)"] where edits.isEmpty { edits.add(node: path, in: tree) }
            if edits.isEmpty { continue }
            let suffix = driver.isEmpty ? "device" : driver.replacing("_", "-")
            found[Self.kinds[driver] ?? "accel/\(suffix)", default: []].append((device.lastPart, edits))
        }
        for kind in found.keys.sorted() { add(kind, found[kind] ?? []) }
    }

    private mutating func add(_ name: String, _ found: [(address: String, edits: ContainerEdits)]) {
        var devices: [CDISpecification.Device] = []
        var all = ContainerEdits()
        for (address, edits) in found where !edits.deviceNodes.isEmpty {
            var device = CDISpecification.Device(name: "\(devices.count)", edits: edits)
            if !address.isEmpty { device.annotations = [DeviceDiscovery.addressKey: address] }
            devices.append(device)
            all.merge(edits)
        }
        guard !devices.isEmpty, let kind = try? CDIKind(name) else { return }
        devices.append(.init(name: "all", edits: all))
        specifications.append(CDISpecification(kind: kind, devices: devices))
    }
}

extension String {
    fileprivate func replacing(_ old: Character, _ new: Character) -> String { String(map { $0 == old ? new : $0 }) }
}
