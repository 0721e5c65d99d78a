extension HostTree {
    /// /proc/driver/nvidia/params, saying that no device files may be made; nil where it says so already or is not there.
    ///
    /// Programs of the driver make nodes that are missing unless it says that they may not: in a container they would
    /// make some that it is not meant to have.
    public var driverParametersWithoutModification: [UInt8]? {
        guard let text = text("/proc/driver/nvidia/params") else { return nil }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.contains("ModifyDeviceFiles: 1") else { return nil }
        let changed = lines.map { $0 == "ModifyDeviceFiles: 1" ? "ModifyDeviceFiles: 0" : $0 }
        return Array(changed.joined(separator: "\n").utf8)
    }

    /// The NUMA node that a PCI device is near; nil where the kernel does not say.
    public func numaNode(ofDevice address: String) -> Int? {
        guard let node = word("/sys/bus/pci/devices/\(address)/numa_node").flatMap({ Int($0) }), node >= 0 else {
            return nil
        }
        return node
    }
}
