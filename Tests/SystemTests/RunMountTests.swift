import Foundation
import Testing

/// Volumes, bind mounts, tmpfs, read-only roots, and what is mounted without being asked for.
@Suite struct RunMountTests {
    static func options(_ path: String) -> String { "grep ' \(path) ' /proc/self/mounts | tail -n 1 | cut -d' ' -f4" }

    static let binds = [
        Row(
            "read and written", ["-v={files}/d:/d"], sh: "cat /d/seed && echo new > /d/new && cat /d/new",
            .prints("seed\nnew")),
        Row("long form", ["--volume", "{files}/d:/d:rw"], sh: "touch /d/rw && echo ok", .prints("ok")),
        Row("a single file", ["-v={files}/d/seed:/etc/seed"], sh: "cat /etc/seed", .prints("seed")),
        Row("relative", ["-v=./d:/d"], sh: "cat /d/seed", .prints("seed")),
        Row("read-only", ["-v={files}/d:/d:ro"], sh: "touch /d/x 2>&1 | grep -o 'Read-only'", .prints("Read-only")),
        Row("ro and z", ["-v={files}/d:/d:ro,z"], sh: "touch /d/x 2>/dev/null || echo no", .prints("no")),
        Row("Z alone", ["-v={files}/d:/d:Z"], sh: "touch /d/z && echo ok", .prints("ok")),
        Row("nested destination is made", ["-v={files}/d:/a/b/c"], sh: "cat /a/b/c/seed", .prints("seed")),
        Row(
            "one in another, in either order", ["-v={files}/d/seed:/x/y/seed2", "-v={files}/d:/x/y"], sh: "ls /x/y",
            .matches("seed2")),
        Row("over a symlink", ["-v={files}/d:/etc/link/d"], sh: "ls -d /etc/link/d", .exits(0)),
        Row("noexec", ["-v={files}/d:/d:noexec"], sh: "/d/script 2>/dev/null || echo refused", .prints("refused")),
        Row("exec", ["-v={files}/d:/d"], sh: "/d/script", .prints("ran")),
        Row("mount, bind", ["--mount=type=bind,source={files}/d,target=/d"], sh: "cat /d/seed", .prints("seed")),
        Row(
            "mount, src, dst, ro", ["--mount=type=bind,src={files}/d,dst=/d,ro"],
            sh: "touch /d/x 2>/dev/null || echo no", .prints("no")),
        Row(
            "mount, readonly=true", ["--mount=type=bind,src={files}/d,dst=/d,readonly=true"],
            sh: "touch /d/x 2>/dev/null || echo no", .prints("no")),
        Row(
            "mount, destination", ["--mount", "type=bind,source={files}/d,destination=/d,ro=false"],
            sh: "touch /d/m && echo ok", .prints("ok")),
        Row(
            "mount, tmpfs", ["--mount=type=tmpfs,destination=/t,tmpfs-size=1m,tmpfs-mode=1700"],
            sh: "stat -c %a /t; \(options("/t"))", .matches("1700\n.*size=1024k")),
        Row("mount, no type is known", ["--mount=type=cloud,target=/x"], command: ["true"], .fails(125, "cloud")),
        Row("mount, no target", ["--mount=type=bind,source=/"], command: ["true"], .fails(125, "target|destination")),
        Row("twice the same destination", ["-v={files}/d:/d", "-v={files}:/d"], command: ["true"], .fails(125, "/d")),
        Row("relative destination", ["-v={files}/d:d"], command: ["true"], .fails(125, "d")),
        Row(
            "private propagation", ["-v={files}/d:/d:private"], sh: "grep ' /d ' /proc/self/mountinfo",
            .lacks("shared:|master:")),
        Row("slave propagation", ["-v={files}/d:/d:rslave"], sh: "grep ' /d ' /proc/self/mountinfo", .exits(0)),
        Row(
            "U gives it to the container's user", ["-v={files}/u:/u:U", "--user=33"],
            sh: "stat -c %u /u /u/inner && touch /u/x && echo ok",
            .prints("33\n33\nok")),
    ]

