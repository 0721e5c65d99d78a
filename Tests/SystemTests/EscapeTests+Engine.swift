import Foundation
import Testing

/// What got out of other engines: by an image's links, its account files, the caller's terminal.
extension EscapeTests {
    /// Where an image's link leads on the host is neither mounted on, nor copied into a volume.
    @Test(arguments: Account.all) func cve2024_1753(account: Account) throws {
        try Pod.with(account, "none") { pod in
            let root = EscapeTests.root(pod)
            pod.write("given", "given\n")
            for (name, up) in ["absolute": "/", "climbing": String(repeating: "../", count: 20)] {
                let outside = pod.makeDirectory(name, mode: 0o777)
                pod.write(name + "/secret", "secret", mode: 0o666)
                pod.tool("ln", "-s", up + outside.dropFirst(), "\(root)/\(name)")
                let volume = pod(
                    "run", "--rm", "--network=none", "-v", "\(name):/\(name)", "--rootfs", root, "/bin/sh", "-c",
                    "ls -A /\(name); echo made > /\(name)/made")
                #expect(volume.ok && volume.out.isEmpty, "\(name): \(volume)")
                let bind = pod(
                    "run", "--rm", "--network=none", "-v", "\(pod.files)/given:/\(name)/given", "--rootfs", root,
                    "/bin/sh", "-c", "cat /\(name)/given")
                #expect(bind.text == "given", "\(name): \(bind)")
                let found = try FileManager.default.contentsOfDirectory(atPath: outside)
                #expect(found == ["secret"])
                #expect(pod.read(name + "/secret") == "secret")
            }
        }
    }

    /// The image's account files are the image's: a link of theirs does not lead to the host's files, neither for
    /// reading nor for the lines that are added, and what is no file is not waited for.
    @Test(arguments: Account.all) func cve2024_9676(account: Account) throws {
        try Pod.with(account, "none") { pod in
            let root = EscapeTests.root(pod)
            let outside = pod.makeDirectory("outside", mode: 0o777)
            let text = "evil:x:0:0:evil:/:/bin/sh\n"
            pod.write("outside/passwd", text, mode: 0o666)
            pod.write("outside/group", "evil:x:0:\n", mode: 0o666)
            func run(_ user: String) -> Output {
                pod(
                    "run", "--rm", "--network=none", "--user", user, "--rootfs", root, "/bin/sh", "-c", "echo ran",
                    seconds: 20)
            }
            let up = String(repeating: "../", count: 20) + outside.dropFirst()
            for target in [outside, up] {
                pod.tool("ln", "-sfn", target + "/passwd", root + "/etc/passwd")
                pod.tool("ln", "-sfn", target + "/group", root + "/etc/group")
                for user in ["evil", "0:evil"] {
                    let out = run(user)
                    #expect(!out.ok && out.out.isEmpty && out.errorLines.count == 1, "\(out)")
                }
                #expect(run("4321").text == "ran")
            }
            pod.tool("rm", "-r", root + "/etc")
            pod.tool("ln", "-s", up, root + "/etc")
            #expect(run("4321").text == "ran")
            #expect(pod.read("outside/passwd") == text)
            let found = try FileManager.default.contentsOfDirectory(atPath: outside)
            #expect(found.sorted() == ["group", "passwd"])
            pod.tool("rm", root + "/etc")
            pod.tool("mkdir", root + "/etc")
            pod.tool("mkfifo", root + "/etc/passwd")
            pod.tool("mkfifo", root + "/etc/group")
            #expect(run("0").text == "ran")
        }
    }

    /// The user's own group is among the supplementary ones, 2022-2990: what is closed to it stays closed to a program
    /// that changes its group.
    @Test(arguments: Account.all) func cve2022_2990(account: Account) throws {
        try Pod.with(account) { pod in
            let groups = "grep Groups: /proc/self/status"
            let out = pod.sh(["--user=1000:2000", "--group-add=3000"], groups)
            #expect(out.text.trimmingCharacters(in: .whitespaces) == "Groups:\t2000 3000", "\(out)")
            let id = try pod.background(["--user=1000:2000"])
            let exec = pod("exec", "--user", "1000:4000", id, "/bin/sh", "-c", groups)
            #expect(exec.text.trimmingCharacters(in: .whitespaces) == "Groups:\t4000", "\(exec)")
        }
    }

    /// TIOCSTI types into a terminal that is the process's own: the caller's is nobody's in there, whoever holds the
    /// container, and however it was given.
    @Test(
        arguments: Account.all, [["--network=none"], ["--pid=host", "--network=host"]]
    ) func theCallersTerminalIsNotTheContainers(account: Account, options: [String]) throws {
        try Pod.with(account) { pod in
            let terminal = try Terminal(for: account)
            let script = "(echo reached > /dev/tty) 2>/dev/null; echo end"
            let words = ["run", "--rm"] + options + [Pod.tiny, "/bin/sh", "-c", script]
            // As a job of a shell, which leads a process group, and as a child of one.
            for exec in ["", "set -m; "] {
                var command = pod.command(words)
                let line = command.words.map { "'\($0)'" }.joined(separator: " ")
                command.words = ["/bin/sh", "-c", "\(exec)\(line) </dev/null >out 2>err; echo $? done"]
                command.input = .terminal(terminal.path)
                let running = try command.start()
                #expect(terminal.shows("0 done"), "\(terminal.screen)")
                #expect(!terminal.screen.contains("reached"))
                #expect(pod.read("out") == "end\n", "\(pod.read("err") ?? "")")
                terminal.clear()
                _ = running.finish()
            }
        }
    }

    /// A root of busybox, of the account's.
    private static func root(_ pod: Pod) -> String {
        let root = pod.makeDirectory("rootfs")
        for directory in ["bin", "proc", "sys", "dev", "etc", "tmp"] { pod.makeDirectory("rootfs/" + directory) }
        pod.tool("cp", "/bin/busybox", root + "/bin/busybox")
        for name in ["sh", "cat", "ls", "echo"] { pod.tool("ln", "-s", "busybox", "\(root)/bin/\(name)") }
        return root
    }
}
