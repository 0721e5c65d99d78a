import OCISpec

/// One line of the device list: who may make, read or write which nodes.
public struct DeviceRule: Equatable, Sendable {
    public enum Kind: Equatable, Sendable {
        case any, block, character
    }

    /// Bits as the kernel's filter sees them.
    public struct Access: OptionSet, Equatable, Sendable {
        public let rawValue: UInt32

        public init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        public static let make = Access(rawValue: 1)
        public static let read = Access(rawValue: 2)
        public static let write = Access(rawValue: 4)
        public static let all: Access = [.make, .read, .write]
    }

    public var allows: Bool
    public var kind: Kind
    /// nil for every number.
    public var major: UInt32?
    public var minor: UInt32?
    public var access: Access

    public init(
        allows: Bool, _ kind: Kind = .any, major: UInt32? = nil, minor: UInt32? = nil, access: Access = .all
    ) {
        self.allows = allows
        self.kind = kind
        self.major = major
        self.minor = minor
        self.access = access
    }

    /// An element of `linux.resources.devices`.
    public init(_ json: JSON) throws(CgroupError) {
        let reader = ResourceReader(json, path: "devices")
        guard let allows = try reader.bool("allow") else {
            throw CgroupError(.invalid, "a device rule needs \"allow\"")
        }
        switch try reader.string("type") ?? "a" {
        case "a", "": kind = .any
        case "b": kind = .block
        case "c", "u": kind = .character
        case let other: throw CgroupError(.invalid, "invalid device type \"\(other.escapingControls)\"")
        }
        self.allows = allows
        major = try DeviceRule.number(reader.integer("major"))
        minor = try DeviceRule.number(reader.integer("minor"))
        access = try DeviceRule.access(reader.string("access") ?? "rwm")
    }

    /// `--device-cgroup-rule`: `c 189:* rwm`, always one that allows.
    public init(parsing text: String) throws(CgroupError) {
        let parts = text.split(separator: " ", omittingEmptySubsequences: true)
        let numbers = parts.count > 1 ? parts[1].split(separator: ":", omittingEmptySubsequences: false) : []
        guard parts.count == 3, numbers.count == 2, ["a", "b", "c"].contains(parts[0]) else {
            throw CgroupError(.invalid, "invalid device cgroup rule format: '\(text.escapingControls)'")
        }
        func number(_ word: Substring) throws(CgroupError) -> UInt32? {
            if word == "*" { return nil }
            guard let number = UInt32(word) else {
                throw CgroupError(.invalid, "invalid device cgroup rule format: '\(text.escapingControls)'")
            }
            return number
        }
        allows = true
        kind = parts[0] == "a" ? .any : parts[0] == "b" ? .block : .character
        major = try number(numbers[0])
        minor = try number(numbers[1])
        access = try DeviceRule.access(String(parts[2]))
    }

    /// In the specification's form.
    public var json: JSON {
        var words = ""
        for (bit, letter) in [(Access.read, "r"), (.write, "w"), (.make, "m")] where access.contains(bit) {
            words += letter
        }
        return JSON(members: [
            "allow": .bool(allows), "type": kind == .any ? nil : .string(kind == .block ? "b" : "c"),
            "major": major.map { .integer(Int64($0)) }, "minor": minor.map { .integer(Int64($0)) },
            "access": .string(words),
        ])
    }

    /// -1 is the specification's word for every number.
    private static func number(_ value: Int64?) throws(CgroupError) -> UInt32? {
        guard let value, value != -1 else { return nil }
        guard let number = UInt32(exactly: value) else { throw CgroupError(.invalid, "invalid device number \(value)") }
        return number
    }

    private static func access(_ word: String) throws(CgroupError) -> Access {
        var access: Access = []
        for letter in word {
            switch letter {
            case "r": access.insert(.read)
            case "w": access.insert(.write)
            case "m": access.insert(.make)
            default: throw CgroupError(.invalid, "invalid device access \"\(word.escapingControls)\"")
            }
        }
        return access
    }
}