    static let tmpfs = [
        Row("tmpfs", ["--tmpfs=/t"], sh: "stat -f -c %T /t; touch /t/x && echo ok", .prints("tmpfs\nok")),
        Row(
            "its defaults", ["--tmpfs=/t"], sh: "stat -c %a /t; \(options("/t"))",
            .matches("1777\n(?=.*nosuid)(?=.*nodev)")),
        Row("size", ["--tmpfs=/t:size=2m"], sh: options("/t"), .matches("size=2048k")),
        Row("mode, ro", ["--tmpfs=/t:ro,mode=700"], sh: "touch /t/x 2>/dev/null || stat -c %a /t", .prints("700")),
        Row("noexec", ["--tmpfs=/t:noexec"], sh: options("/t"), .matches("noexec")),
        Row("exec", ["--tmpfs=/t:exec,suid,dev"], sh: options("/t"), .lacks("noexec|nosuid|nodev")),
        Row("over what the image has there", ["--tmpfs=/var"], sh: "ls -A /var | wc -l", .matches("^[01]$")),
        Row("unknown option", ["--tmpfs=/t:soft"], command: ["true"], .fails(125, "soft")),
        Row("shm", [], sh: "df -k /dev/shm | awk 'END {print $2}'", .prints("64000")),
        Row("shm size", ["--shm-size=128m"], sh: "df -k /dev/shm | awk 'END {print $2}'", .prints("131072")),
        Row(
            "read-only", ["--read-only"],
            sh: "touch /x 2>/dev/null || echo no; touch /tmp/x /var/tmp/x /run/x /dev/shm/x && echo yes",
            .prints("no\nyes")),
        Row(
            "read-only without tmpfs", ["--read-only", "--read-only-tmpfs=false"],
            sh: "touch /tmp/x 2>/dev/null || echo no", .prints("no")),
        Row(
            "read-only with a volume", ["--read-only", "-v={files}/d:/d"], sh: "touch /d/ro && echo ok", .prints("ok")),
        Row("read-only keeps /etc/hosts", ["--read-only"], sh: "grep -c localhost /etc/hosts", .matches("^[1-9]")),
    ]

    static let volumes = [
        Row("a named volume keeps", ["-v=keep:/k"], sh: "echo kept > /k/f", .exits(0)),
        Row("what was written", ["-v=keep:/other"], sh: "cat /other/f", .prints("kept")),
        Row("read-only", ["-v=keep:/k:ro"], sh: "touch /k/x 2>/dev/null || cat /k/f", .prints("kept")),
        Row("by mount", ["--mount=type=volume,source=keep,target=/k"], sh: "cat /k/f", .prints("kept")),
        Row("the image's files are copied up", ["-v=home:/home"], sh: "stat -c %u:%a /home/app", .prints("1000:755")),
        Row("not twice", ["-v=home:/home"], sh: "rmdir /home/app; ls /home", .prints("")),
        Row("nocopy", ["-v=fresh:/home:nocopy"], sh: "ls /home", .prints("")),
        Row("anonymous", ["-v=/anon"], sh: "touch /anon/x && grep -c ' /anon ' /proc/self/mountinfo", .prints("1")),
        Row("a name that is none", ["-v=no/name:/x"], command: ["true"], .fails(125, "no/name|no such")),
    ]

    @Test(arguments: Account.all) func binds(_ account: Account) throws {
        try Pod.with(account) { pod in
            Self.prepare(pod)
            Row.check(Self.binds, pod)
            #expect(pod.read("d/new") == "new\n")
            #expect(RunNamespaceTests.owner(pod.files + "/d/new") == account.uid)
        }
    }

    @Test(arguments: Account.all) func tmpfsAndReadOnly(_ account: Account) throws {
        try Pod.with(account) { pod in
            Self.prepare(pod)
            Row.check(Self.tmpfs, pod)
        }
    }

    @Test(arguments: Account.all) func namedVolumes(_ account: Account) throws {
        try Pod.with(account) { pod in
            Row.check(Self.volumes, pod)
        }
    }

