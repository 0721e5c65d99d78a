import Foundation
import Testing

/// Which namespaces a container has, who its users are outside, and what it is called.
@Suite struct RunNamespaceTests {
    static let kinds = ["mnt", "pid", "ipc", "uts", "net", "cgroup"]

    @Test(arguments: Account.all) func ownByDefault(_ account: Account) throws {
        try Pod.with(account) { pod in
            let inside = pod.sh([], "for n in /proc/self/ns/*; do readlink $n; done")
            // As in podman, the control groups' namespace is the host's where version 1 is mounted.
            let unified = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0
            for kind in Self.kinds where kind != "cgroup" || unified {
                #expect(inside.out.contains(kind + ":["))
                #expect(!inside.out.contains(Self.ours(kind)), "\(kind) is its own: \(inside)")
            }
            #expect(inside.out.contains(Self.ours("user")) == account.isRoot, "\(inside)")
        }
    }

    @Test(arguments: Account.all) func ofTheHost(_ account: Account) throws {
        try Pod.with(account) { pod in
            for (kind, option) in [
                ("pid", "--pid=host"), ("ipc", "--ipc=host"), ("uts", "--uts=host"), ("net", "--network=host"),
                ("cgroup", "--cgroupns=host"),
            ] {
                if Machine.isPodman && (account.isRoot && kind == "pid" || kind == "ipc") { continue }
                let inside = pod("run", "--rm", option, Pod.tiny, "readlink", "/proc/self/ns/" + kind)
                #expect(inside.text == Self.ours(kind), "\(inside)")
            }
            if !Machine.isPodman {
                let all = pod(
                    "run", "--rm", "--pid=host", "--ipc=host", "--uts=host", "--network=host", Pod.tiny, "sh", "-c",
                    "kill -0 \(getpid()) 2>/dev/null || test -d /proc/\(getpid()) && hostname")
                #expect(all.text == Self.hostname, "\(all)")
            }
        }
    }

