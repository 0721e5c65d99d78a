import OCISpec

/// The owners of a bind mount, mapped in an option's value: `idmap=uids=0-1-10#10-11-10;gids=0-100-10`, crun's way to say
/// what the specification has members for. podman hands it on from `--volume`.
///
/// Of each three numbers the first is the file system's, the second the host's, the third how many there are; with an `@`
/// in front the second is the container's.
enum InlineMappings {
    /// Puts what stands in an option where the specification has it.
    static func spell(out mount: inout RuntimeSpec.Mount, _ linux: RuntimeSpec.Linux) throws(PlanError) {
        for (index, option) in mount.options.enumerated() {
            guard let equals = option.firstIndex(of: "="), ["idmap", "ridmap"].contains(option[..<equals]) else {
                continue
            }
            let refused = PlanError("mount on \(mount.destination): option \(option): must be uids=A-B-N#...;gids=...")
            for part in option[option.index(after: equals)...].split(separator: ";", omittingEmptySubsequences: false) {
                if part.hasPrefix("uids=") {
                    guard let ids = parse(part.dropFirst(5), linux.uidMappings) else { throw refused }
                    mount.uidMappings = ids
                } else if part.hasPrefix("gids=") {
                    guard let ids = parse(part.dropFirst(5), linux.gidMappings) else { throw refused }
                    mount.gidMappings = ids
                } else {
                    throw refused
                }
            }
            mount.options[index] = String(option[..<equals])
        }
    }

    private static func parse(_ text: Substring, _ container: [RuntimeSpec.IDMapping]) -> [RuntimeSpec.IDMapping]? {
        var mappings: [RuntimeSpec.IDMapping] = []
        for word in text.split(separator: "#", omittingEmptySubsequences: false) {
            let isRelative = word.hasPrefix("@")
            let fields = word.dropFirst(isRelative ? 1 : 0).split(separator: "-", omittingEmptySubsequences: false)
            // Digits and nothing else; Swift itself would take +0 for a number.
            let numbers = fields.compactMap { field in
                field.utf8.allSatisfy { (0x30...0x39).contains($0) } ? UInt32(field) : nil
            }
            guard fields.count == 3, numbers.count == 3, numbers[2] > 0 else { return nil }
            var mapping = RuntimeSpec.IDMapping(containerID: numbers[0], hostID: numbers[1], size: numbers[2])
            if isRelative {
                guard let own = container.first(where: { contains($0, numbers[1], numbers[2]) }) else { return nil }
                mapping.hostID = own.hostID &+ (numbers[1] - own.containerID)
            }
            mappings.append(mapping)
        }
        return mappings
    }

    private static func contains(_ own: RuntimeSpec.IDMapping, _ first: UInt32, _ count: UInt32) -> Bool {
        first >= own.containerID && UInt64(first - own.containerID) + UInt64(count) <= UInt64(own.size)
    }
}
