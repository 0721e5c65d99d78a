import Foundation
import Launch
import LinuxKernel
import OCISpec
import Testing

@Suite struct MountTests {
    private func bind(_ source: String, _ destination: String, _ options: [String]) -> RuntimeSpec.Mount {
        .init(destination: destination, type: "bind", source: source, options: options)
    }

    @Test(arguments: Privilege.available) func aReadOnlyBindRefusesWrites(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        let source = try fixture.host("data")
        chmod(source, 0o777)
        fixture.spec.mounts += [bind(source, "/ro", ["rbind", "ro"]), bind(source, "/rw", ["rbind", "rw"])]
        let outcome = try fixture.run("echo one > /rw/x; echo two > /ro/x; cat /ro/x")
        #expect(outcome.output == "one\n")
        #expect(outcome.error.contains("/ro/x: Read-only file system"))
        #expect(try File.read(source + "/x") == Array("one\n".utf8))
    }

    @Test(arguments: Privilege.available) func mountPointsAreMadeOfTheRightKind(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        let file = try fixture.host("file", "content")
        let directory = try fixture.host("directory")
        fixture.spec.mounts += [
            bind(file, "/new/place/file", ["bind", "ro"]), bind(directory, "/other/place", ["bind"]),
            bind(file, "/other/place2/..//./three", ["bind"]),
        ]
        let outcome = try fixture.run("cat /new/place/file; ls -d /other/place; cat /other/three")
        #expect(outcome == Outcome(status: .exited(0), output: "content/other/place\ncontent", error: ""))
        #expect(try FileStatus(fixture.upper("new/place/file")).kind == .regular)
        #expect(try FileStatus(fixture.upper("other/place")).kind == .directory)
    }

    @Test(arguments: Privilege.available) func linksInTheRootStayInTheRoot(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        let file = try fixture.host("file", "content")
        let outside = try fixture.host("outside")
        let lower = "\(fixture.path)/lower"
        for (name, target) in [
            ("up", "../../../../../../../.."), ("absolute", outside), ("loop", "loop"), ("chain", "up/absolute"),
        ] { symlink(target, "\(lower)/\(name)") }
        fixture.spec.mounts += [
            bind(file, "/absolute/a", ["bind"]), bind(file, "/up/b", ["bind"]), bind(file, "/chain/c", ["bind"]),
        ]
        let outcome = try fixture.run("cat /b \(outside)/a \(outside)/c")
        #expect(outcome == Outcome(status: .exited(0), output: "contentcontentcontent", error: ""))
        #expect(try LinuxKernel.Directory.entries(at: outside).isEmpty)
        fixture.spec.mounts.append(bind(file, "/loop/d", ["bind"]))
        #expect(throws: LaunchError(step: "mount on /loop/d", errno: ELOOP)) { _ = try fixture.run("true") }
    }

