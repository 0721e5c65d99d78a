/// What a device asks to have changed in a container: CDI's `containerEdits`.
public struct ContainerEdits: Equatable, Sendable {
    /// `NAME=VALUE`.
    public var env: [String] = []
    public var deviceNodes: [DeviceNode] = []
    /// Network interfaces that move from the host into the container. CDI 1.1.
    public var netDevices: [NetDevice] = []
    public var hooks: [Hook] = []
    public var mounts: [Mount] = []
    /// CDI 0.7.
    public var intelRdt: IntelRdt?
    /// Groups for the container's process; 0 is passed over. CDI 0.7.
    public var additionalGids: [UInt32] = []

    public init() {}

    public var isEmpty: Bool { self == ContainerEdits() }

    public struct DeviceNode: Equatable, Sendable {
        /// In the container.
        public var path: String
        /// On the host, where that is another one. CDI 0.5.
        public var hostPath: String?
        /// `b`, `c`, `u` or `p`; nil and the numbers being 0: as on the host.
        public var type: String?
        public var major: Int64 = 0
        public var minor: Int64 = 0
        public var fileMode: UInt32?
        /// Of the device cgroup: some of `rwm`; nil is all, `none` is none.
        public var permissions: String?
        public var uid: UInt32?
        public var gid: UInt32?

        public init(path: String, hostPath: String? = nil) {
            self.path = path
            self.hostPath = hostPath == path ? nil : hostPath
        }

        /// Where the node stands on the host.
        public var source: String { hostPath ?? path }
    }

    public struct NetDevice: Equatable, Sendable {
        public var hostInterfaceName: String
        /// In the container.
        public var name: String

        public init(hostInterfaceName: String, name: String) {
            self.hostInterfaceName = hostInterfaceName
            self.name = name
        }
    }

    public struct Hook: Equatable, Sendable {
        public var hookName: HookName
        /// Absolute.
        public var path: String
        public var args: [String] = []
        public var env: [String] = []
        /// Seconds, more than 0.
        public var timeout: Int?

        public init(_ hookName: HookName, path: String, args: [String] = []) {
            self.hookName = hookName
            self.path = path
            self.args = args
        }
    }

    /// A point of a container's life, as in the OCI runtime specification.
    public enum HookName: String, Equatable, Sendable, CaseIterable {
        case prestart, createRuntime, createContainer, startContainer, poststart, poststop
    }

    public struct Mount: Equatable, Sendable {
        public var hostPath: String
        public var containerPath: String
        public var options: [String] = []
        /// CDI 0.4; a dummy for bind mounts.
        public var type: String?

        public init(hostPath: String, containerPath: String, options: [String] = []) {
            self.hostPath = hostPath
            self.containerPath = containerPath
            self.options = options
        }
    }

    public struct IntelRdt: Equatable, Sendable {
        public var closID: String?
        public var l3CacheSchema: String?
        public var memBwSchema: String?
        /// CDI 1.1.
        public var schemata: [String]?
        /// CDI 1.1.
        public var enableMonitoring: Bool = false

        public init() {}
    }
}

extension ContainerEdits {
    /// Adds the edits of a further device. What is there already counts once; of two nodes or mounts at one place the
    /// later stands.
    public mutating func merge(_ other: ContainerEdits) {
        for entry in other.env where !env.contains(entry) { env.append(entry) }
        for node in other.deviceNodes {
            deviceNodes.removeAll { $0.path == node.path }
            deviceNodes.append(node)
        }
        for device in other.netDevices {
            netDevices.removeAll { $0.hostInterfaceName == device.hostInterfaceName }
            netDevices.append(device)
        }
        for hook in other.hooks where !hooks.contains(hook) { hooks.append(hook) }
        for mount in other.mounts {
            mounts.removeAll { $0.containerPath == mount.containerPath }
            mounts.append(mount)
        }
        if let rdt = other.intelRdt { intelRdt = rdt }
        for gid in other.additionalGids where !additionalGids.contains(gid) { additionalGids.append(gid) }
    }
}
