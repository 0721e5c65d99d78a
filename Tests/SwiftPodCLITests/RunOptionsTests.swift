import ContainerEngine
import OCISpec
import OptionGrammar
import SwiftPodCLI
import Testing

/// One option line and what it makes of the configuration, written as a change to an empty one.
struct OptionCase: Sendable, CustomTestStringConvertible {
    let options: String
    let change: @Sendable (inout ContainerConfiguration) -> Void

    init(_ options: String, _ change: @escaping @Sendable (inout ContainerConfiguration) -> Void) {
        self.options = options
        self.change = change
    }

    var testDescription: String { options }
}

@Suite struct RunOptionsTests {
    static let cases: [OptionCase] = [
        OptionCase("") { _ in },
        OptionCase("--entrypoint /bin/sh") { $0.entrypoint = ["/bin/sh"] },
        OptionCase("--entrypoint=") { $0.entrypoint = [] },
        OptionCase("--entrypoint=[\"a\",\"b\"]") { $0.entrypoint = ["a", "b"] },
        OptionCase("--entrypoint=[a") { $0.entrypoint = ["[a"] },
        OptionCase("-w /srv") { $0.workingDirectory = "/srv" },
        OptionCase("--user 1000:100") { $0.user = "1000:100" },
        OptionCase("-e A=1 -e RAY_A -e NOT_THERE") { $0.environment.variables = [("A", "1"), ("RAY_A", "1")] },
        OptionCase("-e RAY_*") { $0.environment.variables = [("RAY_A", "1"), ("RAY_B", "2")] },
        OptionCase("-e A=2 --env-file list") {
            $0.environment.variables = [("A", "1"), ("TERM", "xterm"), ("Q", "\"x\""), ("A", "2")]
        },
        OptionCase("--env-host") { $0.environment.inheritHost = true },
        OptionCase("--unsetenv A --unsetenv B --http-proxy=false") {
            $0.environment.unset = ["A", "B"]
            $0.environment.httpProxy = false
        },
        OptionCase("--unsetenv-all") { $0.environment.unsetAll = true },
        OptionCase("--umask 077") { $0.umask = 0o77 },
        OptionCase("--init") { $0.initProcess = true },
        OptionCase("--name web --replace") {
            $0.name = "web"
            $0.replace = true
        },
        OptionCase("--rm") { $0.removeOnExit = true },
        OptionCase("-l a=b --label c") { $0.labels = ["a": "b", "c": ""] },
        OptionCase("--label a=2 --label-file labels") { $0.labels = ["a": "2", "b": "x y"] },
        OptionCase("--annotation a=b=c") { $0.annotations = ["a": "b=c"] },
        OptionCase("--hostname h --add-host a:1.2.3.4 --add-host b:::1 --dns 1.1.1.1 --dns-search d --dns-opt ndots:2")
        {
            $0.hostname = "h"
            $0.network.addHosts = [("a", "1.2.3.4"), ("b", "::1")]
            $0.network.dnsServers = ["1.1.1.1"]
            $0.network.dnsSearch = ["d"]
            $0.network.dnsOptions = ["ndots:2"]
        },
        OptionCase("--dns none --no-hosts") {
            $0.network.noResolvConf = true
            $0.network.noHosts = true
        },
        OptionCase("--userns host") { $0.namespaces.user = .host },
        OptionCase("--userns=keep-id") { $0.namespaces.user = .keepID(uid: nil, gid: nil) },
        OptionCase("--userns keep-id:uid=5,gid=6") { $0.namespaces.user = .keepID(uid: 5, gid: 6) },
        OptionCase("--userns=nomap --userns=keep-id") { $0.namespaces.user = .keepID(uid: nil, gid: nil) },
        OptionCase("--userns auto:size=10,uidmapping=0:5:1") {
            $0.namespaces.user = .auto(
                size: 10, uidMappings: [.init(containerID: 0, hostID: 5, size: 1)], gidMappings: [])
        },
        OptionCase("--userns nomap") { $0.namespaces.user = .nomap },
        OptionCase("--userns container:x") { $0.namespaces.user = .container("x") },
        OptionCase("--userns ns:/proc/1/ns/user") { $0.namespaces.user = .path("/proc/1/ns/user") },
        OptionCase("--uidmap 0:1:10 --uidmap 10:0:1") {
            let map: [RuntimeSpec.IDMapping] = [
                .init(containerID: 0, hostID: 1, size: 10), .init(containerID: 10, hostID: 0, size: 1),
            ]
            $0.namespaces.user = .explicit(uid: map, gid: map)
        },
        OptionCase("--uidmap 0:1 --gidmap 0:2:3") {
            $0.namespaces.user = .explicit(
                uid: [.init(containerID: 0, hostID: 1, size: 1)], gid: [.init(containerID: 0, hostID: 2, size: 3)])
        },
        OptionCase("--group-add keep-groups --group-add audio,video") {
            $0.groups = ["keep-groups", "audio", "video"]
        },
        OptionCase("--pid host --ipc=container:a --uts private --cgroupns ns:/x") {
            $0.namespaces.pid = .host
            $0.namespaces.ipc = .container("a")
            $0.namespaces.uts = .private
            $0.namespaces.cgroup = .path("/x")
        },
        OptionCase("--ipc shareable") { $0.namespaces.ipc = .private },
        OptionCase("--network none") { $0.network.mode = NetworkOptions.Mode.none },
        OptionCase("--net=host") { $0.network.mode = .host },
        OptionCase("--network pasta:-T,5432") { $0.network.mode = .pasta(["-T", "5432"]) },
        OptionCase("--network slirp4netns:mtu=1500") { $0.network.mode = .slirp4netns(["mtu=1500"]) },
        OptionCase("--network container:web") { $0.network.mode = .container("web") },
        OptionCase("--network default") { _ in },
        OptionCase("--device /dev/fuse --device /dev/a:/dev/b:rw --device=/dev/c:r") {
            $0.devices = [
                DeviceRequest(hostPath: "/dev/fuse"),
                DeviceRequest(hostPath: "/dev/a", containerPath: "/dev/b", permissions: "rw"),
                DeviceRequest(hostPath: "/dev/c", permissions: "r"),
            ]
        },
        OptionCase("--read-only --read-only-tmpfs=false --shm-size 64m") {
            $0.readOnlyRoot = true
            $0.readOnlyTmpfs = false
            $0.shmSize = 64 << 20
        },
        OptionCase("--ulimit nofile=10:20,core=-1 --ulimit NPROC=5") {
            $0.rlimits = [
                .init(type: "RLIMIT_NOFILE", soft: 10, hard: 20), .init(type: "RLIMIT_CORE", soft: .max, hard: .max),
                .init(type: "RLIMIT_NPROC", soft: 5, hard: 5),
            ]
        },
        OptionCase("--ulimit host") { $0.hostLimits = true },
        OptionCase("--sysctl net.a=1,kernel.b=2") { $0.sysctls = ["net.a": "1", "kernel.b": "2"] },
        OptionCase("--cap-add all --cap-drop=NET_RAW,CAP_CHOWN --privileged") {
            $0.security.addCapabilities = ["all"]
            $0.security.dropCapabilities = ["NET_RAW", "CAP_CHOWN"]
            $0.security.privileged = true
        },
        OptionCase("--security-opt no-new-privileges --security-opt seccomp=unconfined --security-opt mask=/a:/b") {
            $0.security.noNewPrivileges = true
            $0.security.seccomp = .unconfined
            $0.security.mask = ["/a", "/b"]
        },
        OptionCase("--security-opt unmask=ALL --security-opt label=disable --security-opt apparmor=x") {
            $0.security.unmask = ["ALL"]
        },
        OptionCase("--security-opt seccomp=p.json --security-opt no-new-privileges:true") {
            $0.security.seccomp = .file("/here/p.json")
            $0.security.noNewPrivileges = true
        },
        OptionCase("--log-driver none") { $0.log.driver = LogOptions.Driver.none },
        OptionCase("--log-driver json-file --log-opt path=l,max-size=10kb --log-opt tag=t") {
            $0.log.driver = .k8sFile
            $0.log.path = "/here/l"
            $0.log.maximumSize = 10240
            $0.log.tag = "t"
        },
        OptionCase("--stop-signal INT --stop-timeout 3 --timeout 9") {
            $0.stopSignal = "INT"
            $0.stopTimeout = 3
            $0.timeout = 9
        },
        OptionCase("--preserve-fds 2 --oom-score-adj=-5") {
            $0.preserveDescriptors = 2
            $0.oomScoreAdjustment = -5
        },
        OptionCase("--restart on-failure:3") { $0.restart = .onFailure(maximumRetries: 3) },
        OptionCase("--restart=always") { $0.restart = .always },
        OptionCase("--pull always --platform linux/arm64") {
            $0.source = .image("image", pull: .always, platform: Platform(os: "linux", architecture: "arm64"))
        },
        OptionCase("--arch aarch64 --pull=never") {
            $0.source = .image("image", pull: .never, platform: Platform(os: "linux", architecture: "arm64"))
        },
        OptionCase("--rootfs") { $0.source = .directory("/here/image") },
    ]

