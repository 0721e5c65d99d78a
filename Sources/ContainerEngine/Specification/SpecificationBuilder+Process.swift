import OCISpec

extension SpecificationBuilder {
    /// The files that users are looked up in: what the user mounts over the image's comes first.
    package func accountRoot(_ mounts: [RuntimeSpec.Mount]) -> RootView {
        let binds = mounts.filter { $0.type == "bind" }
        guard binds.contains(where: { ["/etc/passwd", "/etc/group", "/etc"].contains($0.destination) }) else {
            return root
        }
        let inner = root
        return RootView(
            readFile: { path, limit in
                if let mount = binds.first(where: { $0.destination == path }), let source = mount.source {
                    return HostFile.read(source, limit: limit)
                }
                if path.hasPrefix("/etc/"), let mount = binds.first(where: { $0.destination == "/etc" }),
                    let source = mount.source
                {
                    return RootView(directory: source).readFile(String(path.dropFirst("/etc".count)), limit)
                }
                return inner.readFile(path, limit)
            }, entry: root.entry)
    }

    /// Whom the container runs as, in words: the request's, the image's, keep-id's caller, else nobody said.
    package var userWord: String {
        if let word = request.user, !word.isEmpty { return word }
        if let word = image?.execution.user, !word.isEmpty { return word }
        if let user = plan.defaultUser { return "\(user.uid):\(user.gid)" }
        return ""
    }

    package func containerUser(_ accounts: AccountFiles) throws(EngineError) -> ContainerUser {
        let user = try ContainerUser(userWord, in: accounts)
        _ = try hostID(user.uid, plan.uid, "user \(userWord): uid")
        _ = try hostID(user.gid, plan.gid, "user \(userWord): gid")
        return user
    }

    package func process(
        _ user: ContainerUser, accounts: AccountFiles, names: HostNames, mounts: PlannedMounts,
        shared: SharedNamespaces, into draft: inout Specification
    ) throws(EngineError) -> RuntimeSpec.Process {
        var process = RuntimeSpec.Process()
        process.terminal = request.tty
        process.args = try command()
        process.cwd = workingDirectory
        try checkWorkingDirectory(process.cwd, user: user, mounts: mounts, into: &draft)
        process.user = RuntimeSpec.User(uid: user.uid, gid: user.gid, umask: request.umask ?? Self.defaultUmask)
        process.user.additionalGids = try additionalGroups(user, accounts: accounts, into: &draft)

        var additions = AccountAdditions.Context(user: userWord, workingDirectory: process.cwd)
        additions.mountPoints = mounts.user.map { $0.destination }
        if case .keepID(nil, nil) = request.namespaces.user { additions.addsCaller = true }
        let lines = AccountAdditions(additions, resolved: user, caller: caller, files: accounts)
        try addAccounts(lines, mounts: mounts, into: &draft)

        var variables = VariableList(
            try EnvironmentPolicy.variables(
                request.environment, image: image?.execution.env ?? [], caller: caller))
        if !variables.contains("HOME") {
            variables.set("HOME", user.home ?? lines.home ?? "/")
            draft.homeIsDerived = true
        }
        if !variables.contains("HOSTNAME") { variables.set("HOSTNAME", names.hostname) }
        process.env = variables.entries

        process.capabilities = try CapabilityPolicy.sets(
            request.security, bounding: caller.boundingCapabilities, isRoot: user.uid == 0)
        let limits = try LimitPolicy.limits(request, caller: caller, mayRaise: mayRaiseLimits)
        process.rlimits = limits.limits
        draft.warnings += limits.warnings
        process.noNewPrivileges = request.security.noNewPrivileges
        process.oomScoreAdj = oomScore(into: &draft)
        warnOfForeignUser(user, into: &draft)
        return process
    }

    package static let defaultUmask: UInt32 = 0o022

    /// The image's words count where the user has put none in their place; an entry point of the user's own drops the
    /// image's CMD too.
    package func command() throws(EngineError) -> [String] {
        var entrypoint = request.entrypoint ?? image?.execution.entrypoint ?? []
        if entrypoint == [""] { entrypoint = [] }
        var command = request.command
        if command.isEmpty, request.entrypoint?.isEmpty ?? true { command = image?.execution.cmd ?? [] }
        // podman: `--entrypoint ""` drops the image's command as well.
        if request.entrypoint == [""] { command = request.command }
        let words = entrypoint + command
        guard !words.isEmpty else {
            throw EngineError(.invalid, "no command or entrypoint provided, and no CMD or ENTRYPOINT from image")
        }
        return words
    }

