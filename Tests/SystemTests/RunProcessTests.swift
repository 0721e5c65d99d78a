import Foundation
import Testing

/// What the container's process is given: words, directory, user, groups, environment, limits.
@Suite struct RunProcessTests {
    static let words = [
        Row("the image's command", [], command: [], .exits(0)),
        Row(
            "words with blanks, quotes, dollars, empty ones", [],
            command: ["printf", "[%s]", "a b", "$x", "\"q'", "", "-e"],
            .prints("[a b][$x][\"q'][][-e]")),
        Row(
            "options after the image are the command's", [], command: ["echo", "--rm", "-v", "x:y"],
            .prints("--rm -v x:y")),
        Row("entry point", ["--entrypoint=echo"], command: ["one", "two"], .prints("one two")),
        Row("entry point as JSON", ["--entrypoint=[\"echo\",\"zero\"]"], command: ["one"], .prints("zero one")),
        Row("PATH of the image finds the command", [], command: ["env", "true"], .exits(0)),
        Row("PATH given finds the command", ["--env=PATH=/bin"], command: ["sh", "-c", "echo $PATH"], .prints("/bin")),
        Row("working directory", ["--workdir=/var/tmp"], command: ["pwd"], .prints("/var/tmp")),
        Row("short form of it", ["-w", "/etc"], command: ["pwd"], .prints("/etc")),
        Row("no such working directory", ["-w=/not/there"], command: ["pwd"], .fails(126, "/not/there")),
        Row("pid 1", [], command: ["sh", "-c", "echo $$"], .prints("1")),
        Row("init is pid 1", ["--init"], command: ["sh", "-c", "test $$ -gt 1 && echo child"], .prints("child")),
        Row("stdin is empty", [], command: ["wc", "-c"], input: "lost", .prints("0")),
        Row("interactive", ["-i"], command: ["cat"], input: "typed\n", .prints("typed")),
        Row(
            "interactive, much", ["-i"], command: ["wc", "-c"], input: String(repeating: "x", count: 3_000_000),
            .prints("3000000")),
        Row("umask", ["--umask=0027"], sh: "umask", .prints("0027")),
        Row("the default umask", [], sh: "umask", .prints("0022")),
        Row("oom score", ["--oom-score-adj=500"], command: ["cat", "/proc/self/oom_score_adj"], .prints("500")),
        Row(
            "argument zero is the word given", [], command: ["sh", "-c", "tr '\\0' ' ' < /proc/1/cmdline; :"],
            .matches("^sh -c ")),
        Row(
            "signals are not ignored", [], command: ["grep", "-E", "^Sig(Ign|Blk)", "/proc/self/status"],
            .prints("SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000")
        )
        .podmanDiffers("crun and conmon ignore some"),
        Row("no descriptors but three", [], sh: "ls /proc/self/fd | tr '\\n' ' '", .matches("^0 1 2 3 $")),
    ]

    static let users = [
        Row("root", [], sh: "id", .matches("^uid=0\\(root\\) gid=0\\(root\\)")),
        Row("a name", ["--user=app"], sh: "id", .prints("uid=1000(app) gid=1000(app) groups=1000(app),2000(extra)")),
        Row("a number", ["--user=33"], sh: "id", .prints("uid=33(svc) gid=33(svc) groups=33(svc)")),
        Row("a number nobody has", ["--user=4321"], sh: "id", .prints("uid=4321(4321) gid=0(root) groups=0(root)"))
            .podmanDiffers("adds an entry to passwd", as: []),
        Row("name and group", ["-u=app:shared"], sh: "id -u; id -g; id -G", .prints("1000\n2001\n2001")),
        Row("numbers", ["-u=7:8"], sh: "id -u; id -g", .prints("7\n8")),
        Row("number and group name", ["-u=7:shared"], sh: "id -u; id -g", .prints("7\n2001")),
        Row("home of the user", ["-u=app"], sh: "echo $HOME", .prints("/home/app")),
        Row("home of a number", ["-u=33"], sh: "echo $HOME", .prints("/var")),
        Row("home of root", [], sh: "echo $HOME", .prints("/root")),
        Row("home given", ["-e=HOME=/x"], sh: "echo $HOME", .prints("/x")),
        Row("a group more", ["--group-add=2001"], sh: "id -G", .matches("(^| )2001( |$)")),
        Row("a group more by name", ["--group-add=shared"], sh: "id -G", .matches("(^| )2001( |$)")),
        Row("groups with a user", ["-u=app", "--group-add=7"], sh: "id -G", .matches("^1000 .*7")),
        Row("no unknown group", ["--group-add=nogroupofthisname"], sh: "id", .fails(126, "nogroupofthisname")),
    ]