    @Test(arguments: cases)
    func configures(_ row: OptionCase) throws {
        let files = ["/here/list": "# c\nA=1\n\n  TERM\nMISSING\nQ=\"x\"\r\n", "/here/labels": "a=1\nb=x y\n"]
        var expected = ContainerConfiguration(source: .image("image", pull: .missing, platform: nil))
        row.change(&expected)
        #expect(try configuration(row.options, caller: caller(files: files)) == expected)
    }

    @Test(arguments: [
        ("--entrypoint x --user", "flag needs an argument: --user"),
        ("--env =x image", "invalid environment variable: \"=x\""),
        ("--env-file no image", "open /here/no: no such file or directory"),
        ("--umask 9 image", "invalid argument \"9\" for \"--umask\" flag: invalid umask"),
        ("--rm --restart always image", "the --rm option conflicts with --restart"),
        ("--replace image", "cannot replace container without --name being set"),
        ("--platform linux/arm64 --arch amd64 image", "--platform option can not be specified with --arch or --os"),
        ("-d -a stdout image", "conflicting options: --attach and --detach"),
        ("--uidmap 0:0:1 --userns keep-id image", "--userns and --uidmap/--gidmap are mutually exclusive"),
        (
            "--network host --network none image",
            "cannot set multiple networks without bridge network mode, selected mode host"
        ),
        (
            "--network frob image",
            "invalid argument \"frob\" for \"--network\" flag: unable to find network with name or ID frob: networks are "
                + "not supported yet"
        ),
        (
            "--network bridge image",
            "invalid argument \"bridge\" for \"--network\" flag: network mode bridge is not supported yet"
        ),
        (
            "--userns foo image",
            "invalid argument \"foo\" for \"--userns\" flag: unrecognized namespace mode foo passed"
        ),
        ("--pid foo image", "invalid argument \"foo\" for \"--pid\" flag: unrecognized namespace mode foo passed"),
        (
            "--name a/b image",
            "invalid argument \"a/b\" for \"--name\" flag: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*"
        ),
        ("--ulimit foo=1 image", "invalid argument \"foo=1\" for \"--ulimit\" flag: invalid ulimit type: foo"),
        (
            "--ulimit nofile=5:4 image",
            "invalid argument \"nofile=5:4\" for \"--ulimit\" flag: ulimit soft limit must be less than or equal to hard "
                + "limit: 5 > 4"
        ),
        ("--add-host a image", "invalid argument \"a\" for \"--add-host\" flag: bad format for add-host"),
        ("--stop-signal FOO image", "invalid argument \"FOO\" for \"--stop-signal\" flag: invalid signal: FOO"),
        ("--stop-timeout x image", "invalid argument \"x\" for \"--stop-timeout\" flag: not a number"),
        ("--timeout=-1 image", "invalid argument \"-1\" for \"--timeout\" flag: out of range"),
        ("--shm-size 5x image", "invalid argument \"5x\" for \"--shm-size\" flag: invalid size"),
        (
            "--security-opt foo image",
            "invalid argument \"foo\" for \"--security-opt\" flag: invalid --security-opt: \"foo\""
        ),
        ("--sysctl a image", "invalid argument \"a\" for \"--sysctl\" flag: must be in the form of KEY=VALUE"),
        ("--pull foo image", "invalid argument \"foo\" for \"--pull\" flag: unsupported pull policy \"foo\""),
        ("--log-driver journald image", "invalid argument \"journald\" for \"--log-driver\" flag: not supported yet"),
        (
            "--device nvidia.com/g:u=all image",
            "invalid argument \"nvidia.com/g:u=all\" for \"--device\" flag: device \"nvidia.com/g:u=all\": class \"g:u\": must "
                + "begin with a letter, end with a letter or digit, and have only letters, digits, '_', '-' and '.' between"
        ),
        (
            "--gpus speed=1 image",
            "invalid argument \"speed=1\" for \"--gpus\" flag: invalid GPU request \"speed=1\": unknown key speed"
        ),
        (
            "--oom-score-adj 2000 image",
            "invalid argument \"2000\" for \"--oom-score-adj\" flag: not from -1000 to 1000"
        ),
    ])
    func refuses(line: String, message: String) {
        #expect(refusal(line) == message)
    }

