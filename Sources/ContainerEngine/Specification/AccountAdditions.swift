/// The lines that a container's passwd and group files lack for the user it runs as: programs ask for its name and
/// home (`whoami`, `ssh`, Python's `os.path.expanduser`), and fail where there is none.
package struct AccountAdditions: Equatable, Sendable {
    package var passwd: String = ""
    package var group: String = ""
    /// The home directory in the line added for the container's user.
    package var home: String?

    package struct Context: Equatable, Sendable {
        /// As the user or the image wrote it, `UID:GID` for keep-id.
        package var user: String
        package var workingDirectory: String
        package var mountPoints: [String] = []
        /// keep-id without ids of its own: the caller is to be known by name.
        package var addsCaller = false

        package init(user: String, workingDirectory: String) {
            self.user = user
            self.workingDirectory = workingDirectory
        }
    }

    /// What podman adds: the caller for keep-id, and a user or group that was given by a number without an entry.
    package init(_ context: Context, resolved: ContainerUser, caller: CallerFacts, files: AccountFiles) {
        var knownUID: UInt32?
        var knownGID: UInt32?
        if context.addsCaller {
            addCaller(context, resolved: resolved, caller: caller, files: files)
            knownUID = caller.uid
            knownGID = caller.gid
        }
        let words = context.user.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        if let uid = UInt32(words.first ?? ""), uid != knownUID, files.user(uid) == nil {
            passwd += "\(uid):*:\(uid):\(resolved.gid):container user:\(context.workingDirectory):/bin/sh\n"
            home = context.workingDirectory
        }
        // As podman: without a group the number of a user without an entry stands for one too.
        var groupWord = words.count > 1 ? words[1] : words.first ?? ""
        if words.count == 1, let uid = UInt32(groupWord), files.user(uid) != nil { groupWord = "" }
        if let gid = UInt32(groupWord), gid != knownGID, files.group(gid) == nil {
            group += "\(gid):x:\(gid):\(words[0])\n"
        }
    }

    private mutating func addCaller(
        _ context: Context, resolved: ContainerUser, caller: CallerFacts, files: AccountFiles
    ) {
        if files.user(caller.uid) == nil, caller.uid != 0 {
            let isTaken = caller.userName.isEmpty || files.user(named: caller.userName) != nil
            let name = isTaken ? String(caller.uid) : caller.userName
            let directory = homeDirectory(context, caller: caller)
            passwd += "\(name):*:\(caller.uid):\(caller.gid):\(caller.gecos):\(directory):/bin/sh\n"
            if resolved.uid == caller.uid { home = directory }
        }
        if files.group(caller.gid) == nil, caller.gid != 0 {
            let isTaken = caller.groupName.isEmpty || files.group(named: caller.groupName) != nil
            let name = isTaken ? String(caller.gid) : caller.groupName
            group += "\(name):x:\(caller.gid):\(caller.userName)\n"
        }
    }

    /// The caller's own home where it, or a directory above it, is mounted; the working directory else.
    private func homeDirectory(_ context: Context, caller: CallerFacts) -> String {
        guard caller.home.hasPrefix("/"), caller.home != "/" else { return context.workingDirectory }
        let isMounted = context.mountPoints.contains { point in
            point != "/" && (caller.home == point || caller.home.hasPrefix(point + "/"))
        }
        return isMounted ? caller.home : context.workingDirectory
    }
}