    static let environment = [
        Row("the image's", [], sh: "echo $FROM_IMAGE", .prints("yes")),
        Row(
            "given", ["-e=A=1", "--env=B=x y $z", "--env", "C="], sh: "env | grep -E '^[ABC]=' | sort",
            .prints("A=1\nB=x y $z\nC=")),
        Row("given over the image's", ["-e=FROM_IMAGE=no"], sh: "echo $FROM_IMAGE", .prints("no")),
        Row("the last wins", ["-e=A=1", "-e=A=2"], sh: "echo $A", .prints("2")),
        Row("by name from the caller", ["-e=LC_ALL"], sh: "echo $LC_ALL", .prints("C.UTF-8")),
        Row("by name, which the caller lacks", ["-e=NOT_SET_HERE"], sh: "echo ${NOT_SET_HERE-unset}", .prints("unset")),
        Row("by prefix from the caller", ["-e=LC_*"], sh: "echo $LC_ALL", .prints("C.UTF-8")),
        Row(
            "from a file", ["--env-file={files}/env"], sh: "env | grep ^F_ | sort",
            .prints("F_A=1\nF_B=two words\nF_C=")),
        Row("a flag over a file", ["--env-file={files}/env", "-e=F_A=flag"], sh: "echo $F_A", .prints("flag")),
        Row("container", [], sh: "echo $container", .matches("^(oci|podman)$")),
        Row("no TERM without a terminal", ["-e=X=1"], sh: "echo ${TERM-none}", .matches("^(xterm|none)$")),
        Row("hostname", ["--hostname=here"], sh: "echo $HOSTNAME", .prints("here")),
        Row("nothing of the caller's", [], sh: "env | grep -E '^(USER|XDG_|LC_ALL)'; true", .prints("")),
        Row("the caller's, all", ["--env-host"], sh: "echo $LC_ALL", .prints("C.UTF-8")),
        Row("less one", ["--unsetenv=FROM_IMAGE"], sh: "echo ${FROM_IMAGE-unset}", .prints("unset")),
        Row("less all", ["--unsetenv-all", "-e=KEPT=1"], command: ["/bin/env"], .lacks("FROM_IMAGE")),
        Row("proxy", [], sh: "echo $http_proxy", .prints("http://proxy.invalid:1")),
        Row("no proxy", ["--http-proxy=false"], sh: "echo ${http_proxy-none}", .prints("none")),
    ]

    static let limits = [
        Row("nofile", ["--ulimit=nofile=300:400"], sh: "ulimit -Sn; ulimit -Hn", .prints("300\n400")),
        Row("one number for both", ["--ulimit=nofile=300"], sh: "ulimit -Sn; ulimit -Hn", .prints("300\n300")),
        Row("core", ["--ulimit=core=0:0"], sh: "ulimit -c", .prints("0")),
        Row(
            "two", ["--ulimit=fsize=100000:200000", "--ulimit=cpu=50:60"],
            sh: "grep -E 'Max (file size|cpu)' /proc/self/limits",
            .matches("(?s)Max cpu time +50 +60.*Max file size +100000 +200000|Max file size.*Max cpu")),
        Row("more than may be set is clamped", ["--ulimit=memlock=-1:-1"], sh: "echo ran", .matches("ran"))
            .podmanDiffers("fails without CAP_SYS_RESOURCE"),
        Row("a name nobody knows", ["--ulimit=flags=1:2"], command: ["true"], .fails(125, "flags")),
        Row("soft over hard", ["--ulimit=nofile=400:300"], command: ["true"], .fails(125, "nofile|limit")),
    ]

    @Test(arguments: Account.all) func words(_ account: Account) throws {
        try Pod.with(account) { pod in Row.check(Self.words, pod) }
    }

    @Test(arguments: Account.all) func users(_ account: Account) throws {
        try Pod.with(account) { pod in Row.check(Self.users, pod) }
    }

    @Test(arguments: Account.all) func environment(_ account: Account) throws {
        try Pod.with(account) { pod in
            pod.write("env", "# a comment\nF_A=1\nF_B=two words\n\nF_C=\n")
            pod.environment["http_proxy"] = "http://proxy.invalid:1"
            Row.check(Self.environment, pod)
        }
    }

