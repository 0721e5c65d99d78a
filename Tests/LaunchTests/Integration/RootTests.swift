import Foundation
import Launch
import LinuxKernel
import OCISpec
import Testing

@Suite struct RootTests {
    @Test(arguments: Privilege.available) func runsACommandAsProcessOne(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        let outcome = try fixture.run("echo $$; id -u; cat /etc/text; ls /")
        #expect(outcome.error == "")
        #expect(outcome.status == .exited(0))
        #expect(outcome.lines == ["1", "0", "not a programbin", "dev", "etc", "full", "proc", "sys", "tmp"])
    }

    @Test(arguments: Privilege.available) func writesGoToTheUpperLayerAsTheContainersRoot(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        let outcome = try fixture.run("echo new > /etc/made && echo changed > /etc/text && stat -c %u:%a /etc/made")
        #expect(outcome == Outcome(status: .exited(0), output: "0:644\n", error: ""))
        #expect(try File.read(fixture.upper("etc/made")) == Array("new\n".utf8))
        #expect(try File.read("\(fixture.path)/lower/etc/text") == Array("not a program".utf8))
        let owner = privilege == .rootMapped ? 300_000 : privilege == .single ? getuid() : 0
        #expect(try FileStatus(fixture.upper("etc/made")).uid == owner)
    }

    @Test(.enabled(if: KernelVersion.running >= KernelVersion(6, 16)), arguments: Privilege.available)
    func readsFilesThroughTheirObjects(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        let object = try fixture.host("object-store")
        try LinuxKernel.Directory.create(object + "/aa")
        try File.writeAtomically("the content".utf8, to: object + "/aa/one", mode: 0o644)
        let stub = "\(fixture.path)/lower/stub"
        try File.writeAtomically([], to: stub, mode: 0o644)
        truncate(stub, 11)
        try ExtendedAttributes.set("user.overlay.metacopy", to: [], at: stub)
        try ExtendedAttributes.set("user.overlay.redirect", to: Array("/aa/one".utf8), at: stub)
        fixture.rootfs = .overlay(
            lower: "\(fixture.path)/lower", objects: object, upper: "\(fixture.path)/upper",
            work: "\(fixture.path)/work")
        let outcome = try fixture.run("cat /stub; echo; ls /aa")
        #expect(outcome.output == "the content\n")
        #expect(outcome.error.contains("No such file"))
    }

    @Test(arguments: Privilege.available) func layersMayHaveOddNamesAndClosedParents(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        let odd = try fixture.host("a:b,c=d\\ e")
        for name in ["lower", "upper", "work"] { rename("\(fixture.path)/\(name)", "\(odd)/\(name)") }
        chmod(odd, 0o700)
        fixture.rootfs = .overlay(lower: odd + "/lower", objects: nil, upper: odd + "/upper", work: odd + "/work")
        #expect(try fixture.run("cat /full/file; echo made > /tmp/x").status == .exited(0))
        #expect(try File.read(odd + "/upper/tmp/x") == Array("made\n".utf8))
    }

    @Test(arguments: Privilege.available) func aDirectoryIsUsedAsItIs(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        fixture.rootfs = .directory("\(fixture.path)/lower")
        #expect(try fixture.run("echo direct > /tmp/x; ls -d /dev/null").output == "/dev/null\n")
        #expect(try File.read("\(fixture.path)/lower/tmp/x") == Array("direct\n".utf8))
    }

    @Test(arguments: Privilege.available) func aReadOnlyRootRefusesWrites(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        fixture.spec.root = .init(path: "", readonly: true)
        let outcome = try fixture.run("echo > /etc/x; echo > /dev/shm/y && echo ok")
        #expect(outcome.output == "ok\n")
        #expect(outcome.error.contains("/etc/x: Read-only file system"))
    }

    @Test(arguments: Privilege.available) func maskedPathsAreEmpty(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        let outcome = try fixture.run("cat /proc/keys | wc -c; ls -A /full /proc/acpi /sys/firmware; echo > /full/x")
        #expect(outcome.lines.first == "0")
        #expect(!outcome.output.contains("file"))
        #expect(outcome.error.contains("/full/x: Read-only file system"))
        fixture.linux.maskedPaths = []
        #expect(try fixture.run("cat /full/file").output == "hello")
    }

    @Test(arguments: Privilege.available) func readOnlyPathsRefuseWrites(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        fixture.linux.readonlyPaths.append("/etc")
        let outcome = try fixture.run("echo x > /proc/sys/kernel/hostname; echo > /etc/x; echo > /tmp/x && echo ok")
        #expect(outcome.output == "ok\n")
        #expect(outcome.error.contains("/proc/sys/kernel/hostname: Read-only file system"))
        #expect(outcome.error.contains("/etc/x: Read-only file system"))
    }

    @Test(arguments: Privilege.available) func namesAndSysctlsAreTheContainersOwn(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        (fixture.spec.hostname, fixture.spec.domainname) = ("inside", "example.org")
        fixture.linux.sysctl = ["net.ipv4.ip_default_ttl": "77"]
        let outcome = try fixture.run(
            "cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname /proc/sys/net/ipv4/ip_default_ttl")
        #expect(outcome.lines == ["inside", "example.org", "77"])
        #expect(try File.read("/proc/sys/kernel/hostname") != Array("inside\n".utf8))
    }

    @Test(arguments: Privilege.available) func devicesWork(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        let outcome = try fixture.run(
            """
            echo gone > /dev/null; cat /dev/null; ls /dev; [ -c /dev/zero ] && echo node
            readlink /dev/ptmx; echo through > /dev/stdout
            """)
        #expect(outcome.error == "")
        #expect(outcome.lines.contains("node"))
        for name in [
            "fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr", "tty", "urandom", "zero",
        ] {
            #expect(outcome.lines.contains(name))
        }
        #expect(outcome.lines.contains("pts/ptmx"))
        #expect(outcome.lines.last == "through")
    }

    @Test(arguments: Privilege.available) func nothingOfTheHostIsLeft(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        let outcome = try fixture.run("cat /proc/self/mountinfo; ls /proc/self/fd | wc -l; cat /proc/net/dev")
        #expect(!outcome.output.contains(fixture.path))
        #expect(!outcome.output.contains("eth"))
        #expect(try fixture.run("busybox ip address show lo").output.contains("inet 127.0.0.1/8"))
        // 0, 1, 2 and the one that ls reads the directory by.
        #expect(outcome.lines.contains("4"))
    }
}
