import Foundation
import Testing

/// `create`, `start`, `ps`, `stop`, `kill`, `wait`, `rm`: what a container goes through.
@Suite struct LifecycleTests {
    /// Ends at once on TERM.
    static let obedient = "trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done"
    static let stubborn = "trap 'echo got TERM' TERM; echo ready; while :; do sleep 0.05; done"

    @Test(arguments: Account.all) func fromCreationToRemoval(_ account: Account) throws {
        try Pod.with(account) { pod in
            let created = pod("create", "--network=none", "--name=life", Pod.tiny, "sh", "-c", Self.obedient)
            #expect(created.ok && created.text.wholeMatch(of: /[0-9a-f]{64}/) != nil, "\(created)")
            #expect(pod.inspect("life", "{{.State.Status}}") == "created")
            #expect(pod("ps", "-q").text.isEmpty, "ps shows running ones alone")
            #expect(pod("ps", "-aq").text == String(created.text.prefix(12)))
            #expect(pod("ps", "-aq", "--no-trunc").text == created.text)

            let started = pod("start", "life")
            #expect(started.ok && started.text == "life", "\(started)")
            #expect(pod.inspect("life", "{{.State.Status}} {{.State.Running}}") == "running true")
            #expect(eventually { pod("logs", "life").out == "ready\n" })
            let pid = pod.hostPID("life")
            #expect(pid > 1 && kill(pid, 0) == 0 || errno == EPERM)
            #expect(pod("start", "life").ok, "starting what runs is no error")

            let stopped = pod("stop", "life")
            #expect(stopped.ok && stopped.text == "life", "\(stopped)")
            #expect(pod.inspect("life", "{{.State.Status}} {{.State.ExitCode}} {{.State.Pid}}") == "exited 3 0")
            #expect(!FileManager.default.fileExists(atPath: "/proc/\(pid)"))
            #expect(pod("stop", "life").ok, "stopping what has stopped is no error")
            #expect(pod("wait", "life").text == "3", "the code stays till it is removed")

            #expect(pod("start", "life").ok)
            #expect(eventually { pod("logs", "life").out == "ready\nready\n" }, "the log goes on")
            let refused = pod("rm", "life")
            #expect(refused.code == 2)
            expectOneLine(refused, "life|running")
            let removed = pod("rm", "-f", "-t", "0", "life")
            #expect(removed.ok, "\(removed)")
            #expect(pod("ps", "-aq").text.isEmpty)
            #expect(pod("container", "exists", "life").code == 1)
        }
    }

    @Test(arguments: Account.all) func signals(_ account: Account) throws {
        try Pod.with(account) { pod in
            for (words, expected) in [
                (["kill"], "137"), (["kill", "-s", "TERM"], "3"), (["kill", "--signal=15"], "3"),
            ] {
                let id = try pod.background([], Self.obedient)
                #expect(eventually { pod("logs", id).out.contains("ready") })
                #expect(pod(words + [id]).ok)
                let waited = pod("wait", id)
                #expect(waited.text == expected, "\(words): \(waited)")
                #expect(pod("kill", id).code == 125, "it has gone")
            }
            let id = try pod.background(
                ["--stop-signal=USR1"], "trap 'echo usr1; exit 9' USR1; echo ready; while :; do sleep 0.05; done")
            #expect(eventually { pod("logs", id).out.contains("ready") })
            #expect(pod("stop", id).ok)
            #expect(pod("wait", id).text == "9")
            #expect(pod("logs", id).out == "ready\nusr1\n")
        }
    }

    @Test(arguments: Account.all) func stoppingTheStubborn(_ account: Account) throws {
        try Pod.with(account) { pod in
            let id = try pod.background(["--stop-timeout=1"], Self.stubborn)
            #expect(eventually { pod("logs", id).out.contains("ready") })
            let from = now()
            #expect(pod("stop", id).ok)
            #expect(now() - from > 0.9 && now() - from < 8)
            #expect(pod("wait", id).text == "137")
            #expect(pod("logs", id).out.contains("got TERM"))
            let second = try pod.background([], Self.stubborn)
            #expect(eventually { pod("logs", second).out.contains("ready") })
            let again = now()
            #expect(pod("stop", "--time=0", second).ok)
            #expect(now() - again < 5)
            #expect(pod("wait", second).text == "137")
        }
    }

