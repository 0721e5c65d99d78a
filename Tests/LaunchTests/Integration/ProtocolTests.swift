import Foundation
import Launch
import LinuxKernel
import OCISpec
import Testing

/// What happens between the launcher and the child, and between a container and who joins it.
@Suite struct ProtocolTests {
    private struct Refused: Error, Equatable {}

    @Test(arguments: Privilege.available) func momentsComeInOrder(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        fixture.options.moments = [.created, .mounted, .starting]
        var moments: [LaunchMoment] = []
        let outcome = try fixture.run("echo ran") { moment, pid in
            moments.append(moment)
            #expect(ProcessIdentity(runningAs: pid) != nil)
            if moment == .created {
                let map = try IDMaps.read("uid_map", of: pid)
                #expect(!map.isEmpty)
            }
        }
        #expect(moments == [.created, .mounted, .starting])
        #expect(outcome.output == "ran\n")
    }

    @Test(arguments: LaunchMoment.allCases) func workThatFailsEndsTheChild(moment: LaunchMoment) throws {
        let fixture = try Fixture(Privilege.available[0])
        fixture.options.moments = [moment]
        var child: Int32 = 0
        #expect(throws: Refused()) {
            _ = try fixture.run("echo ran > /etc/ran") { _, pid in
                child = pid
                throw Refused()
            }
        }
        #expect(ProcessStat(pid: child) == nil)
        #expect(try FileStatus.ifPresent(fixture.upper("etc/ran")) == nil)
    }

    @Test(arguments: Privilege.available) func anotherProcessJoins(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        fixture.spec.hostname = "joined"
        let first = try launch(fixture.plan(["/bin/sleep", "100"]))
        defer { Fixture.end(first.pidfd.raw) }
        var kinds = fixture.linux.namespaces.reduce(into: NamespaceKinds()) { kinds, namespace in
            kinds.formUnion(
                NamespaceKinds.named.first { $0.file.hasPrefix(namespace.type.rawValue.prefix(3)) }?.kind ?? [])
        }
        kinds.formUnion(.mount)
        fixture.options.joined = [.init(kinds, descriptor: first.pidfd.raw)]
        var process = fixture.process
        process.args = ["sh", "-c", "cat /proc/sys/kernel/hostname; echo $$; ls /; cat /proc/1/cmdline; exit 3"]
        let outcome = try fixture.captured {
            try launch(LaunchPlan(exec: process, facts: HostFacts.gather(), options: fixture.options))
        }
        #expect(outcome.error == "")
        #expect(outcome.status == .exited(3))
        #expect(outcome.lines.first == "joined")
        #expect(outcome.lines.contains("full"))
        #expect(outcome.output.hasSuffix("/bin/sleep\u{0}100\u{0}"))
        (fixture.options.output, fixture.options.error) = (nil, nil)
        process.args = ["nothing"]
        // Often: what fails may do so before the launcher has been told that it is there.
        for _ in 0..<50 {
            let error = try #require(throws: LaunchError.self) {
                _ = try launch(LaunchPlan(exec: process, facts: HostFacts.gather(), options: fixture.options))
            }
            #expect(error.isCommandNotFound)
        }
        // One that nobody has reaped keeps the namespace's first process from ending now.
    }

    @Test(arguments: Privilege.available) func namespacesOfAnotherContainerAreShared(privilege: Privilege) throws {
        let first = try Fixture(privilege)
        first.spec.hostname = "first"
        let process = try launch(first.plan(["/bin/sleep", "100"]))
        defer { Fixture.end(process.pidfd.raw) }
        let second = try Fixture(privilege)
        second.linux.namespaces.removeAll { [.uts, .network].contains($0.type) }
        second.linux.namespaces += [.init(.uts, path: "/proc/\(process.pid)/ns/uts")]
        second.options.joined = [.init(.network, descriptor: process.pidfd.raw)]
        // An ordinary user has no rights over the other container's namespaces but from inside its user namespace.
        if privilege == .single {
            // It has no group 5 for terminals, which only its maker knows.
            for index in second.spec.mounts.indices { second.spec.mounts[index].options.removeAll { $0 == "gid=5" } }
            second.linux.namespaces.removeAll { $0.type == .user || $0.type == .uts }
            second.options.joined = [.init([.user, .network, .uts], descriptor: process.pidfd.raw)]
        }
        let outcome = try second.run("cat /proc/sys/kernel/hostname; readlink /proc/self/ns/net; echo $$")
        #expect(outcome.error == "")
        #expect(outcome.lines == ["first", try Namespaces.identity(of: process.pid, "net"), "1"])
    }

    @Test(arguments: Privilege.available) func aTerminalIsTheContainersOwn(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        fixture.process.terminal = true
        fixture.process.consoleSize = .init(height: 33, width: 77)
        let process = try launch(
            fixture.plan([
                "/bin/sh", "-c",
                "tty; busybox stty size; read line; echo got $line; [ -c /dev/console ] && echo console; exit 5",
            ]))
        let (_, pidfd, master) = process.release()
        defer {
            close(master)
            close(pidfd)
        }
        write(master, "typed\n", 6)
        let status = try ProcessDescriptor.wait(pidfd)
        var text = [UInt8](repeating: 0, count: 4096)
        let count = max(0, read(master, &text, text.count))
        let lines = String(decoding: text[..<count], as: UTF8.self).split(separator: "\r\n").map(String.init)
        #expect(status == .exited(5))
        #expect(
            lines == ["typed", "/dev/pts/0", "33 77", "got typed", "console"]
                || lines == ["/dev/pts/0", "33 77", "typed", "got typed", "console"]
                || lines == ["/dev/pts/0", "typed", "33 77", "got typed", "console"])
    }

    @Test(arguments: Privilege.available) func aPreparedCommandWaitsForItsStart(privilege: Privilege) throws {
        let fixture = try Fixture(privilege)
        let path = "\(fixture.path)/start"
        let listener = try #require(Listener(path))
        fixture.options.startSocket = listener.descriptor
        let outcome = try fixture.captured {
            let process = try launch(fixture.plan(["/bin/sh", "-c", "echo started"]))
            usleep(100_000)
            #expect(ProcessIdentity(runningAs: process.pid) != nil)
            try startPrepared(socket: path, command: "/bin/sh")
            return process
        }
        #expect(outcome == Outcome(status: .exited(0), output: "started\n", error: ""))
        let error = try #require(throws: LaunchError.self) { _ = try fixture.run(["/bin/nothing"]) }
        #expect(error.isCommandNotFound)
    }
}

/// A listening local socket.
private final class Listener {
    let descriptor: Int32

    init?(_ path: String) {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        if bound != 0 || listen(descriptor, 4) != 0 { return nil }
    }

    deinit {
        close(descriptor)
    }
}
