import Foundation
import Testing

/// A real distribution: Debian's own root file system, by debootstrap, and package work inside it.
@Suite(.needs(.root), .needs(.program("debootstrap")), .serialized) struct DebianTests {
    static let name = "localhost/debian:latest"

    /// Made once for the machine.
    static let archive: Result<String, any Error> = Result {
        let path = Machine.cache + "/debian.tar"
        if access(path, R_OK) == 0 { return path }
        let script = URL(fileURLWithPath: Machine.images).deletingLastPathComponent().path + "/Machine/debian.sh"
        let made = Machine.tool(script, path, seconds: 900)
        guard made.ok else { throw Failure("\(made)") }
        return path
    }

    static func with(_ account: Account, _ body: (Pod) throws -> Void) throws {
        let archive = try archive.get()
        try Pod.with(account, "none") { pod in
            let loaded = pod("load", "-q", "-i", archive, seconds: 300)
            guard loaded.ok else { throw Failure("\(loaded)") }
            try body(pod)
        }
    }

    @Test(arguments: Account.all) func everyFile(_ account: Account) throws {
        let archive = try Self.archive.get()
        try Self.with(account) { pod in
            try TreeTests.compare(pod, archive: archive, name: Self.name, options: [])
        }
    }

    @Test(.needs(.swiftpod)) func everyFileOfAnotherMapping() throws {
        let archive = try Self.archive.get()
        try Self.with(.unprivileged) { pod in
            let plain = pod("run", "--rm", "--network=none", Self.name, "true")
            #expect(plain.ok, "\(plain)")
            let before = pod.storeSize()
            try TreeTests.compare(pod, archive: archive, name: Self.name, options: ["--userns=keep-id", "--user=0"])
            let grown = pod.storeSize() - before
            #expect(grown < 80 << 20, "inodes and small files, no second copy: \(grown >> 20) MiB")
        }
    }

    @Test(arguments: Account.all) func programs(_ account: Account) throws {
        try Self.with(account) { pod in
            func run(_ options: [String] = [], _ words: String...) -> Output {
                pod(["run", "--rm", "--network=none"] + options + [Self.name] + words)
            }
            #expect(run([], "cat", "/etc/os-release").out.contains("ID=debian"))
            #expect(run([], "perl", "-e", "print 6 * 7").text == "42")
            let sudo = run(
                ["--user=33"], "sh", "-c",
                "stat -c %a /usr/bin/passwd /bin/su; su -c true nobody < /dev/null 2>&1; id -un")
            #expect(sudo.out.hasPrefix("4755\n4755") && sudo.lines.last == "www-data", "\(sudo)")
            let setuid = run(
                ["--user=33"], "sh", "-c", "cp /usr/bin/id /tmp/id; /usr/bin/passwd -S 2>&1 | cut -d' ' -f1")
            #expect(setuid.ok, "\(setuid)")
            let capability = run(
                ["--user=33", "--cap-add=NET_RAW", "--sysctl=net.ipv4.ping_group_range=1 0"], "ping", "-c", "1", "-W",
                "2", "127.0.0.1")
            #expect(capability.ok, "a file's capabilities count: \(capability)")
            let getcap = run([], "getcap", "/bin/ping")
            #expect(getcap.text.hasSuffix("cap_net_raw=ep"), "\(getcap)")
            #expect(run([], "sh", "-c", "dpkg --verify; dpkg -l | grep -c ^ii").ok)
        }
    }

    /// Package work as the container's root: users of every kind own what is unpacked. No network is needed.
    @Test(arguments: Account.all) func packageWork(_ account: Account) throws {
        try Self.with(account) { pod in
            let script = """
                set -e
                mkdir -p /p/DEBIAN /p/usr/bin /p/var/lib/made
                printf 'Package: made\\nVersion: 1\\nArchitecture: all\\nMaintainer: t <t@example.org>\\nDescription: x\\n' > /p/DEBIAN/control
                printf '#!/bin/sh\\nset -e\\nadduser --system --group --quiet --no-create-home made || useradd -r made\\nchown made: /var/lib/made\\nchmod 2750 /var/lib/made\\n' > /p/DEBIAN/postinst
                chmod 755 /p/DEBIAN/postinst
                printf '#!/bin/sh\\necho made\\n' > /p/usr/bin/made; chmod 4755 /p/usr/bin/made
                dpkg-deb --root-owner-group -b /p /made.deb
                dpkg -i /made.deb
                made; stat -c '%U %a' /var/lib/made /usr/bin/made
                dpkg -r made; dpkg --purge made; ! test -e /usr/bin/made
                touch /x; chown 65534:65534 /x; chown www-data /x; rm -rf /usr/share/doc; mv /usr/share/man /m; ldconfig
                """
            let output = pod("run", "--rm", "--network=none", Self.name, "bash", "-c", script, seconds: 120)
            #expect(output.ok && output.out.contains("made\nmade 2750\nroot 4755"), "\(output)")
        }
    }

    /// `apt-get` from the machine's own mirror, as its root, in a private network.
    @Test(.needs(.program("pasta")), arguments: NetworkTests.accounts) func packagesFromAMirror(_ account: Account)
        throws
    {
        try Self.with(account) { pod in
            // Where the machine reaches its mirror by a proxy, or only from the host's network, that is said here.
            let network = Machine.variable("SWIFTPOD_TEST_APT_NETWORK") ?? "host"
            let output = pod(
                "run", "--rm", "--network=\(network)", Self.name, "bash", "-c",
                "apt-get -q update && apt-get -q install -y --no-install-recommends hello && hello", seconds: 300)
            #expect(output.ok && output.out.contains("Hello, world!"), "\(output)")
        }
    }

    @Test(.needs(.program("pasta")), arguments: NetworkTests.accounts) func datagrams(_ account: Account) throws {
        try Self.with(account) { pod in
            // The same number on both sides: answers to another one are lost in the pasta of early 2023, Debian 12's.
            let port = try freePort()
            let started = pod(
                "run", "-d", "--name=udp", "-p", "127.0.0.1:\(port):\(port)/udp", Self.name, "perl",
                "-MIO::Socket::INET",
                "-e",
                """
                $| = 1; my $s = IO::Socket::INET->new(LocalPort => \(port), Proto => "udp") or die; print "ready\\n";
                while ($s->recv(my $m, 100)) { print "got $m\\n"; $s->send("back $m") }
                """)
            #expect(started.ok, "\(started)")
            #expect(eventually { pod("logs", "udp").out.contains("ready") })
            let client = """
                use IO::Socket::INET; my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:\(port)", Proto => "udp");
                $s->send("datagram"); alarm 2; $s->recv(my $m, 100); print $m
                """
            #expect(
                eventually(seconds: 15) { Machine.tool("perl", "-e", client).out == "back datagram" },
                "\(pod("logs", "udp"))")
        }
    }
}
