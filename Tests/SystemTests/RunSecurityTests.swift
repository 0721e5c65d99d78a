import Foundation
import Testing

/// Capabilities, seccomp, privileges, masks, devices, sysctls.
@Suite struct RunSecurityTests {
    static let defaults = "00000000800405fb"
    static let effective = "grep CapEff /proc/self/status | cut -f2"
    static let all = "grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status | cut -f2 | tr '\\n' ' '"

    static let capabilities = [
        Row("podman's defaults", [], sh: effective, .prints(defaults)),
        Row(
            "in every set but two", [], sh: all,
            .matches("^0000000000000000 \(defaults) \(defaults) \(defaults) 0000000000000000 $")),
        Row("none for a user", ["--user=app"], sh: effective, .prints("0000000000000000")),
        Row(
            "the bounding set of a user", ["--user=app"], sh: "grep CapBnd /proc/self/status | cut -f2",
            .prints(defaults)),
        Row("drop all", ["--cap-drop=all"], sh: effective, .prints("0000000000000000")),
        Row("drop all is upper case too", ["--cap-drop=ALL"], sh: effective, .prints("0000000000000000")),
        Row("drop one", ["--cap-drop=CHOWN"], sh: effective, .prints("00000000800405fa")),
        Row("drop one by its full name", ["--cap-drop=cap_chown"], sh: effective, .prints("00000000800405fa")),
        Row("add one", ["--cap-add=NET_ADMIN"], sh: effective, .prints("00000000800415fb")),
        Row("add two at once", ["--cap-add=NET_ADMIN,SYS_PTRACE"], sh: effective, .prints("00000000800c15fb")),
        Row("drop all but one", ["--cap-drop=all", "--cap-add=kill"], sh: effective, .prints("0000000000000020")),
        Row("add all", ["--cap-add=all"], sh: effective, .matches("^000001ff[0-9a-f]{8}$")),
        Row(
            "add all but one", ["--cap-add=all", "--cap-drop=chown"], sh: effective,
            .matches("^000001f[0-9a-f]{8}e$|^000001ff[0-9a-f]{7}e$")),
        Row(
            "added for a user", ["--user=app", "--cap-add=NET_ADMIN"], sh: all,
            .matches("0000000000001000.* 0000000000001000 $")),
        Row("chown is possible", [], sh: "touch /x && chown 33:33 /x && stat -c %u /x", .prints("33")),
        Row(
            "and without the capability is not", ["--cap-drop=CHOWN"],
            sh: "touch /x; chown 33 /x 2>/dev/null || echo no", .prints("no")),
        Row("mount is not", [], sh: "mount -t tmpfs none /tmp 2>/dev/null || echo no", .prints("no")),
        Row(
            "mount with SYS_ADMIN", ["--cap-add=SYS_ADMIN"], sh: "mount -t tmpfs none /tmp && echo yes", .prints("yes")),
    ]

    static let seccomp = [
        Row("a filter is there", [], sh: "grep ^Seccomp: /proc/self/status | cut -f2", .prints("2")),
        Row(
            "unconfined", ["--security-opt=seccomp=unconfined"], sh: "grep ^Seccomp: /proc/self/status | cut -f2",
            .prints("0")),
        Row("the default refuses", [], sh: "unshare -m true 2>/dev/null || echo no", .prints("no")),
        Row(
            "unshare where it is allowed", ["--security-opt=seccomp=unconfined", "--cap-add=SYS_ADMIN"],
            sh: "unshare -m true && echo yes",
            .prints("yes")),
        Row(
            "a file", ["--security-opt=seccomp={files}/profile.json"],
            sh: "mkdir /x 2>/dev/null || echo refused; echo ran",
            .prints("refused\nran")),
        Row(
            "a file that is none", ["--security-opt=seccomp={files}/broken.json"], command: ["true"],
            .fails(125, "seccomp|broken|json")
        )
        .podmanDiffers("code 126"),
    ]

    static let privileges = [
        Row("new privileges", [], sh: "grep NoNewPrivs /proc/self/status | cut -f2", .prints("0")),
        Row(
            "none", ["--security-opt=no-new-privileges"], sh: "grep NoNewPrivs /proc/self/status | cut -f2",
            .prints("1")),
        Row(
            "none, with a colon", ["--security-opt=no-new-privileges:true"],
            sh: "grep NoNewPrivs /proc/self/status | cut -f2", .prints("1")
        )
        .podmanDiffers("not in 4.3.1", as: []),
        Row("labels are accepted", ["--security-opt=label=disable"], command: ["true"], .exits(0)),
        Row("apparmor is accepted", ["--security-opt=apparmor=unconfined"], command: ["true"], .exits(0)),
        Row("an unknown one is not", ["--security-opt=magic=on"], command: ["true"], .fails(125, "magic")),
    ]

