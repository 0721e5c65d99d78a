extension ResourceTranslation {
    static func blockIO(_ block: ResourceReader) throws(CgroupError) -> [CgroupSetting] {
        if try block.unsigned("leafWeight") ?? 0 != 0 {
            throw CgroupError(.unsupported, "cannot set leaf_weight with cgroup v2")
        }
        var settings: [CgroupSetting] = []
        if let weight = try block.unsigned("weight"), weight != 0 { settings.append(try self.weight(weight, of: "")) }
        for device in try block.list("weightDevice") {
            if try device.unsigned("leafWeight") ?? 0 != 0 {
                throw CgroupError(.unsupported, "cannot set leaf_weight with cgroup v2")
            }
            guard let weight = try device.unsigned("weight"), weight != 0 else { continue }
            settings.append(try self.weight(weight, of: try number(device) + " "))
        }
        for (name, key) in [
            ("throttleReadBpsDevice", "rbps"), ("throttleWriteBpsDevice", "wbps"),
            ("throttleReadIOPSDevice", "riops"), ("throttleWriteIOPSDevice", "wiops"),
        ] {
            for device in try block.list(name) {
                let rate = try device.unsigned("rate") ?? 0
                settings.append(
                    CgroupSetting("io.max", "\(try number(device)) \(key)=\(rate == 0 ? "max" : String(rate))"))
            }
        }
        return settings
    }

    /// BFQ has v1's range, 1 to 1000; the general one goes to 10000. Which of them a device heeds is its scheduler's affair,
    /// and BFQ's file is there as soon as the kernel knows BFQ.
    private static func weight(_ weight: UInt64, of device: String) throws(CgroupError) -> CgroupSetting {
        guard (1...1000).contains(weight) else {
            throw CgroupError(.invalid, "invalid block IO weight \(weight): must be between 10 and 1000")
        }
        let general = weight < 10 ? 1 : 1 + (weight - 10) * 9999 / 990
        return CgroupSetting(
            "io.bfq.weight", "\(device)\(weight)", also: .init(file: "io.weight", value: "\(device)\(general)"))
    }

    private static func number(_ device: ResourceReader) throws(CgroupError) -> String {
        guard let major = try device.unsigned("major"), let minor = try device.unsigned("minor") else {
            throw CgroupError(.invalid, "a limit of a block device needs its major and minor number")
        }
        return "\(major):\(minor)"
    }
}