    package var workingDirectory: String {
        if let wanted = request.workingDirectory, !wanted.isEmpty { return Self.cleaned(wanted) }
        if let theirs = image?.execution.workingDir, !theirs.isEmpty { return Self.cleaned(theirs) }
        return "/"
    }

    /// The image's WORKDIR is made where it is missing and given to the user; the user's own has to exist.
    private func checkWorkingDirectory(
        _ path: String, user: ContainerUser, mounts: PlannedMounts, into draft: inout Specification
    ) throws(EngineError) {
        let points = (mounts.user + mounts.base + mounts.readOnlyTmpfs).map { $0.destination }
        if points.contains(where: { path == $0 || path.hasPrefix($0 + "/") }) || path == "/" { return }
        if let entry = root.entry(path) {
            guard entry.isDirectory else {
                throw EngineError(
                    .cannotInvoke,
                    "workdir \"\(path)\" exists on container \(identity.id), but is not a directory")
            }
            return
        }
        guard request.workingDirectory?.isEmpty ?? true else {
            throw EngineError(.cannotInvoke, "workdir \"\(path)\" does not exist on container \(identity.id)")
        }
        draft.rootEntries.append(
            Specification.RootEntry(
                path: path, content: .directory, mode: 0o755, uid: try hostID(user.uid, plan.uid, "uid"),
                gid: try hostID(user.gid, plan.gid, "gid")))
    }

    /// podman's order: the user's own group, `--group-add`, the user's groups in /etc/group unless a group was named.
    private func additionalGroups(
        _ user: ContainerUser, accounts: AccountFiles, into draft: inout Specification
    ) throws(EngineError) -> [UInt32] {
        if request.groups.contains("keep-groups") { return [] }
        var groups: [UInt32] = userWord.isEmpty ? [] : [user.gid]
        for word in request.groups {
            let gid: UInt32
            do { gid = try ContainerUser.group(word, in: accounts) } catch {
                throw EngineError(
                    error.code, "looking up supplemental groups for container \(identity.id): \(error)", cause: error)
            }
            _ = try hostID(gid, plan.gid, "group \(word): gid")
            groups.append(gid)
        }
        for gid in user.groups {
            if UserNamespacePlan.outside(gid, plan.gid) == nil {
                draft.warnings.append(
                    "additional gid=\(gid) is not present in the user namespace, skip setting it")
            } else {
                groups.append(gid)
            }
        }
        var once: [UInt32] = []
        for group in groups where !once.contains(group) { once.append(group) }
        return once
    }

    /// Both these and its OOM score are set by the container's first process, in its user namespace.
    private var mayRaiseLimits: Bool { caller.mayRaiseLimits && plan.kind == .host }

    /// An unprivileged process cannot make itself a less likely victim.
    private func oomScore(into draft: inout Specification) -> Int? {
        guard let wanted = request.oomScoreAdjustment else { return nil }
        let floor = caller.oomScoreAdjustment
        guard !mayRaiseLimits, wanted < floor else { return wanted }
        draft.warnings.append(
            "requested oom_score_adj=\(wanted) is lower than the current one, changing to \(floor)")
        return floor
    }

    /// keep-id is asked for so that files of the caller can be written; an image that brings a user of its own defeats
    /// that, and what then fails says nothing of the reason.
    private func warnOfForeignUser(_ user: ContainerUser, into draft: inout Specification) {
        guard case .keepID(nil, nil) = request.namespaces.user, request.user == nil, let kept = plan.defaultUser,
            user.uid != kept.uid, let word = image?.execution.user, !word.isEmpty
        else { return }
        draft.warnings.append(
            "the image runs as user \(word) (uid \(user.uid)), not as the caller that keep-id keeps (uid \(kept.uid)): "
                + "files of the caller may not be writable; --user \(kept.uid) overrides the image")
    }
}