    @Test func streams() throws {
        #expect(try parseRun("image").streams == [.stdout, .stderr])
        #expect(try parseRun("-i image").streams == [.stdin, .stdout, .stderr])
        #expect(try parseRun("-d image").streams == [])
        #expect(try parseRun("-a stdout -a STDERR image").streams == [.stdout, .stderr])
        #expect(try parseRun("-a stdin -a stdout image").streams == [.stdout])
    }

    @Test func userNamespaceFromTheEnvironment() throws {
        let caller = caller(environment: [("PODMAN_USERNS", "keep-id")])
        #expect(try configuration("", caller: caller).namespaces.user == .keepID(uid: nil, gid: nil))
        #expect(try configuration("--userns=host", caller: caller).namespaces.user == .host)
    }

    @Test(arguments: [
        "--systemd=always", "--sdnotify=container", "--hooks-dir /x", "--log-opt labels=x",
    ])
    func warnsOnce(options: String) throws {
        #expect(try parseRun(options + " image").warnings.count == 1)
    }

    struct LimitCase: CustomTestStringConvertible, Sendable {
        let options: String
        let set: @Sendable (inout ContainerConfiguration) -> Void
        var testDescription: String { options }

        init(_ options: String, _ set: @escaping @Sendable (inout ContainerConfiguration) -> Void) {
            self.options = options
            self.set = set
        }
    }