    @Test(arguments: Privilege.available) func flagsHold(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        let source = try fixture.host("programs")
        link("\(fixture.path)/lower/bin/busybox", source + "/echo")
        fixture.spec.mounts += [
            bind(source, "/yes", ["bind"]), bind(source, "/no", ["bind", "noexec", "nosuid", "nodev", "noatime"]),
            bind(source, "/recursive", ["rbind", "rnoexec", "rro"]),
        ]
        let outcome = try fixture.run("/yes/echo runs; /no/echo runs; /recursive/echo runs; mount")
        #expect(outcome.lines.filter { $0 == "runs" }.count == 1)
        #expect(outcome.error.contains("/no/echo: Permission denied"))
        #expect(outcome.error.contains("/recursive/echo: Permission denied"))
        let flags = outcome.lines.first { $0.contains(" on /no ") } ?? ""
        for word in ["nosuid", "nodev", "noexec"] { #expect(flags.contains(word)) }
        #expect(outcome.lines.first { $0.contains(" on /recursive ") }?.contains("(ro,") ?? false)
    }

    @Test(arguments: Privilege.available) func tmpfsHasItsParametersAndCopiesUp(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        let lower = "\(fixture.path)/lower/full"
        try LinuxKernel.Directory.create(lower + "/deep/er")
        symlink("file", lower + "/link")
        chmod(lower + "/deep", 0o750)
        chmod(lower, 0o711)
        fixture.give(lower)
        fixture.linux.maskedPaths = []
        fixture.spec.mounts += [
            .init(destination: "/small", type: "tmpfs", source: "tmpfs", options: ["size=64k", "mode=1770", "noexec"]),
            .init(destination: "/full", type: "tmpfs", source: "tmpfs", options: ["rprivate", "nosuid", "tmpcopyup"]),
            .init(destination: "/etc", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup", "ro"]),
        ]
        let outcome = try fixture.run(
            """
            stat -c %a /small /full /full/deep; cat /full/file; echo; readlink /full/link
            echo x > /full/deep/er/x && echo writable; echo > /etc/x; cat /etc/text
            cat /dev/zero > /small/zero
            """)
        #expect(outcome.lines == ["1770", "711", "750", "hello", "file", "writable", "not a program"])
        #expect(outcome.error.contains("/etc/x: Read-only file system"))
        #expect(outcome.error.contains("No space left"))
        #expect(try LinuxKernel.Directory.entries(at: lower + "/deep/er").isEmpty)
    }

    @Test(arguments: Privilege.available) func propagationIsAsAskedFor(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        let source = try fixture.host("data")
        fixture.spec.mounts += [
            bind(source, "/private", ["rbind", "rprivate"]), bind(source, "/slave", ["rbind", "rslave"]),
            bind(source, "/shared", ["rbind", "rshared"]), bind(source, "/default", ["bind"]),
        ]
        let outcome = try fixture.run("cat /proc/self/mountinfo")
        func tags(_ path: String) -> String {
            let fields = outcome.lines.first { $0.contains(" \(path) ") }?.split(separator: " ") ?? []
            return fields.dropFirst(6).prefix { $0 != "-" }.joined(separator: " ")
        }
        #expect(!tags("/private").contains("shared") && !tags("/private").contains("master"))
        #expect(!tags("/default").contains("shared") && !tags("/default").contains("master"))
        #expect(tags("/shared").contains("shared"))
        #expect(!tags("/slave").contains("shared"))
    }

    @Test(arguments: Privilege.available) func theHostsNetworkMeansTheHostsSys(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        fixture.linux.namespaces.removeAll { $0.type == .network }
        let outcome = try fixture.run("ls -d /sys/class/net; echo > /sys/x; mount")
        #expect(outcome.lines.first == "/sys/class/net")
        #expect(outcome.lines.first { $0.contains(" on /sys ") }?.contains("(ro,nosuid,nodev,noexec") ?? false)
    }

    @Test(arguments: Privilege.available) func cgroupsAreMountedOrTheHostsStandIn(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        fixture.spec.mounts.append(
            .init(destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro", "nosuid"]))
        let outcome = try fixture.run("mount")
        #expect(outcome.status == .exited(0))
        #expect(outcome.lines.contains { $0.contains(" on /sys/fs/cgroup type cgroup2 (ro,nosuid") })
    }

    @Test(arguments: Privilege.available) func failuresNameTheStepAndLeaveNothing(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        let base = fixture.spec.mounts
        for (mount, error) in [
            (bind("/nowhere/at/all", "/x", ["bind"]), LaunchError(step: "take /nowhere/at/all", errno: ENOENT)),
            (
                .init(destination: "/x", type: "nosuchfs", source: nil),
                LaunchError(step: "mount nosuchfs on /x", errno: ENODEV)
            ),
            (
                .init(destination: "/x", type: "tmpfs", source: nil, options: ["nosuchoption=1"]),
                LaunchError(
                    step: "mount tmpfs on /x", errno: EINVAL, detail: "tmpfs: Unknown parameter 'nosuchoption'")
            ),
            (
                bind(try fixture.host("some"), "/etc/text/below", ["bind"]),
                LaunchError(step: "mount on /etc/text/below", errno: ENOTDIR)
            ),
        ] {
            fixture.spec.mounts = base + [mount]
            #expect(throws: error) { _ = try fixture.run("true") }
        }
    }
}
