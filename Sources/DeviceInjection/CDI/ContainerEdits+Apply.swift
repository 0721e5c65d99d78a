import OCISpec

/// How device nodes come into a container.
public enum NodeStyle: Equatable, Sendable {
    /// Made, with a rule for the device cgroup: for real root.
    case made
    /// The host's own, bound: in a user namespace nobody can make one.
    case bound
}

extension ContainerEdits {
    /// Makes the edits. Pure: ``filled(from:)`` has asked the host before.
    ///
    /// What stands already at a mount's or a node's place is replaced, and so is a variable of the same name, as the
    /// CDI library has it. Mounts are sorted by depth afterwards, in their order otherwise.
    public func apply(to spec: inout RuntimeSpec, nodes style: NodeStyle) throws(CDIError) {
        applyEnvironment(to: &spec)
        for node in deviceNodes { try node.apply(to: &spec, style) }
        for mount in mounts {
            spec.mounts.removeAll { $0.destination == mount.containerPath }
            spec.mounts.append(
                RuntimeSpec.Mount(
                    destination: mount.containerPath, type: mount.runtimeType, source: mount.hostPath,
                    options: mount.runtimeOptions))
        }
        if !mounts.isEmpty || style == .bound && !deviceNodes.isEmpty { spec.mounts.sortByDepth() }
        for hook in hooks { hook.apply(to: &spec) }
        for gid in additionalGids where gid != 0 {
            if !(spec.process?.user.additionalGids.contains(gid) ?? true) {
                spec.process?.user.additionalGids.append(gid)
            }
        }
        if spec.linux == nil { spec.linux = RuntimeSpec.Linux() }
        if let intelRdt { spec.linux?.intelRdt = intelRdt.json }
        if !netDevices.isEmpty {
            var all = spec.linux?.netDevices ?? .object([])
            for device in netDevices { all.set(device.hostInterfaceName, ["name": .string(device.name)]) }
            spec.linux?.netDevices = all
        }
    }

    private func applyEnvironment(to spec: inout RuntimeSpec) {
        guard var list = spec.process?.env else { return }
        for entry in env {
            let name = entry.prefix { $0 != "=" } + "="
            if let index = list.firstIndex(where: { $0.hasPrefix(name) }) {
                list[index] = entry
            } else {
                list.append(entry)
            }
        }
        spec.process?.env = list
    }
}

extension ContainerEdits.DeviceNode {
    /// Some of `rwm`, or nothing.
    public var access: String {
        switch permissions {
        case nil: "rwm"
        case "none"?: ""
        case let some?: some
        }
    }

    fileprivate func apply(to spec: inout RuntimeSpec, _ style: NodeStyle) throws(CDIError) {
        guard style == .made else {
            spec.mounts.removeAll { $0.destination == path }
            spec.mounts.append(
                RuntimeSpec.Mount(
                    destination: path, type: "bind", source: source,
                    options: ["rprivate", "nosuid", "noexec", access.contains("w") ? "rw" : "ro", "rbind"]))
            return
        }
        guard let type, let major = UInt32(exactly: major), let minor = UInt32(exactly: minor) else {
            throw CDIError(.invalid, "device \(path.printable): its type and number are not known")
        }
        var device = RuntimeSpec.Device(type: type, path: path, major: major, minor: minor)
        device.fileMode = fileMode
        // The process's user owns what nobody else is named for.
        device.uid = uid ?? spec.process.flatMap { $0.user.uid > 0 ? $0.user.uid : nil }
        device.gid = gid ?? spec.process.flatMap { $0.user.gid > 0 ? $0.user.gid : nil }
        if spec.linux == nil { spec.linux = RuntimeSpec.Linux() }
        spec.linux?.devices.removeAll { $0.path == path }
        spec.linux?.devices.append(device)
        if type != "p" {
            spec.allowDevice(type: type == "u" ? "c" : type, major: Int64(major), minor: Int64(minor), access: access)
        }
    }
}

extension RuntimeSpec {
    /// Adds a rule to `linux.resources.devices`.
    fileprivate mutating func allowDevice(type: String, major: Int64, minor: Int64, access: String) {
        var resources = linux?.resources ?? .object([])
        var rules = resources["devices"]?.array ?? []
        let rule: JSON = [
            "allow": true, "type": .string(type), "major": .integer(major), "minor": .integer(minor),
            "access": .string(access),
        ]
        if !rules.contains(rule) { rules.append(rule) }
        resources.set("devices", .array(rules))
        linux?.resources = resources
    }
}

extension ContainerEdits.Mount {
    /// What CDI documents leave out: everybody who writes one means a bind mount.
    var runtimeType: String? {
        if let type, type != "none" { return type }
        return "bind"
    }

    var runtimeOptions: [String] {
        if runtimeType != "bind" { return options }
        return options.contains("bind") || options.contains("rbind") ? options : options + ["rbind"]
    }
}

extension ContainerEdits.Hook {
    fileprivate func apply(to spec: inout RuntimeSpec) {
        var hook = RuntimeSpec.Hook(path: path)
        hook.args = args
        hook.env = env
        hook.timeout = timeout
        var hooks = spec.hooks ?? RuntimeSpec.Hooks()
        switch hookName {
        case .prestart: hooks.prestart.append(hook)
        case .createRuntime: hooks.createRuntime.append(hook)
        case .createContainer: hooks.createContainer.append(hook)
        case .startContainer: hooks.startContainer.append(hook)
        case .poststart: hooks.poststart.append(hook)
        case .poststop: hooks.poststop.append(hook)
        }
        spec.hooks = hooks
    }
}

extension [RuntimeSpec.Mount] {
    /// Parents before what lies below them, otherwise in their order.
    fileprivate mutating func sortByDepth() {
        func depth(_ path: String) -> Int { path.utf8.reduce(0) { $1 == UInt8(ascii: "/") ? $0 + 1 : $0 } }
        self = enumerated().map { (depth($0.element.destination), $0.offset, $0.element) }
            .sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map(\.2)
    }
}
