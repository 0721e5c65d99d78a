import Foundation
import Testing

/// SIGKILL at any instant: the store is whole afterwards, and the next command works and cleans up.
@Suite(.needs(.swiftpod), .serialized) struct KillTests {
    /// Kills the command, with all that it started, at `steps` instants spread over how long it takes.
    static func kill(
        _ pod: Pod, steps: Int, _ words: [String], prepare: () -> Void, check: (String) -> Void
    ) throws {
        prepare()
        let from = now()
        let whole = pod(words)
        #expect(whole.ok, "\(whole)")
        let duration = now() - from
        var random = SystemRandomNumberGenerator()
        for step in 0..<steps {
            prepare()
            let delay = duration * (Double(step) + Double.random(in: 0..<1, using: &random)) / Double(steps)
            let running = try pod.start(words)
            usleep(UInt32(delay * 1_000_000))
            Foundation.kill(-running.pid, SIGKILL)
            _ = running.finish(seconds: 10)
            check("killed after \(Int(delay * 1000)) of \(Int(duration * 1000)) ms")
        }
    }

    /// The image that was there before runs still, and nobody left a process.
    static func expectWhole(_ pod: Pod, _ when: String) {
        let ran = pod.sh([], "sha256sum /bin/busybox | cut -c1-8; ls /etc/passwd")
        #expect(ran.ok && ran.lines.count == 2, "\(when): \(ran)")
        let images = pod("images", "-a", "--format", "{{.Repository}}")
        #expect(images.ok, "\(when): \(images)")
        #expect(pod("ps", "-a").ok, "\(when)")
    }

    @Test(arguments: Account.all) func load(_ account: Account) throws {
        try Pod.with(account) { pod in
            let name = "localhost/large:latest"
            try Self.kill(pod, steps: 12, ["load", "-q", "-i", pod.archive("large")]) {
                pod("rmi", "-f", name)
            } check: { when in
                Self.expectWhole(pod, when)
                if pod("image", "exists", name).ok { Self.expectLarge(pod, name, when) }
            }
            pod("rmi", "-f", name)
            let left = pod.storeSize()
            #expect(pod("load", "-q", "-i", pod.archive("large")).ok)
            Self.expectLarge(pod, name, "at the end")
            pod("rmi", "-f", name)
            #expect(abs(pod.storeSize() - left) < 4 << 20, "the killed ones' leavings go")
            #expect(pod.storeSize() < 16 << 20, "nothing of 24 MiB stays: \(pod.storeSize())")
        }
    }

    static func expectLarge(_ pod: Pod, _ name: String, _ when: String) {
        let ran = pod(
            "run", "--rm", "--network=none", name, "sh", "-c",
            "ls /large | wc -l; cat /large/[0-3]-? /large/[0-3]-1? | wc -c")
        #expect(ran.lines == ["1248", "\(24 << 20)"], "\(when): \(ran)")
    }

    @Test(.needs(.program("docker-registry")), arguments: Account.all) func pull(_ account: Account) throws {
        let name = "\(try Registry.shared.get().host)/tests/large:latest"
        try Pod.with(account) { pod in
            try Self.kill(pod, steps: 12, ["pull", "-q", RegistryTests.insecure, name]) {
                pod("rmi", "-f", name)
            } check: { when in
                Self.expectWhole(pod, when)
                if pod("image", "exists", name).ok { Self.expectLarge(pod, name, when) }
            }
            let last = pod("pull", "-q", RegistryTests.insecure, name)
            #expect(last.ok, "\(last)")
            Self.expectLarge(pod, name, "at the end")
        }
    }

    @Test(arguments: Account.all) func run(_ account: Account) throws {
        try Pod.with(account) { pod in
            try Self.kill(
                pod, steps: 30,
                ["run", "--rm", "--network=none", "--name=victim", "-v=kept:/v", Pod.tiny, "sleep", "0.05"]
            ) {
            } check: { when in
                // The name is free again: what was killed is cleaned up by the next command.
                let again = pod("run", "--rm", "--network=none", "--name=victim", Pod.tiny, "true")
                if !again.ok {
                    #expect(pod("rm", "-f", "-t", "0", "victim").ok, "\(when): \(again)")
                }
            }
            Self.expectWhole(pod, "at the end")
            #expect(pod("ps", "-aq").text.isEmpty, "--rm holds after a kill too: \(pod("ps", "-a"))")
        }
    }

    @Test(arguments: Account.all) func runDetached(_ account: Account) throws {
        try Pod.with(account) { pod in
            try Self.kill(pod, steps: 20, ["run", "-d", "--network=none", "--name=victim", Pod.tiny, "sleep", "60"]) {
                pod("rm", "-f", "-t", "0", "victim")
            } check: { when in
                let status = pod("ps", "-a", "--format", "{{.Names}} {{.Status}}")
                #expect(status.ok, "\(when): \(status)")
                #expect(pod("rm", "-a", "-f", "-t", "0").ok, "\(when)")
                #expect(pod("ps", "-aq").text.isEmpty, "\(when)")
            }
            Self.expectWhole(pod, "at the end")
        }
    }

    @Test(arguments: Account.all) func remove(_ account: Account) throws {
        try Pod.with(account) { pod in
            try Self.kill(pod, steps: 20, ["rm", "-f", "-t", "0", "victim"]) {
                pod("rm", "-f", "-t", "0", "victim")
                let made = pod(
                    "run", "-d", "--network=none", "--name=victim", Pod.tiny, "sh", "-c",
                    "mkdir /many; for i in $(seq 1 300); do echo $i > /many/$i; done; sleep 60")
                #expect(made.ok, "\(made)")
            } check: { when in
                let status = pod("ps", "-a", "--format", "{{.Names}} {{.Status}}")
                #expect(status.ok, "\(when): \(status)")
                pod("rm", "-f", "-t", "0", "victim")
                #expect(pod("container", "exists", "victim").code == 1, "\(when)")
            }
            Self.expectWhole(pod, "at the end")
            #expect(pod("rm", "-a", "-f").ok)
            #expect(Self.names(pod.store + "/containers").isEmpty, "\(Self.names(pod.store + "/containers"))")
        }
    }

    @Test(arguments: Account.all) func removeImage(_ account: Account) throws {
        try Pod.with(account) { pod in
            try Self.kill(pod, steps: 12, ["rmi", "-f", "localhost/many:latest"]) {
                try? pod.load(["many"])
            } check: { when in
                Self.expectWhole(pod, when)
                try? pod.load(["many"])
                let ran = pod("run", "--rm", "--network=none", "localhost/many:latest", "cat", "/many/last")
                #expect(ran.text == "29", "\(when): \(ran)")
            }
        }
    }

    static func names(_ directory: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    }
}
