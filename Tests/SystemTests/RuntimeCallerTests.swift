import Foundation
import Testing

/// What callers say to their runtime in words that are crun's or runc's, and not the specification's.
@Suite(.needs(.swiftpod), .needs(.program("busybox")), .needs(.root)) struct RuntimeCallerTests {
    /// podman's `--volume DIR:/m:idmap=...`, of the file system's owners to those that are seen.
    @Test(arguments: [
        ("idmap=uids=5-7-1;gids=6-8-1", "7:8"), ("idmap=uids=0-100-10;gids=0-200-10", "105:206"),
        // The numbers of a container whose user namespace begins at 200000.
        ("idmap=uids=@5-7-1;gids=@6-8-1", "7:8"), ("ridmap=uids=1-1-1#5-200009-1;gids=6-200000-1", "9:0"),
    ])
    func ownersAreMapped(option: String, seen: String) throws {
        let bundle = try RuntimeBundle(.root, "stat -c %u:%g /m/file")
        Machine.tool("chown", "5:6", bundle.outside + "/file")
        bundle.mount("/m", "bind", bundle.outside, ["bind", option])
        if option.contains("@") || option.hasPrefix("r") {
            let own = bundle.config["linux"] as? [String: Any] ?? [:]
            let namespaces = own["namespaces"] as? [[String: String]] ?? []
            let ids = [["containerID": 0, "hostID": 200_000, "size": 1000]]
            bundle.change(
                "linux",
                ["namespaces": namespaces + [["type": "user"]], "uidMappings": ids, "gidMappings": ids])
            Machine.tool("chown", "-R", "200000:200000", bundle.rootfs)
            chmod(bundle.directory, 0o755)
        }
        let out = bundle.run()
        #expect(out.text == seen, "\(out)")
        #expect(bundle.isClean)
    }

    @Test(arguments: ["idmap=", "idmap=uids=1-2", "idmap=uids=1-2-0", "idmap=uids=+1-2-3", "idmap=ids=1-2-3"])
    func whatIsNoMapping(option: String) throws {
        let bundle = try RuntimeBundle()
        bundle.mount("/m", "bind", bundle.outside, ["bind", option])
        expectOneLine(bundle.run(), "mount on /m: option .* must be uids=")
        #expect(bundle.isClean)
    }

    /// podman's `--group-add keep-groups`; without it the caller's groups are nobody's in there (2022-2989).
    @Test func theCallersGroupsAreKept() throws {
        let bundle = try RuntimeBundle()
        bundle.config["annotations"] = ["run.oci.keep_original_groups": "1"]
        bundle.change("process", ["args": ["/bin/id", "-G"]])
        let before = ["setpriv", "--groups", "10,20"]
        #expect(bundle.run(before: before).text == "0 10 20")
        bundle.change("process", ["args": ["/bin/sleep", "100"]])
        #expect(bundle.runtime("run", "--detach", bundle.id).code == 0)
        #expect(bundle.runtime("exec", bundle.id, "/bin/id", "-G", before: before).text == "0 10 20")
    }

    /// Who listens at `--pidfd-socket` has the process in its hand.
    @Test(.needs(.program("python3"))) func aDescriptorOfTheProcess() throws {
        let bundle = try RuntimeBundle(.root, "exec sleep 1000")
        let server = """
            import socket, signal, sys
            s = socket.socket(socket.AF_UNIX); s.bind("\(bundle.directory)/s"); s.listen(); print("ready", flush=True)
            processes = []
            for _ in range(2):
                c, _ = s.accept()
                message, descriptors, _, _ = socket.recv_fds(c, 99, 1)
                print(message, flush=True)
                processes += descriptors
            for process in reversed(processes):
                sys.stdin.readline()
                signal.pidfd_send_signal(process, 9)
            """
        var serving = Command(words: ["python3", "-c", server], environment: ["PATH": Machine.path])
        serving.input = .pipe
        let listening = try serving.start()
        #expect(listening.waits(for: "ready"))
        let socket = ["--pidfd-socket", bundle.directory + "/s"]
        #expect(bundle.command(["run", "--detach"] + socket + [bundle.id]).run().code == 0)
        let exec = try bundle.command(["exec"] + socket + [bundle.id, "/bin/sleep", "1000"]).start()
        #expect(listening.waits(for: "setns"))
        listening.type("\n")
        #expect(exec.finish().code == 137)
        #expect(bundle.runtime("state", bundle.id).out.contains("running"))
        listening.type("\n")
        #expect(eventually { bundle.runtime("state", bundle.id).out.contains("stopped") })
        #expect(listening.finish().out == "ready\nb'standard'\nb'setns'\n")
    }

    @Test func aProcessThatWaitsWithAPausedContainer() throws {
        let bundle = try RuntimeBundle(.root, "exec sleep 1000")
        #expect(bundle.runtime("run", "--detach", bundle.id).code == 0)
        #expect(bundle.runtime("pause", bundle.id).ok)
        expectOneLine(bundle.runtime("exec", bundle.id, "/bin/true"), "paused")
        let waiting = try bundle.command(["exec", "--ignore-paused", bundle.id, "/bin/touch", "/tmp/ran"]).start()
        usleep(300_000)
        #expect(waiting.isRunning() && access(bundle.rootfs + "/tmp/ran", F_OK) != 0)
        #expect(bundle.runtime("resume", bundle.id).ok)
        #expect(waiting.finish().code == 0 && access(bundle.rootfs + "/tmp/ran", F_OK) == 0)
    }

    @Test func whetherItIsThere() throws {
        let bundle = try RuntimeBundle(.root, "exec sleep 1000")
        #expect(bundle.runtime("run", "--detach", bundle.id).code == 0)
        #expect(bundle.runtime("kill", bundle.id, "0").ok)
        #expect(bundle.runtime("kill", bundle.id, "KILL").ok)
        #expect(eventually { bundle.runtime("state", bundle.id).out.contains("stopped") })
        expectOneLine(bundle.runtime("kill", bundle.id, "0"), "not running")
    }

    /// What a caller cannot be told of is not left running.
    @Test(arguments: ["--pid-file", "--pidfd-socket"]) func aFurtherProcessThatNobodyKnows(option: String) throws {
        let bundle = try RuntimeBundle(.root, "exec sleep 1000")
        #expect(bundle.runtime("run", "--detach", bundle.id).code == 0)
        let out = bundle.runtime("exec", "--detach", option, "/no/such/file", bundle.id, "/bin/sleep", "77")
        expectOneLine(out, "/no/such/file: no such file")
        #expect(bundle.runtime("ps", "--format", "json", bundle.id).out.split(separator: ",").count == 1)

    }
}
