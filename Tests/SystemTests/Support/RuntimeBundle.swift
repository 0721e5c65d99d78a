import Foundation
import Testing

/// An OCI bundle with a root of busybox, and the runtime that runs it. Removed with everything that it made.
final class RuntimeBundle: @unchecked Sendable {
    let account: Account
    let directory: String
    let id = "c" + UUID().uuidString.prefix(8).lowercased()
    /// `config.json`, to be changed before the first call.
    var config: [String: Any]
    /// Stands in `config.json` instead; nothing at all: there is no such file.
    var text: Data?

    var rootfs: String { directory + "/rootfs" }
    /// What no container may reach or change.
    var outside: String { directory + "/outside" }

    init(_ account: Account = .root, _ script: String = "true") throws {
        self.account = account
        directory = Machine.scratch + "/bundle-" + UUID().uuidString.prefix(8)
        config = RuntimeBundle.specification(script)
        for name in [
            "rootfs/bin", "rootfs/etc", "rootfs/proc", "rootfs/sys", "rootfs/dev", "rootfs/tmp", "outside", "run",
        ] {
            try FileManager.default.createDirectory(atPath: "\(directory)/\(name)", withIntermediateDirectories: true)
        }
        // By another process: one that a test's thread forks in that moment would hold a copy that is written here open,
        // and the kernel executes no such file (ETXTBSY).
        Machine.tool("install", "-m", "755", "/usr/bin/busybox", rootfs + "/bin/busybox")
        for name in [
            "sh", "cat", "ls", "id", "grep", "true", "sleep", "touch", "mkdir", "mount", "readlink", "echo", "stat",
        ] {
            try link("busybox", "/bin/" + name)
        }
        try Data("untouched".utf8).write(to: URL(fileURLWithPath: outside + "/file"))
        if account.userName != nil { Machine.tool("chown", "-R", "\(account.uid):\(account.gid)", directory) }
    }

    deinit {
        _ = runtime("delete", "--force", id)
        Machine.erase(directory)
    }

    /// Makes a symbolic link in the root.
    func link(_ target: String, _ path: String) throws {
        try? FileManager.default.removeItem(atPath: rootfs + path)
        try FileManager.default.createSymbolicLink(atPath: rootfs + path, withDestinationPath: target)
    }

    var isUntouched: Bool {
        (try? String(contentsOfFile: outside + "/file", encoding: .utf8)) == "untouched"
            && (try? FileManager.default.contentsOfDirectory(atPath: outside)) == ["file"]
    }

    /// Nothing that the runtime makes for a container is there.
    var isClean: Bool {
        let states = (try? FileManager.default.contentsOfDirectory(atPath: directory + "/state")) ?? []
        return states.isEmpty && Leaks.mounts(below: directory).isEmpty && Machine.cgroups(named: id).isEmpty
    }

    func change(_ part: String, _ values: [String: Any]) {
        var old = config[part] as? [String: Any] ?? [:]
        for (name, value) in values { old[name] = value }
        config[part] = old
    }

    func mount(_ destination: String, _ type: String, _ source: String, _ options: [String] = []) {
        var mounts = config["mounts"] as? [[String: Any]] ?? []
        mounts.append(["destination": destination, "type": type, "source": source, "options": options])
        config["mounts"] = mounts
    }

    /// The machine's programs, Python among them, where busybox does not do.
    func mountPython() {
        mount("/usr", "bind", "/usr", ["bind", "ro"])
        for name in ["lib", "lib64"] { try? link("usr/" + name, "/" + name) }
    }

    /// A verb of the runtime, run in the bundle.
    func runtime(_ words: String..., descriptors: [Int32: Int32] = [:], before: [String] = []) -> Output {
        command(words, descriptors: descriptors, before: before).run()
    }

    func command(_ words: [String], descriptors: [Int32: Int32] = [:], before: [String] = []) -> Command {
        let file = directory + "/config.json"
        let data = text ?? (try? JSONSerialization.data(withJSONObject: config))
        try? data?.write(to: URL(fileURLWithPath: file))
        if text?.isEmpty == true { unlink(file) }
        if account.userName != nil { Machine.tool("chown", "\(account.uid)", directory + "/config.json") }
        var command = Command(
            words: before + account.prefix + [Machine.binary, "oci", "--root", directory + "/state"] + words)
        command.environment = [
            "PATH": Machine.path, "HOME": directory, "XDG_RUNTIME_DIR": directory + "/run",
            "SWIFTPOD_KEEPER_IDLE": "2",
        ]
        command.directory = directory
        command.descriptors = descriptors
        return command
    }

    /// Makes it and leaves it waiting. It would hold the caller's pipes: its streams are files.
    func create() -> Output {
        let files = (out: directory + "/out", err: directory + "/err")
        let script = "exec \"$@\" > \(files.out) 2> \(files.err)"
        var made = command(["create", id], before: ["/bin/sh", "-c", script, "sh"]).run()
        made.out = (try? String(contentsOfFile: files.out, encoding: .utf8)) ?? ""
        made.err = (try? String(contentsOfFile: files.err, encoding: .utf8)) ?? ""
        return made
    }

    /// Runs it to its end.
    func run(descriptors: [Int32: Int32] = [:], before: [String] = []) -> Output {
        command(["run", id], descriptors: descriptors, before: before).run()
    }

    private static func specification(_ script: String) -> [String: Any] {
        let capabilities = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_KILL"]
        return [
            "ociVersion": "1.3.0",
            "process": [
                "args": ["/bin/sh", "-c", script], "cwd": "/", "env": ["PATH=/bin"], "noNewPrivileges": true,
                "user": ["uid": 0, "gid": 0],
                "capabilities": [
                    "bounding": capabilities, "effective": capabilities, "permitted": capabilities,
                ],
            ] as [String: Any],
            "root": ["path": "rootfs"],
            "mounts": [
                ["destination": "/proc", "type": "proc", "source": "proc"],
                ["destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"]],
                [
                    "destination": "/dev/pts", "type": "devpts", "source": "devpts",
                    "options": ["newinstance", "ptmxmode=0666"],
                ],
            ] as [[String: Any]],
            "linux": [
                "namespaces": ["pid", "mount", "ipc", "uts", "network"].map { ["type": $0] }
            ],
        ]
    }
}
