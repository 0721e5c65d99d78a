import ContainerEngine
import Glibc
import ImageStore

/// Where things are kept, by the command line, the environment and the caller's id.
package struct StorePaths: Equatable, Sendable {
    package let data: String
    package let runtime: String

    package init(_ globals: GlobalOptions, caller: Caller, uid: UInt32 = geteuid()) throws(CommandError) {
        if let root = globals.root {
            data = caller.absolute(root)
        } else if uid == 0 {
            data = "/var/lib/swiftpod"
        } else if let home = caller.variable("XDG_DATA_HOME"), home.hasPrefix("/") {
            data = cleanPath(home + "/swiftpod")
        } else if let home = caller.variable("HOME"), home.hasPrefix("/") {
            data = cleanPath(home + "/.local/share/swiftpod")
        } else {
            throw CommandError("find the store: neither XDG_DATA_HOME nor HOME is set, give --root DIR")
        }
        runtime = StorePaths.runtime(globals, caller: caller, uid: uid)
    }

    /// Where running containers are known; there is always one, HOME or not.
    package static func runtime(_ globals: GlobalOptions, caller: Caller, uid: UInt32 = geteuid()) -> String {
        if let root = globals.runRoot {
            return caller.absolute(root)
        } else if uid == 0 {
            return "/run/swiftpod"
        } else if let home = caller.variable("XDG_RUNTIME_DIR"), home.hasPrefix("/") {
            return cleanPath(home + "/swiftpod")
        }
        return withoutSession(uid)
    }

    /// Without XDG_RUNTIME_DIR: the session's directory where there is one of ours, else one under /tmp. The engine
    /// refuses either where it is somebody else's.
    private static func withoutSession(_ uid: UInt32) -> String {
        var status = stat()
        if lstat("/run/user/\(uid)", &status) == 0, status.st_uid == uid, status.st_mode & S_IFMT == S_IFDIR {
            return "/run/user/\(uid)/swiftpod"
        }
        return "/tmp/swiftpod-run-\(uid)"
    }
}

extension EngineSettings {
    /// What the command line and the environment say about an engine; who is warned, and how images come, is added.
    package init(_ globals: GlobalOptions, caller: Caller) throws(CommandError) {
        let paths = try StorePaths(globals, caller: caller)
        self.init(dataRoot: paths.data, runtimeRoot: paths.runtime)
        if let seconds = caller.variable("SWIFTPOD_KEEPER_IDLE").flatMap({ UInt32($0) }) {
            keeperIdleTimeout = seconds
        }
        // Forces the fallback of kernels without data-only layers, to try it where they are.
        if let word = caller.variable("SWIFTPOD_TREE_KIND"), !word.isEmpty {
            guard let kind = TreeKind(rawValue: word) else {
                throw CommandError("SWIFTPOD_TREE_KIND: unknown kind \(word)")
            }
            treeKind = kind
        }
        useDevices(globals, caller)
    }

    /// Where devices are looked for.
    package mutating func useDevices(_ globals: GlobalOptions, _ caller: Caller) {
        if !globals.cdiDirectories.isEmpty { cdiDirectories = globals.cdiDirectories.map(caller.absolute) }
        // A made-up machine, to try discovery where there are no GPUs.
        if let root = caller.variable("SWIFTPOD_DEVICE_ROOT"), root.hasPrefix("/") { deviceRoot = root }
    }
}
