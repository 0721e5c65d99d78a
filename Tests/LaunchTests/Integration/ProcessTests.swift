import Foundation
import Launch
import LinuxKernel
import OCISpec
import Synchronization
import Testing

@Suite struct ProcessTests {
    private func status(_ outcome: Outcome, _ name: String) -> String? {
        outcome.lines.first { $0.hasPrefix("\(name):") }?.split(separator: "\t").dropFirst().joined(separator: " ")
            .trimmingCharacters(in: .whitespaces)
    }

    @Test(arguments: Privilege.available) func hasExactlyTheCapabilitiesAskedFor(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        let outcome = try fixture.run(["/bin/cat", "/proc/self/status"])
        for set in ["CapPrm", "CapEff", "CapBnd"] { #expect(status(outcome, set) == "00000000000000e3") }
        for set in ["CapInh", "CapAmb"] { #expect(status(outcome, set) == "0000000000000000") }
        #expect(status(outcome, "NoNewPrivs") == "0")
        #expect(status(outcome, "SigBlk") == "0000000000000000")
        #expect(status(outcome, "SigIgn") == "0000000000000000")
    }

    @Test(arguments: Privilege.available.filter(\.hasUsers)) func anotherUserHasAmbientOnesOnly(privilege: Privilege)
        throws
    {
        let fixture = try Fixture(privilege)
        fixture.process.user = .init(uid: 1000, gid: 1001, umask: 0o027, additionalGids: [5, 44])
        fixture.process.cwd = "/made/on/demand"
        fixture.process.capabilities?.inheritable = ["CAP_KILL"]
        fixture.process.capabilities?.ambient = ["CAP_KILL"]
        fixture.process.capabilities?.permitted = ["CAP_KILL"]
        fixture.process.capabilities?.effective = ["CAP_KILL"]
        let outcome = try fixture.run(
            "cat /proc/self/status; id -G; touch x; stat -c %u:%g:%a . x; echo again > /dev/stdout")
        #expect(outcome.error == "")
        #expect(status(outcome, "Uid") == "1000 1000 1000 1000")
        #expect(status(outcome, "Gid") == "1001 1001 1001 1001")
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] { #expect(status(outcome, set) == "0000000000000020") }
        #expect(status(outcome, "CapBnd") == "00000000000000e3")
        #expect(Array(outcome.lines.suffix(4)) == ["1001 5 44", "1000:1001:755", "1000:1001:640", "again"])
    }

    @Test(arguments: Privilege.available, [true, false])
    func aFilterIsLoadedWithAndWithoutNewPrivileges(privilege: Privilege, noNewPrivileges: Bool) throws {
        let fixture = try Fixture(privilege)
        var filter = try SeccompFilter(defaultAction: .allow)
        for call in ["mkdir", "mkdirat"] { try filter.add(.errno(UInt16(ENOTTY)), call: call) }
        fixture.options.seccompFilter = try filter.program()
        fixture.process.noNewPrivileges = noNewPrivileges
        let outcome = try fixture.run("busybox mkdir /tmp/x; cat /proc/self/status")
        #expect(outcome.error.contains("Not a tty") || outcome.error.contains("Inappropriate ioctl"))
        #expect(status(outcome, "Seccomp") == "2")
        #expect(status(outcome, "NoNewPrivs") == (noNewPrivileges ? "1" : "0"))
    }

    @Test(arguments: Privilege.available) func limitsUmaskAndScoreAreSet(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        fixture.process.rlimits = [.init(type: "RLIMIT_NOFILE", soft: 100, hard: 200)]
        fixture.process.user.umask = 0o077
        fixture.process.oomScoreAdj = 500
        let outcome = try fixture.run("ulimit -n; ulimit -Hn; umask; cat /proc/self/oom_score_adj")
        #expect(outcome.lines == ["100", "200", "0077", "500"])
        fixture.process.rlimits = [.init(type: "RLIMIT_NOTHING", soft: 1, hard: 1)]
        #expect(throws: PlanError("unknown resource limit RLIMIT_NOTHING")) { _ = try fixture.run("true") }
    }

    @Test(arguments: [
        (["/bin/nothing"], true), (["nothing"], true), (["/etc/text/below"], true), (["/etc/text"], false),
        (["/etc"], false), (["text"], false),
    ])
    func saysWhyACommandDoesNotStart(command: [String], isMissing: Bool) throws {
        let fixture = try Fixture(Privilege.available[0])
        fixture.process.env = ["PATH=/nowhere:/etc:/bin"]
        let error = try #require(throws: LaunchError.self) { _ = try fixture.run(command) }
        #expect(error.isCommandNotFound == isMissing)
        #expect(error.isCannotInvoke == !isMissing)
        #expect(error.step == "execute \(command[0])")
    }

    @Test func findsACommandBehindOneThatIsNotExecutable() throws {
        let fixture = try Fixture(Privilege.available[0])
        try File.writeAtomically([], to: "\(fixture.path)/lower/etc/echo", mode: 0o644)
        fixture.process.env = ["PATH=/etc:/bin"]
        #expect(try fixture.run(["echo", "found"]).output == "found\n")
    }

    @Test(arguments: Privilege.available) func aWorkingDirectoryOutsideIsRefused(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        // CVE-2024-21626: a descriptor of the host that the launcher happens to have open.
        let leak = open("/tmp", O_RDONLY | O_DIRECTORY)
        defer { close(leak) }
        fixture.process.cwd = "/proc/self/fd/\(leak)"
        #expect(throws: LaunchError(step: "change directory (chdir) to /proc/self/fd/\(leak)", errno: EXDEV)) {
            _ = try fixture.run("ls")
        }
    }

    @Test(arguments: Privilege.available) func descriptorsArePreservedOrClosed(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        let leak = open("/etc/passwd", O_RDONLY)
        defer { close(leak) }
        #expect(try fixture.run("ls /proc/self/fd").lines == ["0", "1", "2", "3"])
    }

    @Test(arguments: Privilege.available) func dispositionsAreTheDefaults(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        let before = signal(SIGPIPE, SIG_IGN)
        defer { signal(SIGPIPE, before) }
        let outcome = try fixture.run(["/bin/cat", "/proc/self/status"])
        #expect(status(outcome, "SigIgn") == "0000000000000000")
        #expect(status(outcome, "SigCgt") == "0000000000000000")
    }

    @Test(arguments: Privilege.available) func theReaperReapsAndForwards(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        fixture.options.reaper = true
        let outcome = try fixture.run(
            """
            echo $$; (sleep 0.1 & ) ; sleep 0.4; ls -d /proc/[0-9]* | wc -l; cat /proc/1/environ; exit 7
            """)
        #expect(outcome.status == .exited(7))
        // The shell, ls, wc and the reaper, but no zombie of the orphan.
        #expect(outcome.lines == ["2", "4"])
        #expect(outcome.error.contains("/proc/1/environ"))
        let killed = try fixture.captured {
            let process = try launch(
                fixture.plan([
                    "/bin/sh", "-c", "trap 'exit 9' TERM; echo > /ready; while :; do sleep 0.05; done",
                ]))
            for _ in 0..<2000 where access(fixture.upper("ready"), F_OK) != 0 { usleep(5000) }
            try ProcessDescriptor.signal(process.pidfd.raw, SIGTERM)
            return process
        }
        #expect(killed.status == .exited(9))
    }

    @Test(arguments: Privilege.available) func theContainerDiesWithItsLauncher(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        fixture.options.parentDeathSignal = SIGKILL
        let plan = try fixture.plan(["/bin/sleep", "100"])
        // The kernel's "parent" is the thread that cloned.
        let launched = Mutex<Int32>(0)
        let end = DispatchSemaphore(value: 0)
        let thread = Thread {
            if let pidfd = try? launch(plan).release().pidfd { launched.withLock { $0 = pidfd } }
            end.signal()
        }
        thread.start()
        end.wait()
        let pidfd = OwnedDescriptor(adopting: launched.withLock { $0 })
        #expect(pidfd.raw > 0)
        #expect(try ProcessDescriptor.wait(pidfd.raw) == .signaled(SIGKILL))
    }
}