    @Test(arguments: Account.all) func names(_ account: Account) throws {
        try Pod.with(account) { pod in
            let first = try pod.background(["--name=one"])
            let taken = pod("run", "--name=one", "--network=none", Pod.tiny, "true")
            #expect(taken.code == 125)
            expectOneLine(taken, "one.*in use")
            #expect(pod("create", "--name=one", Pod.tiny).code == 125)
            let second = pod("run", "-d", "--replace", "--name=one", "--network=none", Pod.tiny, "sleep", "60")
            // podman prints the name of what it removed, too.
            let id = second.lines.last ?? ""
            #expect(second.ok && id != first, "\(second)")
            #expect(pod("ps", "-aq").lines.count == 1)
            #expect(pod.inspect("one", "{{.Id}}") == id)
            #expect(pod.inspect(String(id.prefix(6)), "{{.Name}}") == "one", "by the beginning of its id")
            #expect(pod("create", "--name=bad name", Pod.tiny).code == 125)
            #expect(pod("create", "--name=-x", Pod.tiny).code == 125)
            let made = pod("create", "--network=none", Pod.tiny).text
            #expect(pod.inspect(made, "{{.Name}}").wholeMatch(of: /[a-z]+_[a-z]+/) != nil, "a name is made up")
            #expect(pod("rm", "-f", "-t", "0", "one", made).ok)
            #expect(pod("create", "--network=none", "--name=one", Pod.tiny).ok, "the name is free again")
        }
    }

    @Test(arguments: Account.all) func identifierFile(_ account: Account) throws {
        try Pod.with(account) { pod in
            let path = pod.files + "/cid"
            let id = pod("run", "-d", "--network=none", "--cidfile", path, Pod.tiny, "sleep", "60").text
            #expect(pod.read("cid")?.trimmingCharacters(in: .newlines) == id)
            let again = pod("run", "--rm", "--network=none", "--cidfile", path, Pod.tiny, "true")
            #expect(again.code == 125)
            expectOneLine(again, "cid")
            #expect(pod("stop", "-t", "0", "--cidfile", path).ok)
            #expect(pod("rm", "--cidfile", path).ok)
            #expect(pod("ps", "-aq").text.isEmpty)
        }
    }

    @Test(arguments: Account.all) func listing(_ account: Account) throws {
        try Pod.with(account) { pod in
            let id = try pod.background(["--name=alpha", "--label=kind=test", "--label=empty"])
            _ = pod("create", "--network=none", "--name=beta", "--label", "kind=other", Pod.tiny, "echo", "hi")
            #expect(pod("run", "--network=none", "--name=gamma", Pod.tiny, "sh", "-c", "exit 4").code == 4)
            let table = pod("ps", "-a")
            #expect(table.lines.first?.hasPrefix("CONTAINER ID  IMAGE") == true, "\(table)")
            #expect(table.lines.count == 4)
            let rows = pod("ps", "-a", "--format", "{{.Names}} {{.Image}} {{.Command}}").lines.sorted()
            #expect(rows.count == 3 && rows[1] == "beta \(Pod.tiny) echo hi", "\(rows)")
            #expect(rows.last?.hasPrefix("gamma \(Pod.tiny) sh -c exit 4") == true, "\(rows)")
            #expect(pod("ps", "-a", "--format", "{{.Names}} {{.Status}}").out.contains("gamma Exited (4)"))
            #expect(pod("ps", "--format", "{{.Names}}").text == "alpha")
            func filtered(_ filter: String) -> [String] {
                pod("ps", "-a", "--filter", filter, "--format", "{{.Names}}").lines.sorted()
            }
            #expect(filtered("status=exited") == ["gamma"])
            #expect(filtered("label=kind") == ["alpha", "beta"])
            #expect(filtered("label=kind=test") == ["alpha"])
            #expect(filtered("name=alp") == ["alpha"])
            #expect(filtered("exited=4") == ["gamma"])
            #expect(filtered("id=\(id.prefix(8))") == ["alpha"])
            #expect(pod("ps", "-a", "--last", "1", "--format", "{{.Names}}").text == "gamma")
            #expect(pod("ps", "-l", "--format", "{{.Names}}").text == "gamma")
            let json = pod("ps", "-a", "--format", "json")
            let list = try JSONSerialization.jsonObject(with: Data(json.out.utf8)) as? [[String: Any]]
            #expect(list?.count == 3)
            #expect(list?.contains { ($0["Names"] as? [String]) == ["alpha"] && $0["Id"] as? String == id } == true)
            #expect(pod("container", "ls", "-q").text == String(id.prefix(12)))
        }
    }

