import Foundation
import Testing

/// Networks: none, the host's, one of its own by pasta, and published ports. Nothing leaves this machine.
@Suite struct NetworkTests {
    @Test(arguments: Account.all) func none(_ account: Account) throws {
        try Pod.with(account) { pod in
            let output = pod(
                "run", "--rm", "--network=none", Pod.tiny, "sh", "-c",
                "ls /sys/class/net; cat /sys/class/net/lo/operstate; ip -4 addr show lo | grep -c 127.0.0.1; ip route | wc -l"
            )
            #expect(output.lines.first == "lo" && output.lines.last == "0", "\(output)")
            #expect(output.lines.contains("1"), "lo is up: \(output)")
            #expect(pod("run", "--rm", "--network=moon", Pod.tiny, "true").code == 125)
        }
    }

    @Test(arguments: Account.all) func host(_ account: Account) throws {
        try Pod.with(account) { pod in
            let server = try Server(text: "from the host")
            let output = pod(
                "run", "--rm", "--network=host", Pod.tiny, "wget", "-q", "-O", "-", "http://127.0.0.1:\(server.port)/")
            #expect(output.text == "from the host", "\(output)")
            #expect(pod("run", "--rm", "--network=host", Pod.tiny, "hostname").text == RunNamespaceTests.hostname)
        }
    }

    @Test(.needs(.program("pasta")), arguments: accounts) func privateByDefault(_ account: Account) throws {
        try Pod.with(account) { pod in
            let output = pod(
                "run", "--rm", Pod.tiny, "sh", "-c",
                "readlink /proc/self/ns/net; ls /sys/class/net | grep -v '^lo$' | wc -l; ip route | grep -c default")
            #expect(output.ok && !output.out.contains(RunNamespaceTests.ours("net")), "\(output)")
            #expect(output.lines.dropFirst().first != "0", "an interface: \(output)")
            #expect(output.lines.last == "1", "a route: \(output)")
            let names = pod(
                "run", "--rm", "--hostname=me", Pod.tiny, "sh", "-c",
                "cat /etc/hosts; grep -c nameserver /etc/resolv.conf")
            #expect(names.out.contains("host.containers.internal"), "\(names)")
            #expect(names.out.firstMatch(of: /\d+\.\d+\.\d+\.\d+\s+me/) != nil, "\(names)")
        }
    }

    /// Root's own private network needs a bridge in podman; here it is pasta's too.
    static let accounts: [Account] = Machine.isPodman ? [.unprivileged] : Account.all

