import OCISpec

extension SpecificationBuilder {
    /// Directory of our files within the container's.
    private static let folder = "files"

    /// User mounts, base mounts, our files, devices: parents before what lies below them.
    package func finalMounts(
        _ mounts: PlannedMounts, user: ContainerUser, names: HostNames, draft: inout Specification
    ) throws(EngineError) -> [RuntimeSpec.Mount] {
        var all = mounts.user.map { mount -> RuntimeSpec.Mount in
            guard mount.type == "tmpfs", mount.options.contains("U") else { return mount }
            var owned = mount
            owned.options = mount.options.filter { $0 != "U" } + ["uid=\(user.uid)", "gid=\(user.gid)"]
            return owned
        }
        all += mounts.readOnlyTmpfs + mounts.base
        for file in try generatedFiles(mounts, names: names, draft: &draft) { all.append(file) }
        all += mounts.devices.mounts
        return all.enumerated().sorted { a, b in
            let depths = (Self.depth(a.element.destination), Self.depth(b.element.destination))
            return depths.0 != depths.1 ? depths.0 < depths.1 : a.offset < b.offset
        }.map { $0.element }
    }

    private static func depth(_ path: String) -> Int {
        path.utf8.reduce(into: 0) { count, byte in if byte == UInt8(ascii: "/") { count += 1 } }
    }

    /// A file of ours unless something of the user's is mounted at its place.
    private func place(
        _ name: String, at destination: String, _ contents: [UInt8], mounts: PlannedMounts,
        draft: inout Specification
    ) -> [RuntimeSpec.Mount] {
        if mounts.isMounted(destination) { return [] }
        draft.files.append(
            Specification.PreparedFile(
                name: "\(Self.folder)/\(name)", contents: contents,
                uid: UserNamespacePlan.outside(0, plan.uid) ?? 0, gid: UserNamespacePlan.outside(0, plan.gid) ?? 0))
        return [bound("\(identity.directory)/\(Self.folder)/\(name)", at: destination)]
    }

    private func bound(_ source: String, at destination: String) -> RuntimeSpec.Mount {
        let options =
            request.readOnlyRoot ? ["bind", "rprivate", "ro", "nosuid", "noexec", "nodev"] : ["bind", "rprivate"]
        return RuntimeSpec.Mount(destination: destination, type: "bind", source: source, options: options)
    }

    private func generatedFiles(
        _ mounts: PlannedMounts, names: HostNames, draft: inout Specification
    ) throws(EngineError) -> [RuntimeSpec.Mount] {
        var result: [RuntimeSpec.Mount] = []
        result += place(
            "hostname", at: "/etc/hostname", Array((names.hostname + "\n").utf8), mounts: mounts, draft: &draft)
        result += try nameResolution(mounts, names: names, draft: &draft)
        // On a /run of the user's the file would be put into his directory.
        if !mounts.isMounted("/run"), !mounts.readOnlyTmpfs.contains(where: { $0.destination == "/run" }) {
            result += place(
                "containerenv", at: "/run/.containerenv", containerEnvironment, mounts: mounts, draft: &draft)
        }
        // Put there by `addAccounts` when the root cannot be written.
        for name in ["passwd", "group"]
        where draft.files.contains(where: { $0.name == "\(Self.folder)/\(name)" }) {
            result.append(bound("\(identity.directory)/\(Self.folder)/\(name)", at: "/etc/\(name)"))
        }
        return result
    }

    /// hosts and resolv.conf: our own, or those of the container whose network is shared.
    private func nameResolution(
        _ mounts: PlannedMounts, names: HostNames, draft: inout Specification
    ) throws(EngineError) -> [RuntimeSpec.Mount] {
        var result: [RuntimeSpec.Mount] = []
        let network = request.network
        if let join = draft.joins.first(where: { $0.kind == .network }) {
            let other = try surroundings.container(join.container)
            if !network.noResolvConf, let path = other.resolvConfFile, !mounts.isMounted("/etc/resolv.conf") {
                result.append(bound(path, at: "/etc/resolv.conf"))
            }
            if !network.noHosts, let path = other.hostsFile, !mounts.isMounted("/etc/hosts") {
                result.append(bound(path, at: "/etc/hosts"))
            }
            return result
        }
        // Without a network nothing can be asked: podman leaves resolv.conf out.
        if network.mode != NetworkOptions.Mode.none, !network.noResolvConf {
            var now = ResolverFile.Situation()
            now.isPrivate = network.mode != .host
            now.hasIPv6 = surroundings.networkHasIPv6
            now.forwarders = surroundings.nameServers
            result += place(
                "resolv.conf", at: "/etc/resolv.conf",
                ResolverFile(network, host: surroundings.resolvConf, now).bytes, mounts: mounts, draft: &draft)
        }
        if !network.noHosts {
            result += place(
                "hosts", at: "/etc/hosts", try hosts(names).bytes, mounts: mounts, draft: &draft)
        }
        return result
    }

    private func hosts(_ names: HostNames) throws(EngineError) -> HostsFile {
        let gateway = surroundings.hostGateway()
        var own: [HostsFile.Entry] = []
        let mine = names.hostname == identity.name ? [names.hostname] : [names.hostname, identity.name]
        switch request.network.mode ?? .private {
        case .none: own = [HostsFile.Entry("127.0.0.1", mine)]
        case .host, .container, .path: break
        case .private, .pasta, .slirp4netns:
            // Where the address is known only later, the loopback's serves a program that asks for its own name.
            own = [HostsFile.Entry(surroundings.containerAddress ?? "127.0.0.1", mine)]
        }
        return HostsFile(
            added: try HostsFile.added(request.network.addHosts, gateway: gateway), base: surroundings.hosts,
            gateway: gateway, own: own)
    }

    /// Its presence tells programs that they are in a container; a privileged one may know which.
    private var containerEnvironment: [UInt8] {
        guard request.security.privileged else { return [] }
        let text = """
            engine="swiftpod"
            name="\(identity.name)"
            id="\(identity.id)"
            image="\(image?.name ?? "")"
            imageid="\(image?.id ?? "")"
            rootless=\(caller.isRootless ? 1 : 0)

            """
        return Array(text.utf8)
    }

    /// passwd and group get their lines in the container's own layer, as podman does it: a file that is bind-mounted
    /// cannot be replaced, and `useradd` replaces. Only where that layer cannot be written, or is the user's own
    /// directory, copies are mounted.
    package func addAccounts(
        _ lines: AccountAdditions, mounts: PlannedMounts, into draft: inout Specification
    ) throws(EngineError) {
        for (name, text) in [("passwd", lines.passwd), ("group", lines.group)] where !text.isEmpty {
            let path = "/etc/\(name)"
            if mounts.isMounted(path) || mounts.isMounted("/etc") { continue }
            var contents = root.readFile(path, AccountFiles.limit) ?? []
            if let last = contents.last, last != 0x0A { contents.append(0x0A) }
            contents += Array(text.utf8)
            if image == nil || request.readOnlyRoot {
                draft.files.append(
                    Specification.PreparedFile(
                        name: "\(Self.folder)/\(name)", contents: contents,
                        uid: UserNamespacePlan.outside(0, plan.uid) ?? 0,
                        gid: UserNamespacePlan.outside(0, plan.gid) ?? 0))
            } else {
                draft.rootEntries.append(
                    Specification.RootEntry(
                        path: path, content: .file(contents), mode: 0o644,
                        uid: UserNamespacePlan.outside(0, plan.uid) ?? 0,
                        gid: UserNamespacePlan.outside(0, plan.gid) ?? 0))
            }
        }
    }
}
