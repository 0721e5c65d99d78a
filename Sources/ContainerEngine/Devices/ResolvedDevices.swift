import DeviceInjection

/// Devices that were asked for by name or as GPUs, found, filled in from the host and checked: what the specification
/// still has to take up.
public struct ResolvedDevices: Equatable, Sendable {
    /// Without the hooks that ``setup`` stands for.
    public var edits = ContainerEdits()
    /// Links to make in the container.
    public var links: [DriverSetup.Link] = []
    /// The container's /etc/ld.so.cache; nil leaves it to the image.
    public var linkerCache: [UInt8]?
    /// /proc/driver/nvidia/params as the container sees it; nil for the machine's.
    public var driverParameters: [UInt8]?
    /// A node can be opened through one of the caller's groups only.
    public var needsGroups = false
    /// Near the devices.
    public var numaNode: Int?
    /// What is asked for and cannot be done here, with the device's name; nil where all can.
    public var obstacle: String?
    /// One line each.
    public var warnings: [String] = []

    public init() {}
}
