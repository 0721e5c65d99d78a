import Foundation
import Testing

/// `load`, `save`, `import`, `images`, `rmi`, `tag`, `image inspect`, `image exists`.
@Suite struct ImageTests {
    @Test(arguments: Account.all) func loading(_ account: Account) throws {
        try Pod.with(account, "none") { pod in
            let loaded = pod("load", "-i", pod.archive("tiny"))
            #expect(loaded.ok && loaded.text == "Loaded image: \(Pod.tiny)", "\(loaded)")
            let fed = Machine.tool("cat", pod.archive("configured"))
            #expect(!fed.heldOpen)
            let descriptor = open(pod.archive("configured"), O_RDONLY)
            defer { close(descriptor) }
            let input = try pod.start(["load"], input: .descriptor(descriptor)).finish()
            #expect(input.text == "Loaded image: localhost/configured:latest", "\(input)")
            let docker = pod("load", "-q", "-i", pod.archive("configured.docker"))
            #expect(docker.text == "Loaded image: localhost/configured:latest", "\(docker)")
            let directory = pod.makeDirectory("layout")
            pod.tool("tar", "-C", directory, "-xf", pod.archive("many"))
            let fromDirectory = pod("load", "-i", directory)
            #expect(fromDirectory.ok, "\(fromDirectory)")
            let name = String(fromDirectory.text.drop { $0 != ":" }.dropFirst(2))
            #expect(pod("run", "--rm", "--network=none", name, "test", "-e", "/many/last").ok)
            #expect(pod("images", "-q", "--no-trunc").lines.count == 3)
            let no = pod("load", "-i", pod.files + "/nothing.tar")
            #expect(no.code == 125)
            expectOneLine(no, "nothing.tar.*no such file")
        }
    }

