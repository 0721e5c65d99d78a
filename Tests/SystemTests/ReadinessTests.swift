import Foundation
import Testing

/// What a service manager and a container have to say to each other: sd_notify(3), sd_listen_fds(3).
@Suite(.needs(.swiftpod), .needs(.program("busybox")), .needs(.program("python3"))) struct ReadinessTests {
    /// A bundle with the machine's Python in it, and a manager's socket that every user may write to.
    private struct Service {
        let bundle: RuntimeBundle
        let manager: Manager

        init(_ account: Account, _ script: String) throws {
            bundle = try RuntimeBundle(account, script)
            bundle.mountPython()
            manager = try Manager(bundle.directory + "/manager")
        }

        func command(_ words: String...) -> Command {
            var command = bundle.command(words)
            command.environment["NOTIFY_SOCKET"] = manager.path
            return command
        }

        /// The shell's words that send one message.
        static func say(_ message: String) -> String {
            "/usr/bin/python3 -c 'import os, socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)"
                + ".sendto(b\"\(message)\", os.environ[\"NOTIFY_SOCKET\"])'"
        }
    }

    @Test(arguments: Account.all) func aContainerInTheForegroundIsReady(_ account: Account) throws {
        let many = String(repeating: "; \(Service.say("WATCHDOG=1"))", count: 12)
        let service = try Service(account, "\(Service.say("STATUS=x\\nREADY=1"))\(many); ls -d \"$NOTIFY_SOCKET\"")
        let out = service.command("run", service.bundle.id).run()
        // More messages than a socket holds: they are read, and not passed on.
        #expect(out.ok && out.text == service.manager.path + "/notify", "\(out)")
        #expect(service.manager.messages() == ["READY=1"])
        #expect(service.bundle.isClean)
    }

    /// As a service of type notify is started: the manager is told whom to watch from then on.
    @Test(arguments: Account.all, [false, true]) func startWaitsUntilItIsReady(
        _ account: Account, _ isMapped: Bool
    ) throws {
        let wait = "while ! test -e /go/on; do sleep 0.05; done"
        let service = try Service(account, "\(wait); \(Service.say("READY=1")); exec sleep 1000")
        let bundle = service.bundle
        bundle.mount("/go", "bind", bundle.outside, ["bind"])
        if isMapped, account.userName == nil {
            var namespaces = (bundle.config["linux"] as? [String: Any])?["namespaces"] as? [[String: String]] ?? []
            namespaces.append(["type": "user"])
            let ids = [["containerID": 0, "hostID": 200_000, "size": 1000]]
            bundle.change("linux", ["namespaces": namespaces, "uidMappings": ids, "gidMappings": ids])
            Machine.tool("chown", "-R", "200000:200000", bundle.rootfs)
            chmod(bundle.directory, 0o755)
        }
        let files = "exec \"$@\" > \(bundle.directory)/out 2> \(bundle.directory)/err"
        var create = service.command("create", bundle.id)
        create.words = ["/bin/sh", "-c", files, "sh"] + create.words
        #expect(create.run().ok, "\((try? String(contentsOfFile: bundle.directory + "/err", encoding: .utf8)) ?? "")")
        let starting = try service.command("start", bundle.id).start()
        #expect(eventually { bundle.runtime("state", bundle.id).out.contains("\"running\"") })
        #expect(service.manager.messages(milliseconds: 300) == [] && starting.isRunning())
        try Data().write(to: URL(fileURLWithPath: bundle.outside + "/on"))
        #expect(starting.finish().ok)
        let state = try JSONSerialization.jsonObject(with: Data(bundle.runtime("state", bundle.id).out.utf8))
        let pid = try #require((state as? [String: Any])?["pid"] as? Int)
        #expect(service.manager.messages() == ["READY=1\nMAINPID=\(pid)"])
        #expect(bundle.runtime("delete", "--force", bundle.id).ok)
        #expect(bundle.isClean)
    }

    @Test(.needs(.root)) func oneThatEndsIsNotWaitedFor() throws {
        let service = try Service(.root, "sleep 1; exit 3")
        let detached = try service.command("run", "--detach", service.bundle.id).start().finish(seconds: 20)
        #expect(detached.ok && service.manager.messages(milliseconds: 100) == [], "\(detached)")
    }

    /// podman's conmon has a socket of its own for the container.
    @Test(.needs(.root)) func aSpecificationsOwnSocketStays() throws {
        let service = try Service(.root, "echo $NOTIFY_SOCKET")
        service.bundle.change("process", ["env": ["PATH=/bin", "NOTIFY_SOCKET=/run/own"]])
        #expect(service.command("run", service.bundle.id).run().text == "/run/own")
    }

    @Test(.needs(.root)) func aManagerThatIsGone() throws {
        let service = try Service(.root, Service.say("READY=1"))
        var command = service.command("run", service.bundle.id)
        command.environment["NOTIFY_SOCKET"] = "/run/no-such-manager"
        let out = command.run()
        #expect(out.ok && out.errorLines.count == 1, "\(out)")
        #expect(out.err.contains("connect /run/no-such-manager: no such file"), "\(out)")
    }

    @Test(arguments: Account.all) func socketsOfTheManagersArePassedOn(_ account: Account) throws {
        let bundle = try RuntimeBundle(account, "echo $LISTEN_FDS $LISTEN_PID $LISTEN_FDNAMES; cat <&3")
        let file = open(bundle.outside + "/file", O_RDONLY)
        defer { close(file) }
        var command = bundle.command(["run", bundle.id], descriptors: [3: file])
        command.environment["LISTEN_FDS"] = "1"
        command.environment["LISTEN_FDNAMES"] = "web"
        #expect(command.run().out == "1 1 web\nuntouched")
    }
}

/// Where a service manager listens.
private final class Manager: @unchecked Sendable {
    let path: String
    private let socket: Int32

    init(_ path: String) throws {
        self.path = path
        socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard path.utf8.count < capacity else { throw Failure("too long: \(path)") }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0, chmod(path, 0o666) == 0 else { throw Failure("bind \(path)") }
    }

    deinit { close(socket) }

    /// What has been said, until nothing more is for so long.
    func messages(milliseconds: Int32 = 20) -> [String] {
        var all: [String] = []
        var ready = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        while poll(&ready, 1, milliseconds) == 1 {
            var bytes = [UInt8](repeating: 0, count: 4096)
            let got = recv(socket, &bytes, bytes.count, 0)
            all.append(String(decoding: bytes.prefix(max(0, got)), as: UTF8.self))
        }
        return all
    }
}
