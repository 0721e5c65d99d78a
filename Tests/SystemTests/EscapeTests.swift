import Foundation
import Testing

/// What got out of other runtimes, each named by its CVE. `make test-weakened` shows that each of them can fail.
@Suite(.needs(.swiftpod), .needs(.program("busybox"))) struct EscapeTests {
    /// The runtime, overwritten through /proc/self/exe: as the command, or as the interpreter that a script names.
    @Test(.needs(.root), arguments: ["/proc/self/exe", "/script"]) func cve2019_5736(command: String) throws {
        let bundle = try RuntimeBundle()
        try Data("#!/proc/self/exe\n".utf8).write(to: URL(fileURLWithPath: bundle.rootfs + "/script"))
        chmod(bundle.rootfs + "/script", 0o755)
        bundle.change("process", ["args": [command, "--version"]])
        let out = bundle.run()
        // The link led to the guard, which knows that it is executed a second time, and not to the host's program.
        #expect(out.code == 126 && out.out.isEmpty && out.err.isEmpty, "\(out)")
        #expect(bundle.isClean)
    }

    /// A working directory that a descriptor of the runtime's leads to.
    @Test(.needs(.root)) func cve2024_21626() throws {
        let bundle = try RuntimeBundle(.root, "pwd; ls /proc/self/fd")
        let leak = open(bundle.outside, O_RDONLY | O_DIRECTORY)
        defer { close(leak) }
        bundle.change("process", ["cwd": "/proc/self/fd/9"])
        let out = bundle.run(descriptors: [9: leak])
        #expect(!out.ok && out.out.isEmpty && out.errorLines.count == 1, "\(out)")
        #expect(bundle.isClean)
        bundle.change("process", ["cwd": "/", "args": ["/bin/ls", "/proc/1/fd"]])
        #expect(Set(bundle.run(descriptors: [9: leak]).lines).isSubset(of: ["0", "1", "2", "3"]))
    }

    /// A created container waits with nothing of the runtime's open.
    @Test(.needs(.root)) func cve2024_21626WhileItWaits() throws {
        let bundle = try RuntimeBundle()
        let leak = open(bundle.outside, O_RDONLY | O_DIRECTORY)
        defer { close(leak) }
        let made = bundle.runtime("create", bundle.id, descriptors: [9: leak])
        #expect(made.code == 0, "\(made)")
        let state = try JSONSerialization.jsonObject(with: Data(bundle.runtime("state", bundle.id).out.utf8))
        let pid = try #require((state as? [String: Any])?["pid"] as? Int)
        for name in try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd") {
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\(name)")
            #expect(target?.hasPrefix(bundle.directory) != true, "descriptor \(name) is \(target ?? "")")
        }
        #expect(bundle.runtime("start", bundle.id).code == 0)
    }

    /// A mount whose target is, or becomes, a link out of the root.
    @Test(.needs(.root), arguments: ["2021-30465", "2023-27561"]) func symlinksAsMountTargets(cve: String) throws {
        let bundle = try RuntimeBundle(.root, "mount")
        let up = String(repeating: "../", count: 20)
        try bundle.link(cve == "2021-30465" ? up + bundle.outside : bundle.outside, "/link")
        bundle.mount("/link/made", "tmpfs", "tmpfs")
        let out = bundle.run()
        #expect(bundle.isUntouched)
        #expect(out.ok && out.out.contains(" on \(bundle.outside)/made "), "\(out)")
        #expect(bundle.isClean)
    }

    /// While links and directories are exchanged under the runtime's feet.
    @Test(.needs(.root)) func cve2021_30465Race() throws {
        let bundle = try RuntimeBundle()
        try FileManager.default.createDirectory(atPath: bundle.rootfs + "/a", withIntermediateDirectories: true)
        try bundle.link(String(repeating: "../", count: 20) + bundle.outside, "/b")
        bundle.mount("/a/made", "tmpfs", "tmpfs")
        let script = "while :; do mv -T a t; mv -T b a; mv -T t b; done 2>/dev/null"
        var racer = Command(words: ["/bin/sh", "-c", script], environment: ["PATH": Machine.path])
        racer.directory = bundle.rootfs
        let running = try racer.start()
        for _ in 0..<40 { _ = bundle.run() }
        running.signal(SIGKILL)
        _ = running.finish()
        #expect(bundle.isUntouched)
    }

    /// Masks whose /dev/null the image has replaced.
    @Test(.needs(.root)) func cve2025_31133() throws {
        let bundle = try RuntimeBundle(.root, "cat /etc/secret; echo over > /etc/secret; echo end")
        try Data("secret".utf8).write(to: URL(fileURLWithPath: bundle.rootfs + "/etc/secret"))
        bundle.config["mounts"] = [["destination": "/proc", "type": "proc", "source": "proc"]]
        try bundle.link(bundle.outside + "/file", "/dev/null")
        bundle.change("linux", ["maskedPaths": ["/etc/secret"]])
        let out = bundle.run()
        #expect(out.text == "end", "\(out)")
        #expect(bundle.isUntouched)
    }

    /// A console that is a link to somewhere else.
    @Test(.needs(.root)) func cve2025_52565() throws {
        let bundle = try RuntimeBundle(.root, "readlink /dev/console || stat -c %F /dev/console")
        bundle.config["mounts"] = [
            ["destination": "/proc", "type": "proc", "source": "proc"],
            ["destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["newinstance"]],
        ]
        try bundle.link(String(repeating: "../", count: 20) + bundle.outside + "/console", "/dev/console")
        bundle.change("process", ["terminal": true])
        _ = bundle.run()
        #expect(bundle.isUntouched)
        #expect(bundle.isClean)
    }

    /// What is written to /proc reaches /proc, whatever lies over it.
    @Test(.needs(.root)) func cve2025_52881() throws {
        let bundle = try RuntimeBundle(.root, "cat /proc/sys/net/ipv4/ip_forward")
        bundle.change("linux", ["sysctl": ["net.ipv4.ip_forward": "1"]])
        // Over the directory: what is below sys/net is another for each network namespace, and so are mounts on it.
        let sys = bundle.directory + "/sys"
        try FileManager.default.createDirectory(atPath: sys + "/net/ipv4", withIntermediateDirectories: true)
        try Data("untouched".utf8).write(to: URL(fileURLWithPath: sys + "/net/ipv4/ip_forward"))
        let cover = "mount --bind \(sys) /proc/sys && exec \"$@\""
        let out = bundle.run(before: ["unshare", "--mount", "--propagation", "private", "sh", "-c", cover, "sh"])
        #expect(out.text == "1", "\(out)")
        let text = try String(contentsOfFile: sys + "/net/ipv4/ip_forward", encoding: .utf8)
        #expect(text == "untouched")
        #expect(bundle.isUntouched)
    }

    /// A root whose /dev, /proc or /sys is a link.
    @Test(.needs(.root), arguments: ["/dev", "/proc", "/sys"]) func cve2026_47766(path: String) throws {
        let bundle = try RuntimeBundle()
        try bundle.link(bundle.outside, path)
        let out = bundle.run()
        #expect(!out.ok && out.errorLines.count == 1, "\(out)")
        #expect(bundle.isUntouched)
        #expect(access(bundle.rootfs + bundle.outside, F_OK) != 0, "made inside the root")
        #expect(bundle.isClean)
    }

    /// A /proc that is a link into a volume, where somebody else exchanges what is to be masked.
    @Test(.needs(.root), arguments: ["vol/proc", "/vol/proc", "tmp"]) func cve2023_27561(target: String) throws {
        let bundle = try RuntimeBundle()
        try bundle.link(target, "/proc")
        let mounts = bundle.config["mounts"] as? [[String: Any]] ?? []
        bundle.config["mounts"] =
            [["destination": "/vol", "type": "bind", "source": bundle.outside, "options": ["rbind"]]] + mounts
        let out = bundle.run()
        #expect(!out.ok && out.errorLines.count == 1, "\(out)")
        #expect(bundle.isUntouched)
        #expect(bundle.isClean)
    }

    /// Capabilities that a process could hand on to programs with file capabilities.
    @Test(.needs(.root)) func cve2022_29162() throws {
        let bundle = try RuntimeBundle(.root, "grep CapInh /proc/self/status")
        #expect(bundle.run().text == "CapInh:\t0000000000000000")
        let made = Machine.tool(
            Machine.binary, "oci", "spec", "--bundle", bundle.outside)
        let text = try String(contentsOfFile: bundle.outside + "/config.json", encoding: .utf8)
        #expect(made.ok && text.contains("\"bounding\"") && !text.contains("\"inheritable\""))
    }

    /// The host's cgroups, seen through a /sys that is the host's.
    @Test(arguments: Account.all) func cve2023_25809(account: Account) throws {
        let bundle = try RuntimeBundle(account, "mkdir /sys/fs/cgroup/x /sys/fs/cgroup/unified/x 2>/dev/null; echo $?")
        bundle.change("linux", ["namespaces": ["pid", "mount", "ipc", "uts"].map { ["type": $0] }])
        bundle.mount("/sys", "sysfs", "sysfs", ["nosuid", "noexec", "nodev", "ro"])
        bundle.mount("/sys/fs/cgroup", "cgroup", "cgroup", ["nosuid", "noexec", "nodev", "relatime", "ro"])
        let out = bundle.run()
        #expect(out.text == "1", "\(out)")
        // Taken away where it was made, or the next run would find it.
        #expect(rmdir("/sys/fs/cgroup/x") != 0 && rmdir("/sys/fs/cgroup/unified/x") != 0)
    }

    /// Users are numbers here: what begins like one is none.
    @Test(.needs(.root), arguments: ["0root", "0x0", "+0", "-1", "4294967296", "1000:", ""])
    func cve2026_30892(user: String) throws {
        let bundle = try RuntimeBundle(.root, "sleep 100")
        #expect(bundle.runtime("run", "--detach", bundle.id).code == 0)
        let out = bundle.runtime("exec", "--user", user, bundle.id, "/bin/id", "-u")
        #expect(!out.ok && out.out.isEmpty && out.errorLines.count == 1, "\(out)")
    }

    /// The caller's groups, 2022-2989 to 2022-2995.
    @Test(.needs(.root)) func cve2022_2989() throws {
        let bundle = try RuntimeBundle(.root, "grep Groups: /proc/self/status")
        let before = ["setpriv", "--groups", "0,10,20"]
        #expect(bundle.run(before: before).text.trimmingCharacters(in: .whitespaces) == "Groups:")
        bundle.change("process", ["user": ["uid": 5, "gid": 6, "additionalGids": [7]]])
        #expect(bundle.run(before: before).text.trimmingCharacters(in: .whitespaces) == "Groups:\t7")
    }

    /// A file that a group alone may not read, and a program that changes its group: CRI-O's own of 2022-2989 to 2022-2995.
    /// The group that a process begins with stays with it where its caller lists it.
    @Test(.needs(.root), .needs(.program("python3"))) func cve2022_2995() throws {
        let bundle = try RuntimeBundle(.root, "/bin/other -c 'print(open(\"/etc/secret\").read())' 2>/dev/null; id -G")
        bundle.mountPython()
        try Data("secret".utf8).write(to: URL(fileURLWithPath: bundle.rootfs + "/etc/secret"))
        Machine.tool("chown", "0:6", bundle.rootfs + "/etc/secret")
        chmod(bundle.rootfs + "/etc/secret", 0o604)
        Machine.tool("cp", "-L", "/usr/bin/python3", bundle.rootfs + "/bin/other")
        Machine.tool("chown", "0:7", bundle.rootfs + "/bin/other")
        chmod(bundle.rootfs + "/bin/other", 0o2755)
        let user: [String: Any] = ["uid": 5, "gid": 6, "additionalGids": [6]]
        bundle.change("process", ["user": user, "noNewPrivileges": false, "capabilities": [String: Any]()])
        #expect(bundle.run().text == "6")
    }

    /// The caller's keys.
    @Test(.needs(.root)) func theSessionKeyringIsTheContainers() throws {
        let bundle = try RuntimeBundle(.root, "cat /proc/keys")
        let out = bundle.run()
        #expect(out.out.contains("_ses.\(bundle.id)"), "\(out)")
    }

    /// A terminal is typed into, and a console's selection taken, by those alone whose own it is (or who administer the
    /// machine): the caller's is not the container's, which has it for its stdin all the same.
    @Test(.needs(.program("python3")), arguments: Account.all) func tiocsti(account: Account) throws {
        let terminal = try Terminal(for: account)
        let out = try Self.ioctl(account, "0x5412, b\"x\"", terminal.path)
        #expect(out.hasPrefix("[Errno 1]"), "\(out)")
    }

    /// Asked for the state of the shift key, of all that there is: since Linux 6.7 the rest is root's in any case.
    @Test(
        .needs(.root), .needs(.program("python3")), .enabled(if: open(console, O_RDWR | O_NOCTTY) >= 0, "no consoles"))
    func tioclinux() throws {
        let out = try Self.ioctl(.root, "0x541c, bytearray(b\"\\x06\")", Self.console)
        #expect(out.hasPrefix("[Errno 1]"), "\(out)")
    }

    private static let console = "/dev/tty62"

    /// What comes of an ioctl(2) on stdin, with the terminal as the caller's and, so, the container's stdin.
    private static func ioctl(_ account: Account, _ words: String, _ terminal: String) throws -> String {
        let call = "try: print(fcntl.ioctl(0, \(words)))\nexcept OSError as error: print(error)"
        let bundle = try RuntimeBundle(account, "python3 -c 'import fcntl\n\(call)' > /tmp/out")
        bundle.mountPython()
        bundle.change("process", ["env": ["PATH=/bin:/usr/bin"]])
        var command = bundle.command(["run", bundle.id])
        command.input = .terminal(terminal)
        #expect(command.run().code == 0)
        return (try? String(contentsOfFile: bundle.rootfs + "/tmp/out", encoding: .utf8)) ?? ""
    }

    /// The caller's terminal by its other name.
    @Test(.needs(.root)) func theCallersTerminalIsOutOfReach() throws {
        let bundle = try RuntimeBundle(.root, "(echo x > /dev/tty) 2>/dev/null && echo reached; echo end")
        let terminal = try Terminal(for: .root)
        var command = bundle.command(["run", bundle.id])
        command.input = .terminal(terminal.path)
        let running = try command.start()
        #expect(terminal.shows("end"))
        #expect(!terminal.screen.contains("reached"))
        _ = running.finish()
    }
}