    @Test(.needs(.program("pasta")), arguments: accounts) func publishedPorts(_ account: Account) throws {
        try Pod.with(account) { pod in
            let (one, two) = (try freePort(), try freePort())
            let started = pod(
                "run", "-d", "--name=web", "-p", "127.0.0.1:\(one):8080", "--publish=127.0.0.1:\(two):9090/tcp",
                Pod.tiny, "sh", "-c",
                "httpd -p 8080 -h /etc; httpd -p 9090 -h /etc; echo ready; exec sleep 100")
            #expect(started.ok, "\(started)")
            #expect(eventually { pod("logs", "web").out.contains("ready") })
            for port in [one, two] {
                var got = Output()
                #expect(
                    eventually(seconds: 10) {
                        got = Machine.tool(
                            "busybox", "wget", "-q", "-O", "-", "http://127.0.0.1:\(port)/os-release", seconds: 10)
                        return got.out.hasPrefix("ID=tiny")
                    }, "\(got)")
            }
            let ports = pod("ps", "--format", "{{.Ports}}").text
            #expect(
                ports.contains("127.0.0.1:\(one)->8080/tcp") && ports.contains("127.0.0.1:\(two)->9090/tcp"), "\(ports)"
            )
            #expect(pod("rm", "-f", "-t", "0", "web").ok)
            #expect(
                eventually(seconds: 5) {
                    !Machine.tool("busybox", "wget", "-q", "-O", "-", "http://127.0.0.1:\(one)/os-release", seconds: 10)
                        .ok
                }, "the port is free again")
        }
    }

    @Test(.needs(.program("pasta")), arguments: accounts) func aPortInUse(_ account: Account) throws {
        try Pod.with(account) { pod in
            let server = try Server(text: "mine")
            let output = pod("run", "--rm", "-p", "127.0.0.1:\(server.port):80", Pod.tiny, "true")
            #expect(output.code != 0, "\(output)")
            expectOneLine(output, "\(server.port)")
            #expect(pod("ps", "-aq").text.isEmpty)
            #expect(pod("run", "--rm", "-p", "many:80", Pod.tiny, "true").code == 125)
            #expect(pod("run", "--rm", "-p", "70000:80", Pod.tiny, "true").code == 125)
        }
    }

    @Test(.needs(.program("pasta")), arguments: accounts) func portsOfTheHostsChoice(_ account: Account) throws {
        try Pod.with(account) { pod in
            let started = pod(
                "run", "-d", "--name=any", "-p", "127.0.0.1::8080", Pod.tiny, "sh", "-c",
                "httpd -p 8080 -h /etc; exec sleep 100")
            #expect(started.ok, "\(started)")
            let port = pod.inspect("any", "{{(index (index .NetworkSettings.Ports \"8080/tcp\") 0).HostPort}}")
            #expect(Int(port) != nil, "\(port)")
            #expect(
                eventually(seconds: 10) {
                    Machine.tool("busybox", "wget", "-q", "-O", "-", "http://127.0.0.1:\(port)/os-release", seconds: 10)
                        .ok
                })
        }
    }

    @Test(.needs(.program("slirp4netns")), arguments: accounts) func bySlirp4netns(_ account: Account) throws {
        try Pod.with(account) { pod in
            let port = try freePort()
            let started = pod(
                "run", "-d", "--name=s", "--network=slirp4netns", "-p", "127.0.0.1:\(port):8080", Pod.tiny, "sh", "-c",
                "httpd -p 8080 -h /etc; exec sleep 100")
            #expect(started.ok, "\(started)")
            #expect(
                eventually(seconds: 10) {
                    Machine.tool("busybox", "wget", "-q", "-O", "-", "http://127.0.0.1:\(port)/os-release", seconds: 10)
                        .ok
                })
            #expect(pod("exec", "s", "ip", "addr").out.contains("tap0"))
        }
    }

    /// With neither helper on the machine the error says what to install; with one of them it is used.
    @Test(.needs(.swiftpod), .needs(.root), arguments: Account.all) func withoutHelpers(_ account: Account) throws {
        try Pod.with(account) { pod in
            func run(hiding programs: String, _ words: String...) -> Output {
                var command = pod.command(words)
                let hide = "for p in \(programs); do test -e $p && mount --bind /dev/null $p; done; exec \"$@\""
                command.words = ["unshare", "-m", "sh", "-c", hide, "sh"] + command.words
                return command.run()
            }
            let neither = run(
                hiding: "/usr/bin/pasta /usr/bin/pasta.avx2 /usr/bin/slirp4netns", "run", "--rm", Pod.tiny, "true")
            #expect(neither.code == 125)
            expectOneLine(neither, "passt")
            let slirp = run(
                hiding: "/usr/bin/pasta /usr/bin/pasta.avx2", "run", "--rm", Pod.tiny, "ls", "/sys/class/net")
            #expect(slirp.out.contains("tap0"), "\(slirp)")
        }
    }
}

/// Answers every connection on loopback with one text.
final class Server: @unchecked Sendable {
    let port: UInt16
    private let listener: Int32

    init(text: String) throws {
        (listener, port) = try listen()
        let response = "HTTP/1.0 200 OK\r\nContent-Length: \(text.utf8.count + 1)\r\n\r\n\(text)\n"
        let listener = listener
        Thread.detachNewThread {
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                var buffer = [UInt8](repeating: 0, count: 4096)
                _ = Foundation.read(client, &buffer, buffer.count)
                _ = Array(response.utf8).withUnsafeBytes { Foundation.write(client, $0.baseAddress!, $0.count) }
                close(client)
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }
}

/// A socket that listens on a free port of loopback.
private func listen() throws -> (Int32, UInt16) {
    let s = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(s, $0, length) == 0 && Foundation.listen(s, 16) == 0 && getsockname(s, $0, &length) == 0
        }
    }
    guard bound else { throw Failure("listen: \(String(cString: strerror(errno)))") }
    return (s, UInt16(bigEndian: address.sin_port))
}

/// A port of loopback that nobody uses now.
func freePort() throws -> UInt16 {
    let (s, port) = try listen()
    close(s)
    return port
}
