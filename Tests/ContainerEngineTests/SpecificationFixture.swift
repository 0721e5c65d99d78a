import ContainerEngine
import OCISpec

/// A caller, an image and a machine for rules to be tried on.
enum Fixture {
    static let passwd = """
        root:x:0:0:root:/root:/bin/sh
        app:x:1000:1001:App:/home/app:/bin/sh
        web:x:33:33::/var/www:/bin/false

        """
    static let group = """
        root:x:0:
        app:x:1001:
        staff:x:50:app,web
        extra:x:60:app

        """

    /// uid 1001 with 65536 subordinate ids, in its keeper's namespace.
    static var rootless: CallerFacts {
        var facts = CallerFacts()
        facts.uid = 1001
        facts.gid = 1001
        facts.userName = "tester"
        facts.groupName = "tester"
        facts.gecos = "Tess Ter"
        facts.home = "/home/tester"
        facts.isRootless = true
        facts.uidMap = [
            .init(containerID: 0, hostID: 1001, size: 1), .init(containerID: 1, hostID: 300_000, size: 65_536),
        ]
        facts.gidMap = facts.uidMap
        facts.hostname = "vm"
        facts.boundingCapabilities = CapabilityPolicy.all
        facts.rlimits = [
            .init(type: "RLIMIT_NOFILE", soft: 1024, hard: 20_000),
            .init(type: "RLIMIT_NPROC", soft: 500, hard: 32_768),
        ]
        return facts
    }

    /// No range in /etc/subuid: the keeper maps the caller alone.
    static var singleID: CallerFacts {
        var facts = rootless
        facts.uidMap = [.init(containerID: 0, hostID: 1001, size: 1)]
        facts.gidMap = facts.uidMap
        return facts
    }

    static var realRoot: CallerFacts {
        var facts = rootless
        facts.uid = 0
        facts.gid = 0
        facts.userName = "root"
        facts.groupName = "root"
        facts.home = "/root"
        facts.isRootless = false
        facts.uidMap = [.init(containerID: 0, hostID: 0, size: .max)]
        facts.gidMap = facts.uidMap
        return facts
    }

    static var plainImage: ImageFacts {
        var execution = ImageConfig.Execution()
        execution.env = ["FOO=bar", "PATH=/bin:/usr/bin"]
        execution.cmd = ["/bin/sh"]
        execution.workingDir = "/home/app"
        return ImageFacts(id: String(repeating: "a", count: 64), name: "localhost/img:plain", execution: execution)
    }

    static var userImage: ImageFacts {
        var execution = ImageConfig.Execution()
        execution.env = ["FOO=bar"]
        execution.user = "app"
        execution.volumes = ["/data"]
        execution.entrypoint = ["/bin/busybox"]
        execution.cmd = ["sh"]
        execution.stopSignal = "SIGQUIT"
        return ImageFacts(id: String(repeating: "b", count: 64), name: "localhost/img:user", execution: execution)
    }

    /// /home/app, /data and the usual directories are there; /data alone has something in it.
    static let root = RootView(
        readFile: { path, _ in
            switch path {
            case "/etc/passwd": Array(passwd.utf8)
            case "/etc/group": Array(group.utf8)
            default: nil
            }
        },
        entry: { path in
            let directories = ["/", "/home", "/home/app", "/data", "/run", "/tmp", "/var", "/etc", "/usr", "/bin"]
            guard directories.contains(path) else { return nil }
            return RootView.Entry(isDirectory: true, mode: path == "/tmp" ? 0o1777 : 0o755, isEmpty: path != "/data")
        })

    static func surroundings(
        _ neighbours: [Surroundings.Neighbour] = []
    ) -> Surroundings {
        var around = Surroundings(volumeRoot: "/store/volumes") { name throws(EngineError) in
            guard let found = neighbours.first(where: { $0.id == name }) else {
                throw EngineError(.notFound, "no container with name or ID \"\(name)\" found: no such container")
            }
            return found
        }
        around.hosts = Array("127.0.0.1 localhost\n192.0.2.7 printer # upstairs\n".utf8)
        around.resolvConf = Array("search example.test\nnameserver 127.0.0.53\nnameserver 192.0.2.1\n".utf8)
        around.hostGateway = { "192.0.2.9" }
        return around
    }

    static let identity = ContainerIdentity(
        id: String(repeating: "0123456789ab", count: 5) + "cdef", name: "box", directory: "/store/containers/c",
        created: "2026-01-02T03:04:05Z")

    static func build(
        _ image: ImageFacts? = plainImage, caller: CallerFacts = rootless, neighbours: [Surroundings.Neighbour] = [],
        _ change: (inout ContainerConfiguration) -> Void = { _ in }
    ) throws -> Specification {
        var request = ContainerConfiguration(
            source: image == nil ? .directory("/rootfs") : .image(image!.name, pull: .missing, platform: nil))
        change(&request)
        return try SpecificationBuilder(
            request, identity: identity, caller: caller, image: image, root: root,
            surroundings: surroundings(neighbours)
        ).build()
    }

    /// The error's line, or what came instead of it.
    static func refusal(
        _ image: ImageFacts? = plainImage, caller: CallerFacts = rootless,
        _ change: (inout ContainerConfiguration) -> Void
    ) -> String {
        do {
            _ = try build(image, caller: caller, change)
            return "accepted"
        } catch {
            return "\(error)"
        }
    }
}
