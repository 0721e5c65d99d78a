import ContainerEngine
import OCISpec
import Testing

@Suite struct AccountTests {
    static let files = AccountFiles(passwd: Array(Fixture.passwd.utf8), group: Array(Fixture.group.utf8))

    @Test(arguments: [
        ("", "0:0 [] /root"), ("root", "0:0 [] /root"), ("app", "1000:1001 [50, 60] /home/app"),
        ("1000", "1000:1001 [50, 60] /home/app"), ("app:staff", "1000:50 [] /home/app"),
        ("web:7", "33:7 [] /var/www"), ("5:6", "5:6 [] -"), ("4242", "4242:0 [] -"), (":staff", "0:50 [] /root"),
        ("0:0", "0:0 [] /root"), ("007", "7:0 [] -"),
    ])
    func lookUp(_ word: String, _ expected: String) throws {
        let user = try ContainerUser(word, in: Self.files)
        #expect("\(user.uid):\(user.gid) \(user.groups) \(user.home ?? "-")" == expected)
    }

    @Test func numbersAreNumbersEvenAsNames() throws {
        let odd = AccountFiles(
            passwd: Array("1000:x:7:8::/seven:/bin/sh\napp:x:1000:9::/app:/bin/sh\n".utf8), group: [])
        #expect(try ContainerUser("1000", in: odd).gid == 9)
    }

    @Test func brokenLinesAreSkipped() throws {
        let text = "# comment\n\n:::\nx:y\nbad:x:one:2::/:\n\u{FFFD}ok:x:12:13:g:/h:/s\nlast:x:14:15"
        let files = AccountFiles(passwd: Array(text.utf8), group: Array("a:x:\nb:x:3:\nc:x:4:u,,v\n".utf8))
        #expect(files.users.map(\.uid) == [12, 14])
        #expect(files.groups.map(\.gid) == [3, 4])
        #expect(files.groups.last?.members == ["u", "v"])
        #expect(files.idCount == 16)
    }

    private func additions(
        _ user: String, addsCaller: Bool = false, mounts: [String] = []
    ) throws -> AccountAdditions {
        var context = AccountAdditions.Context(user: user, workingDirectory: "/work")
        context.addsCaller = addsCaller
        context.mountPoints = mounts
        return AccountAdditions(
            context, resolved: try ContainerUser(user, in: Self.files), caller: Fixture.rootless, files: Self.files)
    }

    @Test func keepIDAddsTheCaller() throws {
        let lines = try additions("1001:1001", addsCaller: true)
        #expect(lines.passwd == "tester:*:1001:1001:Tess Ter:/work:/bin/sh\n")
        // The image has a group of that number.
        #expect(lines.group == "")
        #expect(lines.home == "/work")
    }

    @Test func homeIsTheCallersWhereItIsMounted() throws {
        #expect(try additions("1001:1001", addsCaller: true, mounts: ["/home"]).home == "/home/tester")
        #expect(try additions("1001:1001", addsCaller: true, mounts: ["/home/tester"]).home == "/home/tester")
        #expect(try additions("1001:1001", addsCaller: true, mounts: ["/home/test"]).home == "/work")
    }

    @Test func numbersWithoutEntryGetOne() throws {
        let lines = try additions("4242")
        #expect(lines.passwd == "4242:*:4242:0:container user:/work:/bin/sh\n")
        #expect(lines.group == "4242:x:4242:4242\n")
        let both = try additions("4242:4343")
        #expect(both.passwd == "4242:*:4242:4343:container user:/work:/bin/sh\n")
        #expect(both.group == "4343:x:4343:4242\n")
    }

    @Test(arguments: ["", "root", "app", "1000", "app:staff", "33:50"])
    func knownOnesDoNot(_ word: String) throws {
        let lines = try additions(word)
        #expect(lines.passwd == "" && lines.group == "")
    }

    /// In the container's layer, so that `useradd` can replace the file; mounted where that cannot be written.
    @Test func whereTheLinesGo() throws {
        let layered = try Fixture.build { $0.user = "4242" }
        #expect(layered.rootEntries.map(\.path) == ["/etc/passwd", "/etc/group"])
        #expect(!layered.runtime.mounts.contains { $0.destination == "/etc/passwd" })
        guard case .file(let bytes) = layered.rootEntries[0].content else {
            Issue.record("no file")
            return
        }
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == Fixture.passwd + "4242:*:4242:0:container user:/home/app:/bin/sh\n")

        let fixed = try Fixture.build {
            $0.user = "4242"
            $0.readOnlyRoot = true
        }
        #expect(fixed.rootEntries.isEmpty)
        #expect(fixed.runtime.mounts.contains { $0.destination == "/etc/passwd" && $0.options.contains("ro") })

        let mounted = try Fixture.build {
            $0.user = "4242"
            $0.mounts = [.init(kind: .bind("/etc"), destination: "/etc", options: ["ro"])]
        }
        #expect(mounted.rootEntries.isEmpty && !mounted.files.contains { $0.name == "files/passwd" })
    }
}
