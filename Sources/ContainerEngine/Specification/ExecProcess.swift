import OCISpec

extension Specification {
    /// The process that `exec` starts in a container with this specification.
    ///
    /// - Parameter root: the running container's root, for the user look-up.
    public func process(
        for exec: ExecConfiguration, root: RootView, caller: CallerFacts
    ) throws(EngineError) -> (process: RuntimeSpec.Process, warnings: [String]) {
        guard let first = runtime.process else { throw EngineError(.failed, "exec: the container has no process") }
        guard !exec.command.isEmpty else {
            throw EngineError(.invalid, "must provide a non-empty command to start an exec session")
        }
        var process = first
        process.args = exec.command
        process.terminal = exec.tty
        process.consoleSize = nil
        var home: String?
        if let word = exec.user, !word.isEmpty {
            home = try setUser(word, of: &process, root: root)
        }
        try setCapabilities(of: &process, exec: exec, first: first, caller: caller)
        process.env = try environment(exec, of: process, home: home, caller: caller)
        if let directory = exec.workingDirectory, !directory.isEmpty {
            guard directory.hasPrefix("/") else {
                throw EngineError(.invalid, "invalid workdir \"\(directory)\": must be an absolute path")
            }
            process.cwd = SpecificationBuilder.cleaned(directory)
        }
        return (process, [])
    }

    /// Returns the user's home directory.
    private func setUser(
        _ word: String, of process: inout RuntimeSpec.Process, root: RootView
    ) throws(EngineError) -> String {
        let user = try ContainerUser(word, in: AccountFiles(root: root))
        let linux = runtime.linux ?? RuntimeSpec.Linux()
        guard UserNamespacePlan.outside(user.uid, linux.uidMappings) != nil else {
            throw EngineError(
                .cannotInvoke, "user \(word): uid \(user.uid) is not mapped in the container's user namespace")
        }
        guard UserNamespacePlan.outside(user.gid, linux.gidMappings) != nil else {
            throw EngineError(
                .cannotInvoke, "user \(word): gid \(user.gid) is not mapped in the container's user namespace")
        }
        let groups = user.groups.filter {
            $0 != user.gid && UserNamespacePlan.outside($0, linux.gidMappings) != nil
        }
        process.user = RuntimeSpec.User(
            uid: user.uid, gid: user.gid, umask: process.user.umask, additionalGids: [user.gid] + groups)
        return user.home ?? "/"
    }

    /// As podman: the container's bounding set, all of it for root; the first process's own set for its own user.
    private func setCapabilities(
        of process: inout RuntimeSpec.Process, exec: ExecConfiguration, first: RuntimeSpec.Process, caller: CallerFacts
    ) throws(EngineError) {
        var sets = first.capabilities ?? RuntimeSpec.Capabilities()
        if exec.privileged {
            var all = SecurityOptions()
            all.privileged = true
            sets = try CapabilityPolicy.sets(all, bounding: caller.boundingCapabilities, isRoot: false)
            sets.effective = sets.bounding
            sets.permitted = sets.bounding
            if process.user.uid != 0 {
                sets.inheritable = sets.bounding
                sets.ambient = sets.bounding
            }
        } else if process.user.uid == 0 {
            sets.effective = sets.bounding
            sets.permitted = sets.bounding
            sets.inheritable = []
            sets.ambient = []
        } else if process.user.uid != first.user.uid {
            sets.effective = []
            sets.permitted = []
            sets.inheritable = []
            sets.ambient = []
        }
        process.capabilities = sets
        // A privileged process is to be able to gain what it is given.
        if exec.privileged { process.noNewPrivileges = false }
    }

    /// The first process's, then what `exec` adds. TERM and HOME belong to the new process.
    private func environment(
        _ exec: ExecConfiguration, of process: RuntimeSpec.Process, home: String?, caller: CallerFacts
    ) throws(EngineError) -> [String] {
        var list = VariableList(process.env)
        if let home, homeIsDerived || !list.contains("HOME") { list.set("HOME", home) }
        if exec.tty, !list.contains("TERM") { list.set("TERM", "xterm") }
        for name in exec.environment.unset { list.remove(name) }
        if exec.environment.unsetAll { list = VariableList() }
        if exec.environment.inheritHost {
            for entry in caller.environment { list.set(entry: entry) }
        }
        for (name, value) in exec.environment.variables {
            guard !name.isEmpty, !name.utf8.contains(UInt8(ascii: "=")), !name.utf8.contains(0), !value.utf8.contains(0)
            else { throw EngineError(.invalid, "invalid environment variable \"\(name)=\(value)\"") }
            list.set(name, value)
        }
        return list.entries
    }
}
