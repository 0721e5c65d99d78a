import LinuxKernel
import OCISpec

extension CDISpecification {
    /// The document without hooks of the vendor's program, for runtimes on machines that do not have it: the links that
    /// they would make become mounts of the same files, and libraries are found in the container where its linker looks
    /// by itself. What cannot be said so, the linker's cache and the driver's parameters, is left out.
    ///
    /// - Parameter facts: of a library of the host.
    public func portable(facts: (String) -> LibraryFacts.Fact?) -> CDISpecification {
        var result = CDISpecification(
            kind: kind,
            devices: devices.map { device in
                var device = device
                device.edits = device.edits.portable(facts)
                return device
            }, edits: edits.portable(facts))
        result.annotations = annotations
        return result
    }
}

extension ContainerEdits {
    fileprivate func portable(_ facts: (String) -> LibraryFacts.Fact?) -> ContainerEdits {
        var edits = self
        let setup = edits.takeDriverSetup()
        let plan = LibraryPlan(edits, setup, facts: facts)
        var sources: [String: Mount] = [:]
        for mount in edits.mounts { sources[mount.containerPath] = mount }
        // A link may lead to a link, in whichever order they stand.
        var rest = plan.links.filter { !$0.path.hasPrefix("/dev/") }
        while true {
            let before = rest.count
            rest.removeAll { link in
                guard let mount = sources[link.resolvedTarget] else { return false }
                var other = mount
                other.containerPath = link.path
                sources[link.path] = other
                edits.mounts.append(other)
                return true
            }
            if rest.count == before || rest.isEmpty { return edits }
        }
    }
}

extension DriverSetup.Link {
    /// Absolute, as text.
    var resolvedTarget: String {
        if target.hasPrefix("/") { return target }
        var parts = path.directory.split(separator: "/")
        for part in target.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }
}
