import Foundation
import RayCommandLines
import Testing

/// What Ray's workers find in a container: everything that RAY's own worker process depends on.
@Suite(.needs(.swiftpod)) struct RayWorkerTests {
    @Test(arguments: Ray.workers.map(\.release)) func findsWhatItNeeds(_ release: String) throws {
        let options = Ray.workers.first { $0.release == release }!.options
        try Pod.with(.unprivileged, "ray") { pod in
            pod.prepareRay()
            let mark = "/dev/shm/swiftpod-mark-\(UUID().uuidString)"
            _ = FileManager.default.createFile(atPath: mark, contents: Data("shared".utf8))
            chmod(mark, 0o644)
            defer { unlink(mark) }
            var command = pod.ray(options, fake: "exit 7", more: ["--env", "APP_MARK=" + mark])
            // Ray leaks about ten descriptors, and ignores two signals.
            let null = open("/dev/null", O_RDONLY)
            defer { close(null) }
            for number: Int32 in 3...12 { command.descriptors[number] = null }
            command.words = ["/bin/sh", "-c", "trap '' PIPE XFSZ; exec \"$@\"", "sh"] + command.words
            let running = try command.start()
            let ended = running.finish()
            let facts = Facts(ended.out)
            let what: Comment = "\(ended)"
            #expect(facts.isWhole, what)
            #expect(ended.code == 7 && ended.signal == 0, what)

            // The same process, in the place it was given.
            #expect(facts["pid"] == "\(running.pid)", what)
            #expect(facts["parent"] == "\(getpid())" && facts["group"] == facts["pid"], what)
            #expect(facts["session"] == facts["pid"] && facts["terminal"] == "0", what)
            #expect(facts["descriptors"] == "0 1 2 ", what)
            let ignored = UInt64(facts["ignored"], radix: 16) ?? .max
            for signal in [SIGPIPE, SIGXFSZ] { #expect(ignored >> UInt64(signal - 1) & 1 == 0, what) }
            #expect(facts["blocked"] == "0000000000000000", what)

            checkIdentity(facts, pod, keepID: options.contains("--userns=keep-id"), what)
            checkSurroundings(facts, what)
            #expect(pod.read("ray/from-worker") == "here\n", what)
            var status = stat()
            #expect(lstat(pod.files + "/ray/from-worker", &status) == 0 && status.st_uid == pod.account.uid, what)
            #expect(
                facts.all("argument") == ["--node-ip-address=127.0.0.1", "--worker-id=28ab", "--odd= a  b\"$", ""],
                what)
            if release == "2.60" {
                #expect(facts.all("variable").contains("RAY_A=a b $HOME \"q\" 'r' \\ ü"), what)
                #expect(facts.all("variable").contains("APP_EMPTY="), what)
                #expect(ended.err.isEmpty, what)
            }
            #expect(facts.all("variable").contains("APP_COLOUR=blue"), "the image's: \(facts)")
            #expect(pod.containers == [], "nothing is left: \(what)")
        }
    }

    private func checkIdentity(_ facts: Facts, _ pod: Pod, keepID: Bool, _ what: Comment) {
        let (uid, gid) = (pod.account.uid, pod.account.gid)
        let outside = keepID ? (uid, gid) : (0, 0)
        #expect(facts["uid"].split(separator: " ").allSatisfy { $0 == "\(outside.0)" }, what)
        #expect(facts["gid"].split(separator: " ").allSatisfy { $0 == "\(outside.1)" }, what)
        // Without keep-id podman's root has no group but its own either.
        #expect(facts["groups"].split(separator: " ").allSatisfy { $0 == "\(outside.1)" }, what)
        if keepID {
            let entry = facts["account"].split(separator: ":", omittingEmptySubsequences: false)
            #expect(entry.first == "\(pod.account.login)" && entry.count == 7 && entry[5] == "/srv/app", what)
            #expect(facts["HOME"] == "/srv/app", what)
        } else {
            // The host's environment comes along, and HOME in it.
            #expect(facts["account"].hasPrefix("root:") && facts["HOME"] == pod.directory + "/home", what)
        }
    }

    private func checkSurroundings(_ facts: Facts, _ what: Comment) {
        for name in ["pid", "net", "ipc"] {
            let ours = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/\(name)")
            #expect(facts["ns-\(name)"] == ours, what)
        }
        for name in ["mnt", "uts", "user"] {
            let ours = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/\(name)")
            #expect(facts["ns-\(name)"] != ours, what)
        }
        #expect(facts["shm"] == "shared", what)
        #expect(facts["mqueue"] == (access("/dev/mqueue", F_OK) == 0 ? "/dev/mqueue" : ""), what)
        #expect(facts["cwd"] == "/srv/app" && facts["container"] == "podman" && facts["TERM"] == "xterm", what)
        var name = utsname()
        uname(&name)
        let host = withUnsafeBytes(of: &name.nodename) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        #expect(facts["hostname"] == host && facts["writable"] == "yes", what)
    }

    /// Users without subordinate ids.
    @Test func withoutSubordinateIDs() throws {
        try Pod.with(.unprivilegedWithoutRange, "ray") { pod in
            pod.prepareRay()
            let running = try pod.ray(Ray.current).start()
            let facts = Facts(running.finish().out)
            #expect(facts.isWhole && facts["pid"] == "\(running.pid)", "\(facts)")
            #expect(facts["uid"].hasPrefix("\(pod.account.uid) "), "\(facts)")
            #expect(pod.read("ray/from-worker") == "here\n")
        }
    }

    /// In Ray's older way and with keep-id.
    @Test(arguments: Account.rootOnly) func asRoot(_ account: Account) throws {
        try Pod.with(account, "ray") { pod in
            pod.prepareRay()
            for options in [Ray.workers[1].options, Ray.current] {
                let running = try pod.ray(options).start()
                let facts = Facts(running.finish().out)
                #expect(facts.isWhole && facts["pid"] == "\(running.pid)" && facts["uid"].hasPrefix("0 "), "\(facts)")
                #expect(pod.containers == [])
            }
        }
    }

    @Test(arguments: [Ray.probe, Ray.oldProbe]) func probes(_ script: String) throws {
        try Pod.with(.unprivileged, "ray", "ray-user") { pod in
            for image in ["ray", "ray-user"] {
                let shared = pod.makeDirectory("shared-\(image)", mode: 0o777)
                // Private networks take a tool that the machine may not have; Ray's network is the default.
                var command = pod.rayCommand(
                    ["run", "--rm", "-v", shared + ":/shared:Z"] + Machine.defaultNetwork
                        + ["localhost/\(image):latest", "python", "-c", script])
                command.input = .pipe
                let ended = command.run()
                #expect(ended.ok && ended.err.isEmpty, "\(ended)")
                let isOld = script == Ray.oldProbe
                #expect(ended.out == (isOld ? Ray.script + "\n" : ""), "\(ended)")
                if !isOld { #expect(pod.read("shared-\(image)/worker_path.txt") == Ray.script, "\(ended)") }
                #expect(pod.containers == [])
            }
        }
    }

    /// Ray's words alone are answered from memory: the image has answered before, and is the same.
    @Test func probesOnce() throws {
        try Pod.with(.unprivileged, "ray", "ray-user") { pod in
            func probe(_ image: String, _ options: [String] = []) -> (answer: String?, events: Int) {
                let shared = pod.makeDirectory("shared", mode: 0o777)
                unlink(shared + "/worker_path.txt")
                let before = pod("events", "--stream=false", "--filter=event=start").lines.count
                let ended = pod.rayCommand(
                    ["run", "--rm", "-v", shared + ":/shared:Z"] + Machine.defaultNetwork + options
                        + ["localhost/\(image):latest", "python", "-c", Ray.probe]
                ).run()
                #expect(ended.ok && ended.err.isEmpty && ended.out.isEmpty, "\(ended)")
                let after = pod("events", "--stream=false", "--filter=event=start").lines.count
                return (pod.read("shared/worker_path.txt"), after - before)
            }
            #expect(probe("ray") == (Ray.script, 1))
            #expect(probe("ray") == (Ray.script, 0))
            #expect(probe("ray-user") == (Ray.script, 1), "another image")
            #expect(probe("ray", ["--env=A=b"]) == (Ray.script, 1), "something else is asked for")
            #expect(pod("rmi", "localhost/ray:latest").ok)
            let gone = pod.rayCommand(
                [
                    "run", "--rm", "-v", pod.files + "/shared:/shared:Z", "localhost/ray:latest", "python", "-c",
                    Ray.probe,
                ]
            ).run()
            #expect(gone.code == 125, "\(gone)")
        }
    }

    /// Users' own options, behind Ray's.
    static let runOptions: [String] = [
        "--rm", "--security-opt=label=disable", "--security-opt=seccomp=unconfined",
        "--security-opt=no-new-privileges", "--hooks-dir=/usr/share/containers/oci/hooks.d", "-t", "-i", "-it",
        "--privileged", "--cap-drop=ALL", "--cap-add=SYS_PTRACE", "-v={files}:/b", "-v={files}:/b:ro",
        "-v={files}:/b:Z", "--log-level=debug", "--log-level=error", "--env-host", "--env-file={files}/list",
        "--cpu-shares=512", "--cpuset-cpus=0", "--cpus=0.5", "--memory=1g", "-m=1g", "--ulimit=nofile=512:512",
        "--ulimit=host", "--name=w --replace", "--pull=missing", "-q", "--user=0", "--user=root",
        "--group-add=extra", "--group-add=keep-groups", "--device=/dev/null", "--gpus=all",
        "--mount=type=bind,src={files},dst=/b", "--tmpfs=/scratch", "-w=/tmp", "--workdir=/tmp", "--hostname=h",
        "--add-host=a:10.0.0.1", "--dns=1.1.1.1", "--cgroupns=host", "--cgroupns=private", "--pids-limit=100",
        "--pids-limit=-1", "--oom-score-adj=100", "--label=a=b", "--annotation=a=b", "--runtime=crun",
        "--systemd=false", "--stop-signal=SIGINT", "--stop-timeout=5", "--read-only", "--no-hosts", "--userns=host",
        "--uts=host", "--http-proxy=false", "--restart=no", "--restart=on-failure:2", "--timeout=600",
        "--log-driver=none", "--umask=0022", "--unsetenv=APP_COLOUR", "--storage-driver=vfs",
        "--events-backend=none", "--cgroup-manager=systemd",
    ]

    @Test func takesUsersOptions() throws {
        try Pod.with(.unprivileged, "ray") { pod in
            pod.prepareRay()
            pod.write("list", "APP_LISTED=1\n")
            for line in Self.runOptions {
                let words = line.replacingOccurrences(of: "{files}", with: pod.files).split(separator: " ")
                let running = try pod.ray(Ray.current, fake: "exit 5", more: words.map(String.init)).start()
                let ended = running.finish()
                let facts = Facts(ended.out.replacingOccurrences(of: "\r", with: ""))
                #expect(facts.isWhole && ended.code == 5, "\(line): \(ended)")
                // Its pid is the host's, whoever is its parent.
                #expect((Int32(facts["pid"]) ?? 0) >= running.pid, "\(line): \(ended)")
            }
            #expect(pod("rm", "-a", "-f").ok)
        }
    }
}
