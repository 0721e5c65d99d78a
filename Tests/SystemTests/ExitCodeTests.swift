import Testing

/// The exit codes are podman's: 125 the engine failed, 126 the command cannot be invoked, 127 it is not there,
/// 128 + n a signal ended it, else its own.
@Suite struct ExitCodeTests {
    static let rows = [
        Row("success", [], command: ["true"], .exits(0)),
        Row("failure", [], command: ["false"], .exits(1)),
        Row("the command's own code", [], sh: "exit 42", .exits(42)),
        Row("the largest code", [], sh: "exit 255", .exits(255)),
        Row("125 of the command", [], sh: "exit 125", .exits(125)),
        Row("a signal's number", ["--pid=host"], sh: "kill -KILL $$", .exits(137)).podmanDiffers(
            "needs cgroups", as: [.root]),
        Row("a signal that the command sends to itself", ["--init"], sh: "kill -TERM $$", .exits(143)),
        Row("no such command", [], command: ["no-such-command"], .fails(127, "no-such-command.*(not found|no such)")),
        Row("no such path", [], command: ["/no/such/path"], .fails(127, "/no/such/path.*no such file")),
        Row("not executable", [], command: ["/etc/not-executable"], .fails(126, "not-executable.*permission denied")),
        Row("a directory", [], command: ["/etc"], .fails(126, "/etc.*(permission denied|is a directory)")),
        Row("not a program", [], command: ["/bin/no-format"], .fails(126, "no-format.*exec format error"))
            .podmanDiffers("crun finds out too late"),
        Row("no interpreter", [], command: ["/bin/no-interpreter"], .fails(127, "no-interpreter.*no such file"))
            .podmanDiffers("crun finds out too late"),
        Row("no such entry point", ["--entrypoint=/nope"], command: [], .fails(127, "/nope")),
        Row(
            "unknown image", ["--pull=never"], image: "localhost/nothing:here", command: ["true"],
            .fails(125, "localhost/nothing:here")),
        Row("unknown flag", ["--no-such-flag"], command: ["true"], .fails(125, "unknown flag.*--no-such-flag")),
        Row("malformed image name", [], image: "UPPER/case", command: ["true"], .fails(125, "UPPER/case")),
        Row("malformed value", ["--shm-size=many"], command: ["true"], .fails(125, "shm-size|many")),
        Row("malformed volume", ["-v=/a:/b:nonsense"], command: ["true"], .fails(125, "nonsense|/a")),
        Row("no such host path", ["-v=/no/such/dir:/x"], command: ["true"], .fails(125, "/no/such/dir.*no such file")),
        Row("unknown user", ["--user=nobodyhome"], command: ["true"], .fails(126, "nobodyhome")),
        Row("unknown capability", ["--cap-add=cap_flying"], command: ["true"], .fails(125, "flying")),
        Row("unknown network container", ["--network=container:nope"], command: ["true"], .fails(125, "nope")),
        Row("no such device", ["--device=/dev/no-such"], command: ["true"], .fails(125, "/dev/no-such")),
        Row("no such seccomp file", ["--security-opt=seccomp=/no/file"], command: ["true"], .fails(125, "/no/file")),
        Row("no such env-file", ["--env-file=/no/file"], command: ["true"], .fails(125, "/no/file")),
    ]

    @Test(arguments: Account.all) func ofRun(_ account: Account) throws {
        try Pod.with(account) { pod in Row.check(Self.rows, pod) }
    }

    @Test(arguments: Account.all) func anUnknownFlagNamesTheNearest(_ account: Account) throws {
        try Pod.with(account) { pod in
            let output = pod("run", "--hostnam=x", Pod.tiny, "true")
            #expect(output.code == 125)
            expectOneLine(output, "--hostname")
        }
    }

    @Test(arguments: Account.all) func anUnknownCommand(_ account: Account) throws {
        try Pod.with(account, "none") { pod in
            let output = pod("launch", Pod.tiny)
            #expect(output.code == 125)
            expectOneLine(output, "launch")
        }
    }

    @Test(arguments: Account.all) func ofExec(_ account: Account) throws {
        try Pod.with(account) { pod in
            let id = try pod.background(["--name=c"])
            for (words, code) in [
                (["true"], 0), (["false"], 1), (["sh", "-c", "exit 42"], 42), (["no-such-command"], 127),
                (["/etc/not-executable"], 126), (["/etc"], 126), (["sh", "-c", "kill -KILL $$"], 137),
            ] as [([String], Int32)] {
                let output = pod(["exec", id] + words)
                #expect(output.code == code, "\(output)")
            }
            #expect(pod("exec", "nope", "true").code == 125)
            #expect([125, 126, 255].contains(pod("exec", "--user", "nobodyhome", "c", "true").code))
            #expect(pod("stop", "-t", "5", "c").ok)
            #expect(pod("exec", "c", "true").code == 255)
        }
    }

    @Test(arguments: Account.all) func ofCommandsThatNameContainers(_ account: Account) throws {
        try Pod.with(account) { pod in
            for (words, code) in [
                (["start", "nope"], 125), (["stop", "nope"], 125), (["kill", "nope"], 125), (["rm", "nope"], 1),
                (["logs", "nope"], 125), (["inspect", "nope"], 125), (["wait", "nope"], 125), (["rmi", "nope"], 1),
                (["image", "exists", "nope"], 1), (["image", "exists", Pod.tiny], 0),
                (["tag", "nope", "other"], 125), (["image", "inspect", "nope"], 125),
            ] as [([String], Int32)] {
                let output = pod(words)
                #expect(output.code == code, "\(output)")
                guard code > 1 || words[0].hasPrefix("rm") else { continue }
                if words.contains("inspect") {
                    #expect(output.text == "[]", "podman prints what it found: \(output)")
                } else {
                    expectOneLine(output, "nope")
                }
            }
            let id = try pod.background()
            let removed = pod("rm", id)
            #expect(removed.code == 2, "a running container is removed by force only: \(removed)")
            #expect(pod("kill", "-s", "NOSIG", id).code == 125)
        }
    }
}
