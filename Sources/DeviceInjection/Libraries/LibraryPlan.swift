/// What makes libraries that are mounted into a container findable there: symbolic links under their SONAMEs, and lines
/// of the linker's cache.
public struct LibraryPlan: Equatable, Sendable {
    /// Each place once.
    public private(set) var links: [DriverSetup.Link] = []
    /// To stand in front of the image's own.
    public private(set) var entries: [LinkerCache.Entry] = []

    /// - Parameters:
    ///   - edits: whose mounts are looked through.
    ///   - setup: links that are asked for by name.
    ///   - facts: of a file of the host.
    public init(
        _ edits: ContainerEdits, _ setup: DriverSetup, facts: (String) -> LibraryFacts.Fact?
    ) {
        let places = Set(edits.mounts.map(\.containerPath))
        var flags: [String: UInt32] = [:]
        for mount in edits.mounts where Self.isLibrary(mount.containerPath.lastPart) {
            guard let fact = facts(mount.hostPath) else { continue }
            let folder = mount.containerPath.directory
            if let own = fact.flags {
                flags["\(folder)/\(fact.name)"] = own
                flags[mount.containerPath] = own
                // The file itself and not the link: that is there whatever the image does about links.
                entries.append(LinkerCache.Entry(name: fact.name, path: mount.containerPath, flags: own))
            }
            let link = "\(folder)/\(fact.name)"
            if link != mount.containerPath, !places.contains(link) {
                add(DriverSetup.Link(target: mount.containerPath.lastPart, path: link))
            }
        }
        for link in setup.links where !places.contains(link.path) {
            add(link)
            guard !link.target.contains("/"), let own = flags["\(link.path.directory)/\(link.target)"] else { continue }
            flags[link.path] = own
            let name = link.path.lastPart
            if Self.isLibrary(name), !entries.contains(where: { $0.name == name && $0.path == link.path }) {
                entries.append(LinkerCache.Entry(name: name, path: link.path, flags: own))
            }
        }
    }

    private mutating func add(_ link: DriverSetup.Link) {
        links.removeAll { $0.path == link.path }
        links.append(link)
    }

    /// `libx.so`, `libx.so.1.2`.
    static func isLibrary(_ name: String) -> Bool {
        name.hasPrefix("lib") && name.split(separator: ".").dropFirst().contains("so")
    }

    /// The image's cache with the libraries in front; nil where there are none.
    ///
    /// - Parameters:
    ///   - image: the image's own; nil where it has none.
    ///   - compatibility: what goes before the driver's own, see ``ForwardCompatibility``.
    public func cache(over image: [UInt8]?, compatibility: [LinkerCache.Entry] = []) -> [UInt8]? {
        guard !entries.isEmpty || !compatibility.isEmpty else { return nil }
        var cache = image.flatMap { LinkerCache(parsing: $0) } ?? LinkerCache()
        cache.add(compatibility + entries)
        return cache.encoded()
    }
}
