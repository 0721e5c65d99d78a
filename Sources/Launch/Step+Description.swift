import LinuxKernel

extension Step: CustomStringConvertible {
    /// As the plan prints it.
    var description: String {
        "\(isFallback ? "else " : "")\(action)\(detail)\(tolerated.isEmpty ? "" : ", if it can be done")"
    }

    /// What an error leaves out.
    private var detail: String {
        guard case .mount(let system, _) = action else { return "" }
        let words = [system.attributes.description] + system.parameters
        let text = words.filter { !$0.isEmpty }.joined(separator: ",")
        return text.isEmpty ? "" : " (\(text))"
    }
}

extension Step.Action: CustomStringConvertible {
    /// What is done, verb and object: the first half of the error that it may come to.
    var description: String {
        switch self {
        case .awaitLauncher: "wait for the launcher"
        case .reach(let moment): "reach \(moment) and wait for the launcher"
        case .announceStart: "announce the start"
        case .acceptStarter: "wait for the start"
        case .cloneSibling(let kinds, _): "clone \(kinds.names)"
        case .enter(let kinds, _): "join \(kinds.names)"
        case .unshare(let kinds), .isolate(let kinds, nil): "unshare \(kinds.names)"
        case .isolate(let kinds, .some(let maps)): "unshare \(kinds.names), map \(maps)"
        case .setHostname(let name): "set host name \(name)"
        case .setDomainname(let name): "set domain name \(name)"
        case .raiseLoopback: "raise the loopback interface"
        default: identityDescription ?? fileDescription ?? mountDescription ?? endDescription
        }
    }

    private var identityDescription: String? {
        switch self {
        case .becomeUser(let uid, let gid): "become user \(uid), group \(gid)"
        case .setGroups(let groups):
            "set groups \(groups.isEmpty ? "to none" : groups.map(String.init).joined(separator: ","))"
        case .setLimit(let limit): "set \(limit.name) to \(limit.soft):\(limit.hard)"
        case .bound(let mask, _): "limit bounding capabilities to \(mask)"
        case .raiseCapabilities: "raise capabilities"
        case .setCapabilities(let effective, let permitted, let inheritable):
            "set capabilities to \(effective) effective, \(permitted) permitted, \(inheritable) inheritable"
        case .setAmbient(let mask, _): "set ambient capabilities to \(mask)"
        case .control(.keepCapabilities): "keep capabilities over the change of user"
        case .control(.noNewPrivileges): "gain no new privileges"
        case .control(.notDumpable): "become unreadable to others"
        case .control(.parentDeathSignal(let signal)): "get signal \(signal) when the launcher dies"
        case .filter(let program, _, _): "load system call filter of \(program.count / 8) instructions"
        case .expectParent(let pid, _): "end unless process \(pid) is the parent still"
        case .call(let call): call.purpose
        case .setUmask(let mask): "set umask \(String(mask, radix: 8))"
        default: nil
        }
    }

    private var fileDescription: String? {
        switch self {
        case .open(let path, _, _, _): "open \(path)"
        case .makeDirectory(let path, _, _, _): "make directory \(path)"
        case .write(let text, let path, _):
            "write \(text.split(separator: "\n").joined(separator: ", ")) to /proc/\(path)"
        case .link(let target, let path, _): "link \(path) to \(target)"
        case .makeNode(let node, _): "make device \(node.path)"
        case .changeDirectory(let path): "change directory (chdir) to \(path)"
        default: nil
        }
    }

    private var mountDescription: String? {
        switch self {
        case .takeTree(.path(let path), let recursive, _):
            "take \(path)\(recursive ? " and what is mounted below" : "")"
        case .takeTree(.slot, _, _): "take terminal"
        case .takeTree(.entry(let name, _), _, _): "take device \(name)"
        case .mountOverlay: "mount overlay on /"
        case .mount(let system, _): "mount \(system.type) \(system.destination.map { "on \($0)" } ?? "to mask with")"
        case .change(.slot(_, let name), let change): "make \(name) \(change)"
        case .change(.path(let path), let change): "make host's \(path) \(change)"
        case .cover(_, _, let name): "put \(name) in place"
        case .attach(_, let path, _): "mount on \(path)"
        case .copyUp(let path, _, _): "copy up \(path)"
        case .mask(let path, _, _, _): "mask \(path)"
        case .makeReadOnly(let path, _): "make \(path) read-only"
        case .enterRoot: "enter the root"
        default: nil
        }
    }

    private var endDescription: String {
        switch self {
        case .openTerminal: "open a terminal"
        case .own(_, let uid, _, _): "give stream to user \(uid)"
        case .startSession: "start a session"
        case .controlTerminal: "take the terminal"
        case .copy(let slot, let above, _): "copy descriptor \(slot) above \(above - 1)"
        case .place(let slot, let number): "place \(slot) as descriptor \(number)"
        case .keep(let first, let last): "keep descriptors \(first) to \(last)"
        case .seal(let from): "close descriptors from \(from)"
        case .reap: "start the reaper"
        case .executeGuarded(let command, _, _): "execute \(command.arguments.first ?? "") guarded"
        case .probe(let command), .execute(let command): "execute \(command.arguments.first ?? "what is told")"
        default: "\(self)"
        }
    }
}

extension MountChange: CustomStringConvertible {
    /// `ro,nosuid,not nodev,private, with what is mounted below`.
    var description: String {
        var words: [String] = []
        if !set.isEmpty { words.append(set.description) }
        let cleared = clear.subtracting(.accessTimeField)
        if !cleared.isEmpty { words.append("not \(cleared)") }
        if clear.contains(.accessTimeField), set.isDisjoint(with: .accessTimeField) { words.append("relatime") }
        if let propagation { words.append("\(propagation)") }
        return words.joined(separator: ",") + (recursive ? " with what is mounted below" : "")
    }
}
