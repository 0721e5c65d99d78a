/// One value for one file of a cgroup.
public struct CgroupSetting: Equatable, Sendable, CustomStringConvertible {
    public var file: String
    public var value: String
    /// Nobody asked for it, or podman goes on without it: that it cannot be set is no failure.
    public var isOptional: Bool
    /// Written as well; of the two it is enough that one can be.
    public var also: Alternative?

    /// The same wish in the words of another file.
    public struct Alternative: Equatable, Sendable {
        public var file: String
        public var value: String

        public init(file: String, value: String) {
            self.file = file
            self.value = value
        }
    }

    public init(_ file: String, _ value: String, isOptional: Bool = false, also: Alternative? = nil) {
        self.file = file
        self.value = value
        self.isOptional = isOptional
        self.also = also
    }

    /// The controller that the file belongs to: what stands before its first dot. nil for files that every cgroup has.
    public var controller: String? {
        let name = String(file.prefix { $0 != "." })
        return name == "cgroup" ? nil : name
    }

    /// As `cpu.max=50000 100000`.
    public var description: String { "\(file)=\(value)" }
}

extension [CgroupSetting] {
    /// The controllers that these need, each once, in their order.
    public var controllers: [String] {
        var names: [String] = []
        for case let name? in map(\.controller) where !names.contains(name) { names.append(name) }
        return names
    }
}