    @Test(arguments: Account.all) func inspecting(_ account: Account) throws {
        try Pod.with(account) { pod in
            let id = try pod.background([
                "--name=seen", "--label=a=b", "-e=A=1", "-w=/tmp", "--user=app", "-v", "\(pod.files):/data:ro",
                "--hostname=h", "--stop-timeout=7",
            ])
            let whole = pod("inspect", "seen")
            let list = try JSONSerialization.jsonObject(with: Data(whole.out.utf8)) as? [[String: Any]]
            let one = try #require(list?.first)
            #expect(one["Id"] as? String == id)
            #expect(one["Name"] as? String == "seen")
            let state = one["State"] as? [String: Any]
            #expect(state?["Status"] as? String == "running" && state?["Running"] as? Bool == true)
            let config = one["Config"] as? [String: Any]
            #expect(config?["WorkingDir"] as? String == "/tmp" && config?["User"] as? String == "app")
            #expect((config?["Labels"] as? [String: String])?["a"] == "b")
            #expect((config?["Env"] as? [String])?.contains("A=1") == true)
            #expect(config?["Hostname"] as? String == "h")
            #expect(config?["StopTimeout"] as? Int == 7)
            let mounts = one["Mounts"] as? [[String: Any]]
            #expect(mounts?.contains { $0["Destination"] as? String == "/data" && $0["RW"] as? Bool == false } == true)
            #expect(one["ImageName"] as? String == Pod.tiny)
            #expect((one["HostConfig"] as? [String: Any])?["NetworkMode"] as? String == "none")
            #expect(pod.inspect("seen", "{{.Config.Image}} {{.HostConfig.Privileged}}") == "\(Pod.tiny) false")
            #expect(pod("inspect", "--type", "container", "seen").ok)
            #expect(pod("inspect", "--type", "image", "seen").code == 125)
            #expect(pod("container", "inspect", "seen").ok)
            #expect(pod("inspect", "--format", "{{json .Config.Cmd}}", "seen").text.hasPrefix("[\"/bin/sh\",\"-c\""))
            #expect(pod("inspect", "--format", "{{.No.Such}}", "seen").code == 125)
        }
    }

    @Test(arguments: Account.all) func waiting(_ account: Account) throws {
        try Pod.with(account) { pod in
            let id = try pod.background([], "while ! test -e /dev/shm/go; do sleep 0.05; done; exit 6")
            let waiter = try pod.start("wait", id)
            usleep(300_000)
            #expect(waiter.isRunning())
            #expect(pod("exec", id, "touch", "/dev/shm/go").ok)
            #expect(waiter.finish(seconds: 20).text == "6")
            let two = try [pod.background([], "exit 1"), pod.background([], "exit 2")]
            #expect(pod(["wait"] + two).lines == ["1", "2"])
        }
    }

    @Test(arguments: Account.all) func removingMany(_ account: Account) throws {
        try Pod.with(account) { pod in
            let ids = try (0..<3).map { _ in try pod.background() }
            #expect(pod("kill", "-a").ok)
            #expect(eventually { pod("ps", "-q").text.isEmpty })
            #expect(pod("ps", "-aq").lines.count == 3)
            #expect(pod(["rm"] + ids).lines.count == 3)
            _ = try pod.background(["-v=/anonymous"])
            _ = try pod.background()
            #expect(pod("stop", "-a", "-t", "0").ok)
            #expect(pod("rm", "-a", "-v").ok)
            #expect(pod("ps", "-aq").text.isEmpty)
            #expect(pod("rm", "--ignore", "nobody").ok)
        }
    }

    @Test(arguments: Account.all) func removedOnExit(_ account: Account) throws {
        try Pod.with(account) { pod in
            let id = try pod.background(["--rm"], "sleep 0.3")
            #expect(pod("container", "exists", id).code == 0)
            #expect(eventually { pod("ps", "-aq").text.isEmpty })
            let second = try pod.background(["--rm"])
            #expect(pod("stop", "-t", "0", second).ok)
            #expect(eventually { pod("ps", "-aq").text.isEmpty })
            _ = try pod.background(["--rm", "-v=/anonymous"], "true")
            #expect(eventually { pod("ps", "-aq").text.isEmpty })
            #expect(pod.sh([], "exit 3").code == 3)
        }
    }

    @Test(arguments: Account.all) func timeLimits(_ account: Account) throws {
        try Pod.with(account) { pod in
            let from = now()
            let limited = pod("run", "--rm", "--network=none", "--timeout=1", Pod.tiny, "sleep", "60")
            #expect(limited.code != 0 && now() - from < 15, "\(limited)")
            let detached = pod("run", "-d", "--network=none", "--timeout=1", Pod.tiny, "sleep", "60").text
            #expect(eventually(seconds: 10) { pod.inspect(detached, "{{.State.Status}}") == "exited" })
        }
    }