    private static func prepare(_ pod: Pod) {
        pod.makeDirectory("d", mode: 0o777)
        pod.write("d/seed", "seed\n")
        pod.write("d/script", "#!/bin/sh\necho ran\n", mode: 0o755)
        pod.makeDirectory("u")
        pod.write("u/inner", "")
    }

    static let given = [
        Row("proc is a new one", [], sh: "ls -d /proc/[0-9]* | wc -l", .matches("^[1-4]$")),
        Row("sys is read-only", [], sh: options("/sys"), .matches("(^|,)ro(,|$)")),
        Row("mqueue", [], sh: "grep -c ' /dev/mqueue mqueue' /proc/self/mounts", .prints("1")),
        Row("devpts", [], sh: options("/dev/pts"), .matches("ptmxmode=666")),
        Row(
            "the usual devices", [],
            sh: "for d in null zero full random urandom tty; do test -c /dev/$d || echo $d; done", .prints("")),
        Row(
            "they work", [], sh: "echo x > /dev/null; head -c 3 /dev/zero | wc -c; head -c 5 /dev/urandom | wc -c",
            .prints("3\n5")),
        Row(
            "links", [], sh: "for l in fd stdin stdout stderr ptmx; do readlink /dev/$l; done",
            .prints("/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\npts/ptmx")),
        Row(
            "no others", [], sh: "ls /dev | tr '\\n' ' '",
            .matches(
                "^(core )?(console )?fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero $")),
        Row("containerenv", [], sh: "test -e /run/.containerenv && echo there", .prints("there")),
        Row("cgroup", [], sh: "test -d /sys/fs/cgroup && echo there", .prints("there")),
        Row("resolv.conf", ["--network=host"], sh: "test -s /etc/resolv.conf && echo there", .prints("there")),
        Row("the root is an overlay", [], sh: "grep -c ' / overlay ' /proc/mounts", .prints("1")),
        Row("no way back", [], sh: "ls -a / | grep -i -E 'old|pivot|host'; true", .prints("")),
    ]

    @Test(arguments: Account.all) func givenWithoutAsking(_ account: Account) throws {
        try Pod.with(account) { pod in Row.check(Self.given, pod) }
    }

    /// `--rootfs`: a directory instead of an image, written in place.
    @Test(arguments: Account.all) func rootfsDirectory(_ account: Account) throws {
        try Pod.with(account, "none") { pod in
            let root = pod.makeDirectory("rootfs")
            for directory in ["bin", "proc", "sys", "dev", "etc", "tmp"] { pod.makeDirectory("rootfs/" + directory) }
            pod.tool("cp", "/bin/busybox", root + "/bin/sh")
            let output = pod(
                "run", "--rm", "--network=none", "--rootfs", root, "/bin/sh", "-c", "echo inside > /made; echo done")
            #expect(output.text == "done", "\(output)")
            #expect(pod.read("rootfs/made") == "inside\n")
            #expect(pod("run", "--rm", "--rootfs", pod.files + "/nothing", "/bin/sh").code != 0)
        }
    }

    /// What one container writes stays in it.
    @Test(arguments: Account.all) func layersAreNotShared(_ account: Account) throws {
        try Pod.with(account) { pod in
            #expect(pod.sh([], "echo changed > /etc/os-release; rm /etc/group; touch /new; rm -r /home").ok)
            let fresh = pod.sh(
                [], "cat /etc/os-release | head -n 1; test -e /etc/group && ls -d /home/app; ls /new 2>/dev/null; true")
            #expect(fresh.text == "ID=tiny\n/home/app", "\(fresh)")
            let id = pod(
                "create", "--network=none", Pod.tiny, "sh", "-c", "cat /etc/count 2>/dev/null; echo x >> /etc/count"
            ).text
            #expect(pod("start", "-a", id).text.isEmpty)
            #expect(pod("start", "-a", id).text == "x", "a container keeps what it wrote")
        }
    }
}
