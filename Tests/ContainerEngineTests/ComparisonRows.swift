import ContainerEngine
import OCISpec

struct ComparisonRow: Sendable {
    let name: String
    var image: ImageFacts = Fixture.plainImage
    var caller: CallerFacts = Fixture.rootless
    let change: @Sendable (inout ContainerConfiguration) -> Void

    init(
        _ name: String, image: ImageFacts = Fixture.plainImage, caller: CallerFacts = Fixture.rootless,
        _ change: @escaping @Sendable (inout ContainerConfiguration) -> Void
    ) {
        self.name = name
        self.image = image
        self.caller = caller
        self.change = change
    }
}

let comparisonRows: [ComparisonRow] = [
    .init("user", image: Fixture.userImage) { _ in },
    .init("user_root", image: Fixture.userImage) { $0.user = "root" },
    .init("user_num") { $0.user = "1234" },
    .init("user_web") { $0.user = "web" },
    .init("user_app_grp") { $0.user = "app:staff" },
    .init("user_num_num") { $0.user = "5:6" },
    .init("user_capadd") {
        $0.user = "app"
        $0.security.addCapabilities = ["NET_ADMIN"]
    },
    .init("capadd") {
        $0.security.addCapabilities = ["net_admin"]
        $0.security.dropCapabilities = ["CAP_CHOWN"]
    },
    .init("capdropall") {
        $0.security.addCapabilities = ["setuid"]
        $0.security.dropCapabilities = ["all"]
    },
    .init("capaddall") {
        $0.security.addCapabilities = ["ALL"]
        $0.security.dropCapabilities = ["mknod"]
    },
    .init("nethost") { $0.network.mode = .host },
    .init("netnone") { $0.network.mode = NetworkOptions.Mode.none },
    .init("utshost") { $0.namespaces.uts = .host },
    .init("hostall") {
        $0.namespaces.pid = .host
        $0.namespaces.ipc = .host
        $0.network.mode = .host
    },
    .init("keepid") { $0.namespaces.user = .keepID(uid: nil, gid: nil) },
    .init("keepid_user", image: Fixture.userImage) { $0.namespaces.user = .keepID(uid: nil, gid: nil) },
    .init("keepid_uid") { $0.namespaces.user = .keepID(uid: 1000, gid: 1001) },
    .init("nomap") { $0.namespaces.user = .nomap },
    .init("usernshost") { $0.namespaces.user = .host },
    .init("auto") { $0.namespaces.user = .auto(size: nil, uidMappings: [], gidMappings: []) },
    .init("auto_size") { $0.namespaces.user = .auto(size: 5000, uidMappings: [], gidMappings: []) },
    .init("uidmap2") {
        $0.namespaces.user = .explicit(
            uid: [.init(containerID: 0, hostID: 1, size: 100), .init(containerID: 100, hostID: 0, size: 1)], gid: [])
    },
    .init("readonly") { $0.readOnlyRoot = true },
    .init("readonly_notmpfs") {
        $0.readOnlyRoot = true
        $0.readOnlyTmpfs = false
    },
    .init("tmpfs") {
        $0.mounts = [
            .init(kind: .tmpfs, destination: "/foo"),
            .init(kind: .tmpfs, destination: "/bar", options: ["size=1m", "mode=700"]),
            .init(kind: .tmpfs, destination: "/run"),
        ]
    },
    .init("mounts") {
        $0.mounts = [
            .init(kind: .bind("/tmp/"), destination: "/a", options: ["ro", "z"]),
            .init(kind: .bind("/etc"), destination: "/b", options: ["rshared", "noexec"]),
            .init(kind: .volume("named"), destination: "/c"),
            .init(kind: .volume(nil), destination: "/anon"),
            .init(kind: .tmpfs, destination: "/t", options: ["tmpfs-size=1m", "tmpfs-mode=700"]),
            .init(kind: .bind("/etc"), destination: "/e", options: ["ro"]),
        ]
    },
    .init("volov", image: Fixture.userImage) { $0.mounts = [.init(kind: .bind("/tmp"), destination: "/data")] },
    .init("tmpov", image: Fixture.userImage) { $0.mounts = [.init(kind: .tmpfs, destination: "/data")] },
    .init("volnamed", image: Fixture.userImage) { $0.mounts = [.init(kind: .volume("nn"), destination: "/data")] },
    .init("shm") { $0.shmSize = 10 << 20 },
    .init("ulimit") {
        $0.rlimits = [.init(type: "nofile", soft: 100, hard: 200), .init(type: "core", soft: 0, hard: 0)]
    },
    .init("ulimit_host") { $0.hostLimits = true },
    .init("sysctl") { $0.sysctls = ["kernel.msgmax": "100", "net.ipv4.ip_forward": "1"] },
    .init("device") {
        $0.devices = [
            .init(hostPath: "/dev/full"),
            .init(hostPath: "/dev/null", containerPath: "/dev/xnull", permissions: "r"),
        ]
    },
    .init("nnp") {
        $0.security.noNewPrivileges = true
        $0.security.seccomp = .unconfined
    },
    .init("mask") {
        $0.security.mask = ["/foo:/bar"]
        $0.security.unmask = ["/proc/kcore:/sys/firmware"]
    },
    .init("unmaskall") { $0.security.unmask = ["ALL"] },
    .init("hosts") { $0.hostname = "hh" },
    .init("tty") {
        $0.tty = true
        $0.interactive = true
    },
    .init("entry", image: Fixture.userImage) {
        $0.entrypoint = ["/bin/x"]
        $0.command = ["a", "b"]
    },
    .init("cmd", image: Fixture.userImage) { $0.command = ["a", "b"] },
    .init("env") {
        $0.environment.variables = [("A", "1"), ("FOO", "over"), ("TERM", "dumb")]
        $0.environment.unset = ["PATH"]
    },
    .init("envall") {
        $0.environment.variables = [("B", "2")]
        $0.environment.unsetAll = true
    },
    .init("workdir") { $0.workingDirectory = "/home" },
    .init("groups") { $0.groups = ["staff", "77"] },
    .init("groups_user") {
        $0.groups = ["77"]
        $0.user = "app"
    },
    .init("umask") { $0.umask = 0o077 },
    .init("oom") { $0.oomScoreAdjustment = 100 },
    .init("stop") {
        $0.stopSignal = "SIGRTMIN+3"
        $0.stopTimeout = 3
    },
    .init("priv") { $0.security.privileged = true },
    .init("root_plain", caller: Fixture.realRoot) { _ in },
    .init("root_hostall", caller: Fixture.realRoot) {
        $0.namespaces.pid = .host
        $0.namespaces.ipc = .host
        $0.network.mode = .host
    },
    .init("root_uidmap", caller: Fixture.realRoot) {
        $0.namespaces.user = .explicit(uid: [.init(containerID: 0, hostID: 1, size: 100)], gid: [])
    },
]
