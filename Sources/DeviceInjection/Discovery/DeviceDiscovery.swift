import Glibc
import LinuxKernel
import OCISpec

/// All devices that this machine has and that no document describes.
public struct DeviceDiscovery: Equatable, Sendable {
    /// A document a kind.
    public private(set) var specifications: [CDISpecification] = []
    /// What stands in the way of using a device that is there, a line each.
    public private(set) var warnings: [String] = []

    /// The annotation that says which PCI device a device is: `0000:04:00.0`.
    public static let addressKey = "swiftpod/pci-address"

    /// Looks at everything; some milliseconds, more on a machine with a driver.
    public init(in tree: HostTree) {
        let release = Self.kernelRelease()
        if let nvidia = NvidiaDiscovery(in: tree, release: release) {
            specifications += nvidia.specifications
            warnings += nvidia.warnings
        } else if let windows = WSLDiscovery(in: tree) {
            specifications += windows.specifications
        }
        if let amd = AMDDiscovery(in: tree) { specifications += amd.specifications }
        specifications += AcceleratorDiscovery(in: tree).specifications
    }

    private static func kernelRelease() -> String {
        var names = utsname()
        uname(&names)
        return withUnsafeBytes(of: &names.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    // MARK: - Remembered

    /// As ``init(in:)``, or what that gave the last time where nothing that it depends on has changed since.
    ///
    /// - Parameters:
    ///   - file: where it is remembered; replaced atomically, and not being able to is no error.
    ///   - bootID: of this boot: device numbers and PCI addresses may be others after the next.
    public static func remembered(in tree: HostTree, file: String, bootID: String) -> DeviceDiscovery {
        let key = Self.key(tree, bootID: bootID)
        if let bytes = (try? File.readIfPresent(file, limit: 16 << 20)) ?? nil, let json = try? JSON(parsing: bytes),
            json["key"]?.string == key, let known = try? DeviceDiscovery(json: json)
        {
            return known
        }
        let found = DeviceDiscovery(in: tree)
        var json = found.json
        json.set("key", .string(key))
        try? File.writeAtomically(json.encoded(), to: file, mode: 0o600)
        return found
    }

    /// Whatever changes when devices or drivers come and go: the driver's version, and the times of directories and of
    /// the linker's cache.
    private static func key(_ tree: HostTree, bootID: String) -> String {
        var parts = [
            "1", bootID, tree.root, kernelRelease(),
            tree.text("/proc/driver/nvidia/version").flatMap(NvidiaDriver.version) ?? "",
        ]
        for path in [
            "/dev", "/dev/dri", "/dev/nvidia-caps", "/dev/nvidia-caps-imex-channels", "/dev/infiniband", "/dev/accel",
            "/etc/ld.so.cache", "/usr/bin/nvidia-smi", "/usr/local/nvidia", "/run/nvidia", "/run/nvidia/driver",
            "/run/nvidia-persistenced", "/run/nvidia-fabricmanager", "/usr/lib/wsl/drivers",
        ] {
            let time = tree.status(path)?.modified
            parts.append(time.map { "\($0.seconds).\($0.nanoseconds)" } ?? "")
        }
        // Instances of partitioned GPUs come and go without a change in /dev.
        for name in tree.names(in: "/proc/driver/nvidia/capabilities") where name.hasPrefix("gpu") {
            let top = "/proc/driver/nvidia/capabilities/\(name)/mig"
            for gi in tree.names(in: top) {
                parts.append("\(gi):" + tree.names(in: "\(top)/\(gi)").joined(separator: ","))
            }
        }
        return parts.joined(separator: "|")
    }
}

extension DeviceDiscovery: JSONDocument {
    public init(json: JSON) throws(DocumentError) {
        specifications = try json.list("specifications")
        warnings = try json.list("warnings")
    }

    public var json: JSON { ["specifications": specifications.json, "warnings": warnings.json] }
}
