import Foundation
import Testing

/// `run hello`, `version`, `info`, help: what works on the first day.
@Suite(.needs(.swiftpod)) struct HelloTests {
    @Test(arguments: Account.all) func hello(_ account: Account) throws {
        try Pod.with(account, "none") { pod in
            let hello = pod("run", "hello")
            #expect(hello.ok && hello.err.isEmpty, "\(hello)")
            for word in ["namespaces", "user ids", "overlay", " ms"] {
                #expect(hello.out.range(of: word, options: .caseInsensitive) != nil, "\(word): \(hello)")
            }
            #expect(pod("run", "--rm", "hello").ok)
        }
    }

    /// No home, no runtime directory, an empty environment: still a container.
    @Test func withNothingAround() throws {
        try Pod.with(.unprivileged, "none") { pod in
            pod.environment = ["PATH": Machine.path, "HOME": pod.environment["HOME"]!]
            let hello = pod("run", "--rm", "hello")
            #expect(hello.ok, "\(hello)")
            pod.environment["XDG_RUNTIME_DIR"] = pod.directory + "/run"
        }
    }

    @Test(arguments: Account.all) func versionAndInfo(_ account: Account) throws {
        try Pod.with(account) { pod in
            let version = pod("version")
            #expect(version.ok && version.out.contains("Version:"), "\(version)")
            let short = pod("--version")
            #expect(
                short.ok && short.text.wholeMatch(of: /(podman|swiftpod) version \d+\.\d+\.\d+.*/) != nil, "\(short)")
            let info = pod("info", "--format", "json")
            let facts = try JSONSerialization.jsonObject(with: Data(info.out.utf8)) as? [String: Any]
            let store = facts?["store"] as? [String: Any]
            #expect((store?["graphRoot"] as? String)?.hasPrefix(pod.directory) == true, "\(info)")
            #expect(
                ((facts?["host"] as? [String: Any])?["security"] as? [String: Any])?["rootless"] as? Bool == !account
                    .isRoot)
            #expect(pod("info").ok)
        }
    }

    @Test func help() throws {
        try Pod.with(.unprivileged, "none") { pod in
            for words in [["--help"], ["help"], ["run", "--help"], ["image", "--help"], []] {
                let help = pod(words)
                #expect(help.out.contains("swiftpod") || help.err.contains("swiftpod"), "\(help)")
                if !words.isEmpty { #expect(help.ok && help.err.isEmpty, "\(help)") }
            }
            #expect(pod("run", "--help").out.contains("--volume"))
        }
    }

    /// The binary is one file that needs nothing from the machine.
    @Test func oneStaticBinary() {
        let file = Machine.tool("file", "-L", Machine.binary)
        #expect(file.out.contains("statically linked") || file.out.contains("static-pie"), "\(file)")
        #expect(Machine.tool("sh", "-c", "! ldd '\(Machine.binary)' 2>&1 | grep '=>'").ok)
    }

    /// Under the name `podman`, and with global options after the verb.
    @Test(arguments: Account.all) func asPodman(_ account: Account) throws {
        try Pod.with(account) { pod in
            var command = pod.command([
                "run", "--rm", "--cgroup-manager=cgroupfs", "--network=none", "--log-level=error", Pod.tiny, "echo",
                "drop-in",
            ])
            command.words = command.words.map { $0 == pod.binary ? pod.directory + "/bin/podman" : $0 }
            let output = command.run()
            #expect(output.text == "drop-in" && output.err.isEmpty, "\(output)")
            let unsupported = pod("run", "--rm", "--cgroup-manager=fax", Pod.tiny, "true")
            #expect(unsupported.code == 125)
            expectOneLine(unsupported, "fax|cgroup-manager")
        }
    }

    /// A disk that is full: one line, the right code, and room again afterwards.
    @Test(.needs(.root), arguments: Account.all) func aFullDisk(_ account: Account) throws {
        try Pod.with(account, "none") { pod in
            let disk = pod.directory + "/small"
            mkdir(disk, 0o700)
            let mounted = Machine.tool(
                "mount", "-t", "tmpfs", "-o", "size=12m,mode=0755,uid=\(account.uid),gid=\(account.gid)", "none", disk)
            guard mounted.ok else { throw Failure("\(mounted)") }
            defer { umount2(disk, Int32(MNT_DETACH)) }
            let store = ["--root", disk + "/store"]
            #expect(pod(store + ["load", "-q", "-i", pod.archive("tiny")]).ok)
            let full = pod(store + ["load", "-q", "-i", pod.archive("large")])
            #expect(full.code == 125, "\(full)")
            expectOneLine(full, "no space|full")
            #expect(pod(store + ["images", "-q"]).lines.count == 1)
            let ran = pod(store + ["run", "--rm", "--network=none", Pod.tiny, "true"])
            #expect(ran.ok, "\(ran)")
            #expect(pod(store + ["rm", "-af"]).ok)
        }
    }
}
