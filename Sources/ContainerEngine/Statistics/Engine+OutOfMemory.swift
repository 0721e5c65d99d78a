import Cgroups

extension Engine {
    /// Whether an OOM killer has taken a process of the container in its last run: its own limit's or the machine's. What
    /// tells that from a plain SIGKILL to whoever launched a worker. False where it has no limit of memory, and for a
    /// container that is gone.
    public func ranOutOfMemory(_ id: String) -> Bool {
        guard let facts = store.facts(id) else { return false }
        if let exit = facts.exit { return exit.oomKilled }
        return facts.state.map(ranOutOfMemory) ?? false
    }

    /// Asked of the cgroup, as long as that is there.
    func ranOutOfMemory(_ state: RunState) -> Bool {
        guard state.bootID == session.bootID, let cgroup = state.cgroup else { return false }
        return Cgroup(recorded: cgroup).oomKills ?? 0 > 0
    }
}