    @Test(arguments: Account.all) func ofAnotherContainer(_ account: Account) throws {
        try Pod.with(account) { pod in
            let id = try pod.background(["--name=first", "--hostname=first"])
            #expect(pod("exec", id, "touch", "/dev/shm/mark").ok)
            for kind in ["pid", "ipc", "net"] {
                if Machine.isPodman && account.isRoot && kind == "pid" { continue }
                let theirs = pod("exec", id, "readlink", "/proc/1/ns/" + kind).text
                let option = (kind == "net" ? "--network" : "--" + kind) + "=container:first"
                let joined = pod("run", "--rm", option, Pod.tiny, "readlink", "/proc/self/ns/" + kind)
                #expect(joined.text == theirs && !theirs.isEmpty, "\(joined), \(theirs)")
            }
            let seen = pod("run", "--rm", "--network=none", "--pid=container:first", Pod.tiny, "ps")
            #expect(
                Machine.isPodman && account.isRoot || seen.out.contains("sleep 0.1") || seen.out.contains("trap"),
                "\(seen)")
            let shm = pod("run", "--rm", "--network=none", "--ipc=container:first", Pod.tiny, "ls", "/dev/shm")
            #expect(shm.text == "mark", "\(shm)")
            #expect(pod("rm", "-f", "-t", "0", "first").ok)
            let gone = pod("run", "--rm", "--network=none", "--ipc=container:first", Pod.tiny, "true")
            #expect(gone.code == 125)
            expectOneLine(gone, "first")
        }
    }

    @Test(arguments: Account.all) func byPath(_ account: Account) throws {
        try Pod.with(account) { pod in
            let id = try pod.background()
            let pid = pod.hostPID(id)
            let theirs = pod("exec", id, "readlink", "/proc/1/ns/net").text
            let joined = pod(
                "run", "--rm", "--network=ns:/proc/\(pid)/ns/net", Pod.tiny, "readlink", "/proc/self/ns/net")
            #expect(joined.text == theirs, "\(joined)")
            let no = pod("run", "--rm", "--network=ns:/no/such/ns", Pod.tiny, "true")
            #expect(no.code != 0)
            expectOneLine(no, "/no/such/ns")
        }
    }

    static let names = [
        Row("a host name of its own", [], sh: "hostname", .matches("^[0-9a-f]{12}$")),
        Row(
            "given", ["--hostname=here.example"], sh: "hostname; cat /etc/hostname",
            .prints("here.example\nhere.example")),
        Row(
            "/etc/hostname is the container's", [], sh: "test \"$(cat /etc/hostname)\" = \"$(hostname)\" && echo same",
            .prints("same")),
        Row(
            "with the host's it cannot be set", ["--uts=host", "--hostname=x"], command: ["true"],
            .fails(125, "uts|hostname")),
        Row("hosts has localhost", [], sh: "grep -w localhost /etc/hosts", .matches("127.0.0.1")),
        Row(
            "hosts has more", ["--add-host=db:10.1.2.3", "--add-host=v6:fe80::1"], sh: "grep -E 'db|v6' /etc/hosts",
            .matches("10\\.1\\.2\\.3\\s+db\\nfe80::1\\s+v6")),
        Row("hosts is the image's", ["--no-hosts"], sh: "cat /etc/hosts 2>/dev/null; true", .prints("")),
        Row(
            "dns", ["--network=host", "--dns=192.0.2.7", "--dns-search=example.org", "--dns-option=ndots:3"],
            sh: "cat /etc/resolv.conf", .matches("(?s)search example.org.*nameserver 192.0.2.7.*options ndots:3")),
        Row("a malformed address", ["--add-host=db"], command: ["true"], .fails(125, "db|add-host")),
    ]

    @Test(arguments: Account.all) func names(_ account: Account) throws {
        try Pod.with(account) { pod in Row.check(Self.names, pod) }
    }

    static let users = [
        Row("everything is mapped", [], sh: "awk '{n += $3} END {print n}' /proc/self/uid_map", .prints("65537")),
        Row("root is the caller", [], sh: "awk 'NR == 1 {print $1}' /proc/self/uid_map", .prints("0")),
        Row("keep-id", ["--userns=keep-id"], sh: "id -u; id -g", .prints("{uid}\n{gid}")),
        Row(
            "keep-id maps the rest too", ["--userns=keep-id", "--user=0"],
            sh: "id -u; awk '{n += $3} END {print n}' /proc/self/uid_map",
            .prints("0\n65537")),
        Row("keep-id adds the user", ["--userns=keep-id"], sh: "id -un; echo $HOME", .matches("^{user}\n/")),
        Row(
            "root's files are root's in keep-id", ["--userns=keep-id"], sh: "stat -c %u:%g /etc/passwd /home/app",
            .prints("0:0\n1000:1000")),
        Row(
            "the image can be written in keep-id", ["--userns=keep-id", "--user=0"],
            sh: "echo x >> /etc/passwd && echo ok", .prints("ok")),
        Row("keep-id as another", ["--userns=keep-id:uid=200,gid=210"], sh: "id -u; id -g", .prints("200\n210"))
            .podmanDiffers("not in 4.3.1's keep-id without a user", as: []),
        Row("nomap", ["--userns=nomap"], sh: "awk '{print $1}' /proc/self/uid_map | head -n 1; id -u", .prints("0\n0")),
        Row("host", ["--userns=host"], sh: "id -u", .prints("0")),
        Row(
            "own maps", ["--uidmap=0:1:100", "--uidmap=100:0:1", "--gidmap=0:1:200"],
            sh: "awk '{print $1, $3}' /proc/self/uid_map; awk '{print $1, $3}' /proc/self/gid_map",
            .prints("0 100\n100 1\n0 200")),
        Row("beyond the range", ["--uidmap=0:900000:10"], command: ["true"], .fails(125, "uidmap|900000|map|range"))
            .podmanDiffers("code 126 of newuidmap"),
        Row("keep-groups", ["--group-add=keep-groups"], command: ["true"], .exits(0)),
    ]

    @Test(arguments: Account.unprivilegedOnly) func usersOfTheUnprivileged(_ account: Account) throws {
        try Pod.with(account) { pod in Row.check(Self.users, pod) }
    }

    static let usersOfRoot = [
        Row(
            "no user namespace", [], sh: "cat /proc/self/uid_map | awk '{print $1, $2, $3}'", .prints("0 0 4294967295")),
        Row(
            "own maps", ["--uidmap=0:200000:1000", "--gidmap=0:300000:1000"],
            sh:
                "awk '{print $1, $2, $3}' /proc/self/uid_map /proc/self/gid_map; stat -c %u /etc/passwd; echo x > /new; stat -c %u /new",
            .prints("0 200000 1000\n0 300000 1000\n0\n0")),
        Row("nomap needs a range", ["--userns=nomap"], command: ["true"], .fails(125, "nomap|rootless")),
        Row(
            "keep-id keeps every id", ["--userns=keep-id"],
            sh:
                "id -u; awk '{print $1, $2, $3}' /proc/self/uid_map; readlink /proc/self/ns/user; stat -c %u:%g /home/app",
            .matches("^0\n0 0 4294967295\nuser:\\[(?!4026531837)[0-9]+\\]\n1000:1000$")
        )
        .podmanDiffers("refused up to 4.3"),
        Row("keep-id as another", ["--userns=keep-id:uid=200,gid=210"], sh: "id -u; id -g", .matches("^200\n210$"))
            .podmanDiffers("refused up to 4.3"),
    ]

    @Test(.needs(.root)) func usersOfTheRealRoot() throws {
        try Pod.with(.root) { pod in Row.check(Self.usersOfRoot, pod) }
    }

    /// A file made by the container's root belongs to the caller, one made by another of its users to the range.
    @Test(arguments: Account.unprivilegedOnly) func ownersOutside(_ account: Account) throws {
        try Pod.with(account) { pod in
            let directory = pod.makeDirectory("shared", mode: 0o777)
            let made = pod.sh(
                ["-v", "\(directory):/d"],
                "touch /d/root; setpriv --reuid=33 touch /d/svc 2>/dev/null || su svc -c 'touch /d/svc'")
            #expect(made.ok, "\(made)")
            #expect(Self.owner(directory + "/root") == account.uid)
            if let range = account.range { #expect(Self.owner(directory + "/svc") == uid_t(range.first + 32)) }
            let kept = pod.sh(
                ["--userns=keep-id", "-v", "\(directory):/d"], "touch /d/kept; stat -c %u /d/kept /d/root")
            #expect(kept.text == "\(account.uid)\n\(account.uid)", "\(kept)")
            #expect(Self.owner(directory + "/kept") == account.uid)
        }
    }

    /// Two containers of `auto` share no id.
    @Test(arguments: Account.unprivilegedOnly) func automaticRanges(_ account: Account) throws {
        try Pod.with(account) { pod in
            let first = try pod.background(["--userns=auto:size=2000"])
            let second = try pod.background(["--userns=auto:size=3000"])
            var taken: [Range<Int>] = []
            for (id, size) in [(first, 2000), (second, 3000)] {
                let map = pod("exec", id, "cat", "/proc/self/uid_map").text.split(separator: " ").compactMap { Int($0) }
                guard map.count == 3 else {
                    Issue.record("\(map)")
                    continue
                }
                #expect(map[0] == 0 && map[2] == size, "\(map)")
                let range = map[1]..<map[1] + map[2]
                #expect(taken.allSatisfy { !$0.overlaps(range) }, "\(taken), \(range)")
                taken.append(range)
            }
        }
    }

    /// Files of the caller's other groups stay within reach.
    @Test(.needs(.root)) func keptGroups() throws {
        let account = Account.unprivileged
        try Pod.with(account) { pod in
            let path = pod.write("group", "for the group\n", mode: 0o640)
            chown(path, 0, 54321)
            let words = [
                "run", "--rm", "--network=none", "--group-add=keep-groups", "-v", "\(path):/g", Pod.tiny, "cat", "/g",
            ]
            var command = pod.command(words)
            command.words =
                ["/usr/bin/setpriv", "--reuid", account.login, "--regid", "\(account.gid)", "--groups", "54321", "--"]
                + command.words.drop { $0 != "--" }.dropFirst()
            let output = command.run()
            #expect(output.text == "for the group", "\(output)")
        }
    }

    static func ours(_ kind: String) -> String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/" + kind)) ?? "?"
    }

    static func owner(_ path: String) -> uid_t? {
        var s = stat()
        return lstat(path, &s) == 0 ? s.st_uid : nil
    }

    static var hostname: String {
        (try? String(contentsOfFile: "/proc/sys/kernel/hostname", encoding: .utf8))?
            .trimmingCharacters(in: .whitespacesAndNewlines) ?? "?"
    }
}
