import ContainerEngine
import OCISpec
import Testing

/// What is not accepted, and in which words: podman's where it has them.
@Suite struct RefusalTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let expected: String
        var caller: CallerFacts = Fixture.rootless
        var image: ImageFacts = Fixture.plainImage
        let change: @Sendable (inout ContainerConfiguration) -> Void

        init(
            _ expected: String, caller: CallerFacts = Fixture.rootless,
            _ change: @escaping @Sendable (inout ContainerConfiguration) -> Void
        ) {
            self.expected = expected
            self.caller = caller
            self.change = change
        }

        var testDescription: String { expected }
    }

    static let mounts: [Row] = [
        .init("statfs /nonexistent/x: no such file or directory") {
            $0.mounts = [.init(kind: .bind("/nonexistent/x"), destination: "/x")]
        },
        .init("bind source relative: not an absolute path") {
            $0.mounts = [.init(kind: .bind("relative"), destination: "/x")]
        },
        .init("invalid container path \"relative\", must be an absolute path") {
            $0.mounts = [.init(kind: .tmpfs, destination: "relative")]
        },
        .init("container directory cannot be empty") { $0.mounts = [.init(kind: .tmpfs, destination: "")] },
        .init("invalid container path \"/a/..\", destination can't be '/'") {
            $0.mounts = [.init(kind: .bind("/tmp"), destination: "/a/..")]
        },
        .init("/a: duplicate mount destination") {
            $0.mounts = [.init(kind: .bind("/tmp"), destination: "/a"), .init(kind: .bind("/etc"), destination: "/a/")]
        },
        .init("/a: duplicate mount destination") {
            $0.mounts = [.init(kind: .volume("v"), destination: "/a"), .init(kind: .tmpfs, destination: "/a")]
        },
        .init("invalid option type \"foo\"") {
            $0.mounts = [.init(kind: .bind("/tmp"), destination: "/a", options: ["foo"])]
        },
        .init("invalid options \"ro, rw\", can only specify 1 'rw' or 'ro' option") {
            $0.mounts = [.init(kind: .bind("/tmp"), destination: "/a", options: ["ro", "rw"])]
        },
        .init(
            "invalid options \"rshared, private\", can only specify 1 '[r]shared', '[r]private', '[r]slave' or '[r]unbindable' option"
        ) { $0.mounts = [.init(kind: .volume("v"), destination: "/a", options: ["rshared", "private"])] },
        .init("mount option \"O\": overlay volumes are not supported") {
            $0.mounts = [.init(kind: .bind("/tmp"), destination: "/a", options: ["O"])]
        },
        .init("mount option \"idmap\": id-mapped mounts are not supported") {
            $0.mounts = [.init(kind: .bind("/tmp"), destination: "/a", options: ["idmap=uids=0-1-10"])]
        },
        .init("the 'size' option is only allowed with tmpfs mounts: invalid mount option") {
            $0.mounts = [.init(kind: .bind("/tmp"), destination: "/a", options: ["size=1m"])]
        },
        .init("the 'z' option is not allowed with tmpfs mounts: invalid mount option") {
            $0.mounts = [.init(kind: .tmpfs, destination: "/a", options: ["z"])]
        },
        .init("tmpfs /a: invalid option \"size=lots\"") {
            $0.mounts = [.init(kind: .tmpfs, destination: "/a", options: ["size=lots"])]
        },
        .init("tmpfs /a: invalid option \"mode=0999\"") {
            $0.mounts = [.init(kind: .tmpfs, destination: "/a", options: ["mode=0999"])]
        },
        .init(
            "creating named volume \"bad@name\": names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument"
        ) { $0.mounts = [.init(kind: .volume("bad@name"), destination: "/x")] },
        .init("creating named volume \"..\": names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument") {
            $0.mounts = [.init(kind: .volume(".."), destination: "/x")]
        },
        .init("stat /dev/nope: no such file or directory") { $0.devices = [.init(hostPath: "/dev/nope")] },
        .init("/etc/passwd is not a valid device: not a device node") {
            $0.devices = [.init(hostPath: "/etc/passwd")]
        },
        .init("invalid device mode: rr") { $0.devices = [.init(hostPath: "/dev/null", permissions: "rr")] },
        .init("invalid device specification: vendor.com/gpu=all") {
            $0.devices = [.init(hostPath: "vendor.com/gpu=all")]
        },
    ]

    static let users: [Row] = [
        .init("unable to find user nosuch: no matching entries in passwd file") { $0.user = "nosuch" },
        .init("unable to find group nosuch: no matching entries in group file") { $0.user = "app:nosuch" },
        .init("user or group 99999999999: uids and gids must be in range 0-2147483647") { $0.user = "99999999999" },
        .init("user or group -1: uids and gids must be in range 0-2147483647") { $0.user = "-1" },
        .init("user 70000: uid 70000 is not mapped in the container's user namespace") { $0.user = "70000" },
        .init("user 5: uid 5 is not mapped in the container's user namespace", caller: Fixture.singleID) {
            $0.user = "5"
        },
        .init(
            "looking up supplemental groups for container \(Fixture.identity.id): unable to find group nosuch: no matching entries in group file"
        ) { $0.groups = ["nosuch"] },
        .init("the '--group-add keep-groups' option is not allowed with any other --group-add options") {
            $0.groups = ["keep-groups", "5"]
        },
        .init("workdir \"/nowhere\" does not exist on container \(Fixture.identity.id)") {
            $0.workingDirectory = "/nowhere"
        },
        .init("invalid workdir \"rel\": must be an absolute path") { $0.workingDirectory = "rel" },
        .init("no command or entrypoint provided, and no CMD or ENTRYPOINT from image") { $0.entrypoint = [""] },
        .init("\"CAP_FOO\": unknown capability") { $0.security.addCapabilities = ["foo"] },
        .init("capability \"CAP_CHOWN\" cannot be dropped and added") {
            $0.security.addCapabilities = ["chown"]
            $0.security.dropCapabilities = ["CAP_CHOWN"]
        },
        .init("adding all caps and removing all caps not allowed") {
            $0.security.addCapabilities = ["all"]
            $0.security.dropCapabilities = ["ALL"]
        },
        .init("mask etc: not an absolute path") { $0.security.mask = ["etc"] },
    ]

    static let combinations: [Row] = [
        .init("the --rm option conflicts with --restart, when the restartPolicy is not \"\" and \"no\"") {
            $0.removeOnExit = true
            $0.restart = .always
        },
        .init("names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument") { $0.name = "a/b" },
        .init("invalid signal: FOO") { $0.stopSignal = "FOO" },
        .init("valid signals are 1 through 64") { $0.stopSignal = "65" },
        .init("cannot set hostname when running in the host UTS namespace: invalid configuration") {
            $0.hostname = "a"
            $0.namespaces.uts = .host
        },
        .init("cannot set shmsize when running in the host IPC Namespace") {
            $0.shmSize = 1 << 20
            $0.namespaces.ipc = .host
        },
        .init("cannot add init binary as PID 1 (PID namespace isn't private)") {
            $0.initProcess = true
            $0.namespaces.pid = .host
        },
        .init("invalid oom-score-adj 2000: must be between -1000 and 1000") { $0.oomScoreAdjustment = 2000 },
        .init("invalid hostname \"a b\": letters, digits, '.', '_' and '-' are allowed") { $0.hostname = "a b" },
        .init("invalid ulimit type: foo") { $0.rlimits = [.init(type: "foo", soft: 1, hard: 1)] },
        .init("ulimit soft limit must be less than or equal to hard limit: 2 > 1") {
            $0.rlimits = [.init(type: "nofile", soft: 2, hard: 1)]
        },
        .init("sysctl 'kernel.foo' is not allowed") { $0.sysctls = ["kernel.foo": "1"] },
        .init("sysctl 'net.ipv4/../../kernel/core_pattern' is not allowed") {
            $0.sysctls = ["net.ipv4/../../kernel/core_pattern": "x"]
        },
        .init("sysctl net.core.somaxconn=9 can't be set since Network Namespace set to host: invalid argument") {
            $0.sysctls = ["net.core.somaxconn": "9"]
            $0.network.mode = .host
        },
        .init("--no-hosts and --add-host cannot be set together") {
            $0.network.noHosts = true
            $0.network.addHosts = [("a", "192.0.2.1")]
        },
        .init("invalid IP address in add-host: \"1.2.3\"") { $0.network.addHosts = [("a", "1.2.3")] },
        .init("--dns=none and --dns-search are mutually exclusive options") {
            $0.network.noResolvConf = true
            $0.network.dnsSearch = ["example.test"]
        },
        .init("dns.example is not an ip address") { $0.network.dnsServers = ["dns.example"] },
        .init("invalid environment variable \"=x\"") { $0.environment.variables = [("", "x")] },
        .init(
            "looking up container to share net namespace with: no container with name or ID \"zz\" found: no such container"
        ) {
            $0.network.mode = .container("zz")
            $0.namespaces.user = .nomap
        },
    ]

    static let userNamespaces: [Row] = [
        .init("nomap is only supported in rootless mode", caller: Fixture.realRoot) { $0.namespaces.user = .nomap },
        .init(
            "nomap requires additional UIDs or GIDs defined in /etc/subuid and /etc/subgid to function correctly",
            caller: Fixture.singleID
        ) { $0.namespaces.user = .nomap },
        .init("could not find enough available IDs") {
            $0.namespaces.user = .auto(size: 70_000, uidMappings: [], gidMappings: [])
        },
        .init("could not find enough available IDs", caller: Fixture.realRoot) {
            $0.namespaces.user = .auto(size: nil, uidMappings: [], gidMappings: [])
        },
        .init("uid mapping 5:2:10 overlaps 0:1:10") {
            $0.namespaces.user = .explicit(
                uid: [.init(containerID: 0, hostID: 1, size: 10), .init(containerID: 5, hostID: 2, size: 10)], gid: [])
        },
        .init(
            "potentially insufficient UIDs available in user namespace: uid mapping 0:1:70000, but 0 to 65536 are there: check /etc/subuid"
        ) { $0.namespaces.user = .explicit(uid: [.init(containerID: 0, hostID: 1, size: 70_000)], gid: []) },
        .init("uid mapping 0:1:0: size is zero") {
            $0.namespaces.user = .explicit(uid: [.init(containerID: 0, hostID: 1, size: 0)], gid: [])
        },
    ]

    @Test(arguments: mounts + users + combinations + userNamespaces)
    func refused(_ row: Row) {
        #expect(Fixture.refusal(row.image, caller: row.caller, row.change) == row.expected)
    }

    /// Podman's exit code 126 is for what the container's process cannot be.
    @Test func codes() throws {
        let user = #expect(throws: EngineError.self) { try Fixture.build { $0.user = "nosuch" } }
        #expect(user?.code == .cannotInvoke)
        let mount = #expect(throws: EngineError.self) {
            try Fixture.build { $0.mounts = [.init(kind: .bind("/nonexistent"), destination: "/x")] }
        }
        #expect(mount?.code == .notFound)
    }
}
