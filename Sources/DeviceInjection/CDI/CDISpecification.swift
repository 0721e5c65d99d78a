/// One document of the Container Device Interface, version 1.1.0: what a vendor's devices need in a container.
public struct CDISpecification: Equatable, Sendable {
    /// `cdiVersion`, without a leading `v`.
    public var version: String
    public var kind: CDIKind
    public var annotations: [String: String] = [:]
    /// At least one.
    public var devices: [Device]
    /// Made once, whichever of the devices are asked for.
    public var edits: ContainerEdits

    /// A document of the lowest version that has all that it uses.
    public init(kind: CDIKind, devices: [Device], edits: ContainerEdits = ContainerEdits()) {
        version = ""
        self.kind = kind
        self.devices = devices
        self.edits = edits
        version = minimumVersion.description
    }

    public struct Device: Equatable, Sendable {
        public var name: String
        public var annotations: [String: String] = [:]
        public var edits: ContainerEdits

        public init(name: String, edits: ContainerEdits) {
            self.name = name
            self.edits = edits
        }
    }

    public func device(_ name: String) -> Device? { devices.first { $0.name == name } }
}

/// The versions of CDI that there are, oldest first.
public enum CDIVersion: Int, CaseIterable, Comparable, Sendable, CustomStringConvertible {
    case v0_1, v0_2, v0_3, v0_4, v0_5, v0_6, v0_7, v0_8, v1_0, v1_1

    /// `0.6.0` or `v0.6.0`; nil for a version that is not known.
    public init?(_ text: String) {
        let bare = text.hasPrefix("v") ? String(text.dropFirst()) : text
        guard let found = Self.allCases.first(where: { $0.description == bare }) else { return nil }
        self = found
    }

    public var description: String {
        switch self {
        case .v1_0: "1.0.0"
        case .v1_1: "1.1.0"
        default: "0.\(rawValue + 1).0"
        }
    }

    public static func < (a: CDIVersion, b: CDIVersion) -> Bool { a.rawValue < b.rawValue }
}

extension CDISpecification {
    /// The lowest version that has every member this document uses, by the specification's table of changes.
    public var minimumVersion: CDIVersion {
        var least = CDIVersion.v0_3
        func needs(_ version: CDIVersion, _ isUsed: Bool) { if isUsed, least < version { least = version } }
        needs(.v0_6, !annotations.isEmpty || kind.deviceClass.utf8.contains(UInt8(ascii: ".")))
        for device in devices {
            needs(.v0_6, !device.annotations.isEmpty)
            needs(.v0_5, device.name.utf8.first?.isDigit ?? false)
        }
        for edits in [edits] + devices.map(\.edits) {
            needs(.v0_4, edits.mounts.contains { $0.type != nil })
            needs(.v0_5, edits.deviceNodes.contains { $0.hostPath != nil })
            needs(.v0_7, edits.intelRdt != nil || !edits.additionalGids.isEmpty)
            needs(.v1_1, !edits.netDevices.isEmpty)
            if let rdt = edits.intelRdt { needs(.v1_1, rdt.schemata != nil || rdt.enableMonitoring) }
        }
        return least
    }
}