    @Test(arguments: [
        LimitCase("--cpus 2") { $0.resources.nanoCPUs = 2_000_000_000 },
        LimitCase("--cpus=0.5") { $0.resources.nanoCPUs = 500_000_000 },
        LimitCase("--cpus=-1") { $0.resources.nanoCPUs = 0 },
        LimitCase("--cpu-quota=50000 --cpu-period 100000") {
            $0.resources.cpuQuota = 50_000
            $0.resources.cpuPeriod = 100_000
        },
        LimitCase("--cpu-shares 5") { $0.resources.cpuShares = 5 },
        LimitCase("-c 5") { $0.resources.cpuShares = 5 },
        LimitCase("--cpuset-cpus 0-1 --cpuset-mems=0") {
            $0.resources.cpusetCPUs = "0-1"
            $0.resources.cpusetMemories = "0"
        },
        LimitCase("--memory=1g --memory-swap -1 --memory-reservation 64m") {
            $0.resources.memory = 1 << 30
            $0.resources.memorySwap = -1
            $0.resources.memoryReservation = 64 << 20
        },
        LimitCase("-m 1g") { $0.resources.memory = 1 << 30 },
        LimitCase("--pids-limit=-1") { $0.resources.pidsLimit = -1 },
        LimitCase("--blkio-weight 500 --blkio-weight-device /dev/a:100,/dev/b:200") {
            $0.resources.blockWeight = 500
            $0.resources.blockWeights = [.init(path: "/dev/a", value: 100), .init(path: "/dev/b", value: 200)]
        },
        LimitCase("--device-read-bps /dev/a:1mb --device-write-iops=/dev/a:10") {
            $0.resources.blockRates = [
                .readBytes: [.init(path: "/dev/a", value: 1 << 20)],
                .writeOperations: [.init(path: "/dev/a", value: 10)],
            ]
        },
        LimitCase("--cgroup-conf memory.high=1g,cpu.idle=1") {
            $0.resources.unified = ["memory.high": "1g", "cpu.idle": "1"]
        },
        LimitCase("--cgroups=split --cgroup-parent=/a/b") {
            $0.cgroups = .split
            $0.cgroupParent = "/a/b"
        },
        LimitCase("--memory-swappiness=-1 --oom-kill-disable=false") { _ in },
    ])
    func limits(row: LimitCase) throws {
        var expected = try configuration("")
        row.set(&expected)
        let request = try parseRun(row.options + " image")
        #expect(request.configuration == expected)
        #expect(request.warnings.isEmpty)
    }

    @Test(arguments: [
        "--memory-swappiness=10", "--oom-kill-disable", "--cpus=x", "--cpus=nan", "--memory=x", "--cgroups=foo",
        "--device-read-bps /nope:1mb", "--device-read-iops /dev/null:x", "--blkio-weight-device /dev/null",
        "--cpu-rt-runtime 100", "--memory 99999999999g", "--pids-limit 1k",
    ])
    func refusesLimits(options: String) {
        #expect(throws: CommandError.self) { try parseRun(options + " image") }
    }

    @Test(arguments: [
        "--systemd=true", "--systemd false", "--cgroups=enabled", "--cgroups=no-conmon", "--cgroups=disabled",
        "--disable-content-trust", "--no-healthcheck",
        "--seccomp-policy default", "--image-volume bind", "--passwd", "--sdnotify=ignore", "--detach-keys=",
    ])
    func acceptsQuietly(options: String) throws {
        #expect(try parseRun(options + " image").warnings.isEmpty)
    }
}