    static let masks = [
        Row("kcore", [], sh: "test -f /proc/kcore && echo open; true", .prints("")),
        Row("timer_list, keys", [], sh: "cat /proc/keys /proc/timer_list 2>/dev/null | wc -c", .prints("0")),
        Row("firmware", [], sh: "ls -A /sys/firmware 2>/dev/null | wc -l", .prints("0")),
        Row("acpi, scsi", [], sh: "ls -A /proc/acpi /proc/scsi 2>/dev/null | grep -v : | grep . | wc -l", .prints("0")),
        Row(
            "proc/sys is read-only", [],
            sh:
                "(echo 1 > /proc/sys/vm/swappiness) 2>/dev/null || echo no; grep -c ' /proc/sys proc ro' /proc/self/mounts",
            .prints("no\n1")),
        Row(
            "sysrq-trigger", [],
            sh: "test -e /proc/sysrq-trigger || exit 0; grep -c ' /proc/sysrq-trigger proc ro' /proc/self/mounts",
            .exits(0)),
        Row(
            "a mask more", ["--security-opt=mask=/etc/os-release:/home"], sh: "cat /etc/os-release; ls -A /home",
            .prints("")),
        Row(
            "unmask one", ["--security-opt=unmask=/proc/keys"], sh: "grep -c ' /proc/keys ' /proc/self/mounts",
            .exits(1)),
        Row(
            "unmask all", ["--security-opt=unmask=ALL"], sh: "grep -E -c ' /proc/(keys|sys|kcore) ' /proc/self/mounts",
            .exits(1)),
    ]

    static let privileged = [
        Row("every capability", ["--privileged"], sh: effective, .matches("^000001ff[0-9a-f]{8}$")),
        Row("no filter", ["--privileged"], sh: "grep ^Seccomp: /proc/self/status | cut -f2", .prints("0")),
        Row("no masks", ["--privileged"], sh: "grep -E -c ' /proc/(keys|sys|kcore) ' /proc/self/mounts", .exits(1)),
        Row("sys may be written", ["--privileged"], sh: RunMountTests.options("/sys"), .lacks("(^|,)ro(,|$)")),
        Row(
            "mount works", ["--privileged"],
            sh: "mount -t tmpfs none /mnt 2>/dev/null || mkdir -p /mnt && mount -t tmpfs none /mnt && echo yes",
            .matches("yes")),
        Row("the host's devices", ["--privileged"], sh: "test -c /dev/kmsg && echo there", .prints("there")),
        Row(
            "a container in it", ["--privileged"],
            sh: "unshare -m -p -f sh -c 'mount -t proc proc /proc && ls -d /proc/[0-9]*' | head -n 1",
            .prints("/proc/1")),
    ]

    static let devices = [
        Row("one more", ["--device=/dev/kmsg"], sh: "test -c /dev/kmsg && echo there", .prints("there")),
        Row(
            "under another name", ["--device=/dev/null:/dev/nothing"],
            sh: "echo x > /dev/nothing && test -c /dev/nothing && echo ok", .prints("ok")),
        Row(
            "with rights", ["--device=/dev/null:/dev/nothing:rwm"], sh: "test -c /dev/nothing && echo ok", .prints("ok")
        ),
        Row("wrong rights", ["--device=/dev/null:/dev/nothing:q"], command: ["true"], .fails(125, "q")),
    ]

    static let sysctls = [
        Row(
            "a kernel one", ["--sysctl=kernel.shm_rmid_forced=1"], sh: "cat /proc/sys/kernel/shm_rmid_forced",
            .prints("1")),
        Row(
            "a network one", ["--sysctl=net.ipv4.ip_default_ttl=33"], sh: "cat /proc/sys/net/ipv4/ip_default_ttl",
            .prints("33")),
        Row(
            "one of the host's is refused", ["--sysctl=kernel.panic=1"], command: ["true"], .fails(125, "kernel.panic")),
        Row(
            "not with the host's network", ["--network=host", "--sysctl=net.ipv4.ip_default_ttl=33"], command: ["true"],
            .fails(125, "net.ipv4|network")),
        Row("malformed", ["--sysctl=kernel.msgmax"], command: ["true"], .fails(125, "kernel.msgmax")),
    ]

    @Test(arguments: Account.all) func capabilities(_ account: Account) throws {
        try Pod.with(account) { pod in Row.check(Self.capabilities, pod) }
    }

    @Test(arguments: Account.all) func seccomp(_ account: Account) throws {
        try Pod.with(account) { pod in
            pod.write("broken.json", "{\"defaultAction\": \"SCMP_ACT_NOPE\"}")
            pod.write(
                "profile.json",
                """
                {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"],
                 "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "args": []}]}
                """)
            Row.check(Self.seccomp, pod)
        }
    }

    @Test(arguments: Account.all) func privileges(_ account: Account) throws {
        try Pod.with(account) { pod in Row.check(Self.privileges, pod) }
    }

    @Test(arguments: Account.all) func masks(_ account: Account) throws {
        try Pod.with(account) { pod in Row.check(Self.masks, pod) }
    }

    @Test(arguments: Account.all) func privileged(_ account: Account) throws {
        try Pod.with(account) { pod in Row.check(Self.privileged, pod) }
    }

    @Test(arguments: Account.all) func devices(_ account: Account) throws {
        try Pod.with(account) { pod in Row.check(Self.devices, pod) }
    }

    @Test(arguments: Account.all) func sysctls(_ account: Account) throws {
        try Pod.with(account) { pod in Row.check(Self.sysctls, pod) }
    }
}