    @Test(arguments: Account.all) func listing(_ account: Account) throws {
        try Pod.with(account, "tiny", "configured") { pod in
            let table = pod("images")
            let pattern = /REPOSITORY +TAG +IMAGE ID +CREATED +SIZE/
            #expect(table.lines.first?.wholeMatch(of: pattern) != nil, "\(table)")
            #expect(table.lines.count == 3)
            #expect(
                table.lines.contains { $0.hasPrefix("localhost/tiny") && $0.contains("latest") && $0.hasSuffix("MB") })
            #expect(pod("images", "--noheading").lines.count == 2)
            #expect(pod("images", "-q").lines.allSatisfy { $0.wholeMatch(of: /[0-9a-f]{12}/) != nil })
            #expect(
                pod("images", "-q", "--no-trunc").lines.allSatisfy { $0.wholeMatch(of: /sha256:[0-9a-f]{64}/) != nil })
            let names = pod("images", "--format", "{{.Repository}}:{{.Tag}}").lines.sorted()
            #expect(names == ["localhost/configured:latest", Pod.tiny])
            #expect(pod("images", "tiny", "--format", "{{.Repository}}").text == "localhost/tiny")
            #expect(pod("images", "-q", "nothing").text.isEmpty)
            #expect(pod("images", "--filter", "reference=*tiny*", "-q").lines.count == 1)
            #expect(pod("image", "ls", "-q").lines.count == 2)
            let json =
                try JSONSerialization.jsonObject(with: Data(pod("images", "--format", "json").out.utf8))
                as? [[String: Any]]
            #expect(json?.count == 2)
            #expect(
                json?.contains { ($0["Names"] as? [String]) == [Pod.tiny] && ($0["Id"] as? String)?.count == 64 }
                    == true)
        }
    }

    @Test(arguments: Account.all) func tagsAndRemoval(_ account: Account) throws {
        try Pod.with(account) { pod in
            let id = pod("images", "-q", "--no-trunc").text
            #expect(pod("tag", "tiny", "other:v1").ok)
            #expect(pod("tag", id, "localhost/by/id").ok)
            #expect(
                pod("images", "--format", "{{.Repository}}:{{.Tag}}").lines.sorted() == [
                    "localhost/by/id:latest", "localhost/other:v1", Pod.tiny,
                ])
            #expect(pod("run", "--rm", "--network=none", "other:v1", "true").ok)
            #expect(pod("run", "--rm", "--network=none", String(id.dropFirst(7).prefix(8)), "true").ok, "by id")
            #expect(pod("image", "exists", "by/id").code == 0)
            #expect(pod("tag", "tiny", "Bad Name").code == 125)
            let one = pod("rmi", "other:v1")
            #expect(one.text == "Untagged: localhost/other:v1", "\(one)")
            let many = pod("rmi", id)
            #expect(many.code != 0, "several names: \(many)")
            #expect(pod("rmi", "by/id").ok)
            let container = pod("create", "--network=none", Pod.tiny).text
            let used = pod("rmi", Pod.tiny)
            #expect(used.code == 2, "\(used)")
            expectOneLine(used, "in use|used by")
            #expect(pod("rm", container).ok)
            let last = pod("rmi", Pod.tiny)
            #expect(last.lines == ["Untagged: \(Pod.tiny)", "Deleted: \(id.dropFirst(7))"], "\(last)")
            #expect(pod("images", "-q").text.isEmpty)
            #expect(pod("run", "--rm", "--pull=never", Pod.tiny, "true").code == 125)
            try pod.load(["tiny", "many"])
            #expect(pod("rmi", "-a", "-f").ok)
            #expect(pod("images", "-q").text.isEmpty)
        }
    }

    @Test(arguments: Account.all) func forcedRemoval(_ account: Account) throws {
        try Pod.with(account) { pod in
            let id = try pod.background()
            let removed = pod("rmi", "-f", Pod.tiny, seconds: 60)
            #expect(removed.ok, "\(removed)")
            #expect(pod("container", "exists", id).code == 1)
        }
    }

    @Test(arguments: Account.all) func inspecting(_ account: Account) throws {
        try Pod.with(account, "configured") { pod in
            let json = pod("image", "inspect", "configured")
            let list = try JSONSerialization.jsonObject(with: Data(json.out.utf8)) as? [[String: Any]]
            let image = try #require(list?.first)
            #expect((image["Id"] as? String)?.count == 64)
            #expect(image["RepoTags"] as? [String] == ["localhost/configured:latest"])
            #expect(image["Os"] as? String == "linux")
            let config = image["Config"] as? [String: Any]
            #expect(config?["User"] as? String == "app")
            #expect(config?["Entrypoint"] as? [String] == ["/bin/echo", "entry"])
            #expect(config?["WorkingDir"] as? String == "/work")
            #expect((config?["Labels"] as? [String: String])?["colour"] == "blue")
            #expect((config?["ExposedPorts"] as? [String: Any])?.keys.contains("8080/tcp") == true)
            #expect(((image["RootFS"] as? [String: Any])?["Layers"] as? [String])?.count == 2)
            #expect((image["Digest"] as? String)?.hasPrefix("sha256:") == true)
            #expect(pod("image", "inspect", "--format", "{{.Config.StopSignal}}", "configured").text == "SIGUSR1")
            #expect(pod("inspect", "--format", "{{.Architecture}}", "configured").ok, "inspect finds images too")
            #expect(pod("image", "inspect", "--format", "{{.Id}}", "configured", "configured").lines.count == 2)
        }
    }

    @Test(arguments: Account.all) func savingAndLoadingAgain(_ account: Account) throws {
        try Pod.with(account, "torture", "tiny") { pod in
            let name = "localhost/torture:latest"
            let id = pod("image", "inspect", "--format", "{{.Id}}", name).text
            for format in ["docker-archive", "oci-archive"] {
                let path = pod.files + "/\(format).tar"
                let saved = pod("save", "-q", "--format", format, "-o", path, name)
                #expect(saved.ok, "\(saved)")
                let seen = Machine.tool("skopeo", "inspect", "--config", "\(format):\(path)")
                #expect(seen.out.contains("diff_ids"), "another tool reads it: \(seen)")
                #expect(pod("rmi", "-f", name).ok)
                let loaded = pod("load", "-i", path)
                #expect(loaded.ok && loaded.text.hasSuffix(name), "\(loaded)")
                if Machine.isPodman { continue }
                #expect(pod("image", "inspect", "--format", "{{.Id}}", name).text == id, "\(format)")
            }
            let directory = pod.files + "/directory"
            #expect(pod("save", "-q", "--format", "oci-dir", "-o", directory, name).ok)
            #expect(FileManager.default.fileExists(atPath: directory + "/index.json"))
            #expect(Machine.tool("skopeo", "inspect", "--config", "oci:" + directory).ok)
            let stream = pod("save", name)
            #expect(stream.code == 0 && stream.out.count > 100_000, "to stdout where that is no terminal")
            #expect(pod("save", "-o", pod.files + "/x.tar", "nothing").code == 125)
            #expect(!FileManager.default.fileExists(atPath: pod.files + "/x.tar"))
            let several = pod.files + "/several.tar"
            #expect(pod("save", "-q", "-m", "-o", several, name, Pod.tiny).ok)
            #expect(pod("rmi", "-a", "-f").ok)
            #expect(pod("load", "-q", "-i", several).ok)
            #expect(pod("images", "-q").lines.count == 2)
        }
    }

    @Test(arguments: Account.all) func importing(_ account: Account) throws {
        try Pod.with(account, "none") { pod in
            let imported = pod(
                "import", "-q", "--change", "CMD [\"/bin/echo\",\"imported\"]", "--change", "ENV A=1", "--change",
                "WORKDIR /tmp",
                "--message", "made by a test", pod.archive("tiny.rootfs"), "made:v1")
            #expect(imported.ok && imported.lines.last?.wholeMatch(of: /(sha256:)?[0-9a-f]{64}/) != nil, "\(imported)")
            #expect(pod("run", "--rm", "--network=none", "made:v1").text == "imported")
            #expect(
                pod("run", "--rm", "--network=none", "made:v1", "sh", "-c", "echo $A; pwd; id -u").text == "1\n/tmp\n0")
            let descriptor = open(pod.archive("tiny.rootfs"), O_RDONLY)
            defer { close(descriptor) }
            let fed = try pod.start(["import", "-", "made:v2"], input: .descriptor(descriptor)).finish()
            #expect(fed.ok, "\(fed)")
            #expect(
                pod("run", "--rm", "--network=none", "made:v2", "/bin/cat", "/etc/os-release").out.hasPrefix("ID=tiny"))
            let no = pod("import", pod.files + "/nothing.tar", "x")
            #expect(no.code == 125)
            expectOneLine(no, "nothing.tar")
        }
    }

    /// Equal layers and equal files are stored once.
    @Test(.needs(.swiftpod), arguments: Account.all) func nothingTwice(_ account: Account) throws {
        try Pod.with(account, "large") { pod in
            let before = pod.storeSize()
            #expect(pod("run", "--rm", "--network=none", "localhost/large:latest", "true").ok)
            try pod.load(["large"])
            try pod.load(["tiny", "many"])
            let after = pod.storeSize()
            #expect(after - before < 6 << 20, "grew by \(after - before)")
        }
    }
}

extension Pod {
    /// Where images and containers are kept.
    var store: String {
        let name = Machine.isPodman ? "containers/storage" : "swiftpod"
        return account.isRoot ? directory + "/data" : directory + "/home/.local/share/" + name
    }

    /// Bytes that the store takes on the disk.
    func storeSize() -> Int {
        Int(Machine.tool("du", "-s", "-B1", store).out.split(separator: "\t").first ?? "") ?? 0
    }
}