    @Test(arguments: Account.all) func restarts(_ account: Account) throws {
        try Pod.with(account) { pod in
            let mark = pod.makeDirectory("marks", mode: 0o777)
            _ = try pod.background(
                ["--name=twice", "--restart=on-failure:2", "-v", "\(mark):/m"], "echo x >> /m/tries; exit 5")
            #expect(eventually { pod.read("marks/tries") == "x\nx\nx\n" }, "\(pod.read("marks/tries") ?? "nothing")")
            #expect(eventually { pod.inspect("twice", "{{.State.Status}}") == "exited" })
            usleep(500_000)
            #expect(pod.read("marks/tries") == "x\nx\nx\n")
            #expect(pod.inspect("twice", "{{.State.ExitCode}}") == "5")
            _ = try pod.background(["--name=fine", "--restart=on-failure", "-v", "\(mark):/m"], "echo x >> /m/fine")
            #expect(eventually { pod.inspect("fine", "{{.State.Status}}") == "exited" })
            #expect(pod.read("marks/fine") == "x\n")
            _ = try pod.background(
                ["--name=always", "--restart=always", "-v", "\(mark):/m"], "echo x >> /m/always; sleep 0.2")
            #expect(eventually { (pod.read("marks/always") ?? "").count >= 6 })
            #expect(pod("stop", "-t", "0", "always").ok)
            usleep(300_000)
            let count = pod.read("marks/always")?.count
            usleep(700_000)
            #expect(pod.read("marks/always")?.count == count, "a container that was stopped stays so")
        }
    }

    /// The caller's signals are the container's.
    @Test(arguments: Account.all) func signalsOfTheCaller(_ account: Account) throws {
        try Pod.with(account) { pod in
            for (number, code) in [(SIGTERM, Int32(3)), (SIGUSR1, 4), (SIGINT, 5)] {
                let run = try pod.start(
                    "run", "--rm", "--network=none", Pod.tiny, "sh", "-c",
                    "trap 'exit 3' TERM; trap 'exit 4' USR1; trap 'exit 5' INT; echo ready; while :; do sleep 0.05; done"
                )
                #expect(run.waits(for: "ready"))
                run.signal(number)
                let output = run.finish(seconds: 20)
                #expect(output.code == code, "\(output)")
            }
            let deaf = try pod.start(
                "run", "--rm", "--network=none", "--sig-proxy=false", "--name=deaf", Pod.tiny, "sh", "-c",
                "trap 'echo heard' USR1; echo ready; i=0; while test $i -lt 30; do sleep 0.05; i=$((i + 1)); done; echo end"
            )
            #expect(deaf.waits(for: "ready"))
            deaf.signal(SIGUSR1)
            let output = deaf.finish(seconds: 20)
            #expect(!output.out.contains("heard"), "\(output)")
            pod("rm", "-f", "-t", "0", "deaf")
        }
    }

    /// SIGKILL of the command line ends a foreground container, and the next command knows.
    @Test(.needs(.swiftpod), arguments: Account.all) func killedInTheForeground(_ account: Account) throws {
        try Pod.with(account) { pod in
            let run = try pod.start(
                "run", "--rm", "--network=none", "--name=lost", Pod.tiny, "sh", "-c", "echo ready; sleep 100")
            #expect(run.waits(for: "ready"))
            let pid = pod.hostPID("lost")
            #expect(pid > 1)
            run.signal(SIGKILL)
            _ = run.finish(seconds: 10)
            #expect(eventually(seconds: 5) { !FileManager.default.fileExists(atPath: "/proc/\(pid)") })
            #expect(pod("ps", "-q").text.isEmpty)
            #expect(eventually(seconds: 5) { pod("ps", "-aq").text.isEmpty }, "--rm holds after a kill too")
        }
    }

    /// SIGKILL of everything of ours but the container's own supervisor loses nothing.
    @Test(arguments: Account.all) func detachedContainersGoOn(_ account: Account) throws {
        try Pod.with(account) { pod in
            let run = try pod.start("run", "-d", "--network=none", Pod.tiny, "sh", "-c", "sleep 1; echo late; exit 8")
            let output = run.finish(seconds: 20)
            #expect(output.ok, "no descriptor of the caller's is held: \(output)")
            kill(-run.pid, SIGKILL)
            #expect(pod("wait", output.text).text == "8")
            #expect(pod("logs", output.text).out == "late\n")
        }
    }
}