    @Test(arguments: Account.all) func limits(_ account: Account) throws {
        try Pod.with(account) { pod in Row.check(Self.limits, pod) }
    }

    /// The image's own entry point, command, user, directory, environment, volumes and stop signal.
    @Test(arguments: Account.all) func theImagesConfiguration(_ account: Account) throws {
        try Pod.with(account, "configured") { pod in
            let image = "localhost/configured:latest"
            Row.check(
                [
                    Row("entry point and command", [], image: image, command: [], .prints("entry default words")),
                    Row("entry point and words", [], image: image, command: ["mine"], .prints("entry mine")),
                    Row("no entry point", ["--entrypoint="], image: image, command: ["echo", "x"], .prints("x")),
                    Row(
                        "an entry point drops the command", ["--entrypoint=/bin/echo"], image: image, command: [],
                        .prints("")),
                    Row("user", ["--entrypoint="], image: image, command: ["id", "-un"], .prints("app")),
                    Row("user given", ["--entrypoint=", "-u=0"], image: image, command: ["id", "-u"], .prints("0")),
                    Row("directory", ["--entrypoint="], image: image, command: ["pwd"], .prints("/work")),
                    Row(
                        "environment", ["--entrypoint="], image: image,
                        command: ["sh", "-c", "echo $COLOUR ${EMPTY-unset}."], .prints("blue .")),
                    Row(
                        "volume", ["--entrypoint="], image: image,
                        command: [
                            "sh", "-c",
                            "grep -c ' /vol ' /proc/self/mountinfo; cat /vol/seed; stat -c %u:%g:%a /vol /vol/sub",
                        ],
                        .prints("1\nseed\n1000:1000:775\n33:33:700")),
                ], pod)
            let id = pod("create", image).text
            #expect(pod.inspect(id, "{{.Config.StopSignal}}").contains("10"))
            #expect(pod.inspect(id, "{{index .Config.Labels \"colour\"}}") == "blue")
            #expect(pod.inspect(id, "{{.Config.User}}") == "app")
            #expect(pod.inspect(id, "{{.Config.WorkingDir}}") == "/work")
        }
    }

    /// Ray's workers append to files, ignore SIGPIPE, and leak descriptors.
    @Test(arguments: Account.all) func descriptors(_ account: Account) throws {
        try Pod.with(account) { pod in
            let path = pod.write("inherited", "from the file\n")
            let fd = open(path, O_RDONLY)
            defer { close(fd) }
            var command = pod.command(
                ["run", "--rm", "--network=none", Pod.tiny, "sh", "-c", "ls /proc/self/fd | tr '\\n' ' '"])
            command.descriptors = [3: fd, 4: fd, 9: fd, 17: fd]
            let output = command.run()
            #expect(output.text == "0 1 2 3 ", "leaked ones stay outside: \(output)")

            command = pod.command(
                [
                    "run", "--rm", "--network=none", "--preserve-fds=2", Pod.tiny, "sh", "-c",
                    "cat <&4; ls /proc/self/fd",
                ])
            command.descriptors = [3: fd, 4: fd, 5: fd]
            let kept = command.run()
            #expect(kept.text.hasPrefix("from the file"), "\(kept)")
            #expect(kept.text.hasSuffix("0\n1\n2\n3\n4\n5"), "5 is what ls opened: \(kept)")
        }
    }

    /// Output is the container's, byte for byte and in its place.
    @Test(arguments: Account.all) func standardStreams(_ account: Account) throws {
        try Pod.with(account) { pod in
            let both = pod.sh([], "echo out; echo err >&2; printf 'no newline'")
            #expect(both.out == "out\nno newline")
            #expect(both.err == "err\n")
            let much = pod.sh([], "head -c 5000000 /dev/zero | tr '\\0' y; head -c 100000 /dev/zero | tr '\\0' z >&2")
            #expect(much.out.count == 5_000_000)
            #expect(much.err.count == 100_000)
            let reader = try pod.start("run", "--rm", "--network=none", Pod.tiny, "yes")
            #expect(reader.waits(for: "y\ny"))
            reader.closeOutput()
            #expect(eventually { !reader.isRunning() }, "goes when nobody listens")
            _ = reader.finish(seconds: 5)
            #expect(eventually { pod("ps", "-aq").text.isEmpty })
        }
    }
}
