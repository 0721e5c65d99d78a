import DeviceInjection
import LinuxKernel
import OCISpec
import Testing

/// Edits made to a runtime specification.
@Suite struct ApplyTests {
    static func base() -> RuntimeSpec {
        var spec = RuntimeSpec()
        var process = RuntimeSpec.Process()
        process.env = ["PATH=/bin", "A=old"]
        process.user = RuntimeSpec.User(uid: 1000, gid: 0, additionalGids: [44])
        spec.process = process
        spec.mounts = [
            .init(destination: "/proc", type: "proc", source: "proc"),
            .init(destination: "/lib/b", type: "bind", source: "/old"),
        ]
        return spec
    }

    static let host: [String: HostNode] = [
        "/dev/a": HostNode(type: "c", major: 10, minor: 200, mode: 0o660, uid: 0, gid: 44),
        "/dev/disk": HostNode(type: "b", major: 8, minor: 1), "/dev/pipe": HostNode(type: "p", major: 0, minor: 0),
    ]

    static func lookUp(_ path: String) throws(SyscallError) -> HostNode? {
        if path == "/dev/plain" { return nil }
        guard let node = host[path] else { throw SyscallError("statx", path, errno: 2) }
        return node
    }

    static func edits(_ json: String) throws -> ContainerEdits {
        try ContainerEdits(parsing: json.utf8)
    }

    static func applied(_ json: String, _ style: NodeStyle = .made) throws -> RuntimeSpec {
        var spec = base()
        try edits(json).filled(from: lookUp).apply(to: &spec, nodes: style)
        return spec
    }

    @Test("environment: a variable that is there takes the new value in its place") func environment() throws {
        let spec = try Self.applied(#"{"env": ["B=1", "A=new", "B=2"]}"#)
        #expect(spec.process?.env == ["PATH=/bin", "A=new", "B=2"])
    }

    @Test("a node that root makes, filled in from the host") func made() throws {
        let spec = try Self.applied(#"{"deviceNodes": [{"path": "/dev/x", "hostPath": "/dev/a", "permissions": "r"}]}"#)
        var device = RuntimeSpec.Device(type: "c", path: "/dev/x", major: 10, minor: 200)
        device.fileMode = 0o660
        device.uid = 1000
        #expect(spec.linux?.devices == [device])
        #expect(
            spec.linux?.resources?.text
                == #"{"devices":[{"allow":true,"type":"c","major":10,"minor":200,"access":"r"}]}"#)
    }

    @Test("a node that is bound") func bound() throws {
        let spec = try Self.applied(
            #"{"deviceNodes": [{"path": "/dev/x", "hostPath": "/dev/a"}, {"path": "/dev/disk", "permissions": "r"}]}"#,
            .bound)
        #expect(spec.linux?.devices == [])
        #expect(spec.linux?.resources == nil)
        let nodes = spec.mounts.filter { $0.destination.hasPrefix("/dev/") }
        #expect(nodes.map(\.source) == ["/dev/a", "/dev/disk"])
        #expect(nodes[0].options == ["rprivate", "nosuid", "noexec", "rw", "rbind"])
        #expect(nodes[1].options.contains("ro"))
    }

    static let given: [(String, String)] = [
        (#"{"path": "/dev/gone"}"#, "device /dev/gone: no such file or directory"),
        (#"{"path": "/dev/plain"}"#, "device /dev/plain: not a device node"),
        (#"{"path": "/dev/a", "type": "b"}"#, "device /dev/a: is of type c, not b"),
        (#"{"path": "/dev/gone", "type": "c", "major": 5, "minor": 1}"#, "5:1"),
        (#"{"path": "/dev/a", "type": "c", "major": 5}"#, "5:0"), (#"{"path": "/dev/a"}"#, "10:200"),
        (#"{"path": "/dev/a", "major": 5, "minor": 9}"#, "5:9"), (#"{"path": "/dev/pipe"}"#, "0:0"),
        (#"{"path": "/dev/a", "type": "u"}"#, "10:200"), (#"{"path": "/dev/disk"}"#, "8:1"),
    ]

    @Test("what a node leaves open", arguments: given) func filling(_ node: String, _ result: String) throws {
        let edits = try Self.edits("{\"deviceNodes\": [\(node)]}")
        do {
            let node = try edits.filled(from: Self.lookUp).deviceNodes[0]
            #expect("\(node.major):\(node.minor)" == result)
        } catch { #expect("\(error)" == result) }
    }

    @Test("mounts take the place of others and are sorted by depth") func mounts() throws {
        let spec = try Self.applied(
            #"""
            {"mounts": [{"hostPath": "/h/deep", "containerPath": "/a/b/c", "options": ["ro", "rbind"]},
              {"hostPath": "/h/new", "containerPath": "/lib/b", "options": ["ro"]},
              {"hostPath": "tmpfs", "containerPath": "/t", "type": "tmpfs", "options": ["size=1m"]}]}
            """#)
        #expect(spec.mounts.map(\.destination) == ["/proc", "/t", "/lib/b", "/a/b/c"])
        #expect(spec.mounts[1] == .init(destination: "/t", type: "tmpfs", source: "tmpfs", options: ["size=1m"]))
        #expect(
            spec.mounts[2] == .init(destination: "/lib/b", type: "bind", source: "/h/new", options: ["ro", "rbind"]))
    }

    @Test("hooks at their points, groups, cache allocation, interfaces") func others() throws {
        let points = ContainerEdits.HookName.allCases.map {
            #"{"hookName": "\#($0)", "path": "/\#($0)", "timeout": 2}"#
        }
        let spec = try Self.applied(
            #"""
            {"hooks": [\#(points.joined(separator: ","))], "additionalGids": [44, 0, 7],
             "intelRdt": {"closID": "gold", "enableMonitoring": true},
             "netDevices": [{"hostInterfaceName": "eth7", "name": "net0"}]}
            """#)
        let hooks = try #require(spec.hooks)
        #expect(
            [
                hooks.prestart, hooks.createRuntime, hooks.createContainer, hooks.startContainer, hooks.poststart,
                hooks.poststop,
            ].map { $0.map(\.path) } == ContainerEdits.HookName.allCases.map { ["/\($0)"] })
        #expect(hooks.poststop[0].timeout == 2)
        #expect(spec.process?.user.additionalGids == [44, 7])
        #expect(spec.linux?.intelRdt?.text == #"{"closID":"gold","enableMonitoring":true}"#)
        #expect(spec.linux?.netDevices?.text == #"{"eth7":{"name":"net0"}}"#)
    }

    @Test("merged edits count once, the later of two at one place stands") func merging() throws {
        var edits = try Self.edits(#"{"env": ["A=1"], "deviceNodes": [{"path": "/dev/a"}], "additionalGids": [1]}"#)
        let other = try Self.edits(
            #"""
            {"env": ["A=1", "B=2"], "deviceNodes": [{"path": "/dev/a", "hostPath": "/dev/disk"}], "additionalGids": [1, 2],
             "mounts": [{"hostPath": "/1", "containerPath": "/m"}]}
            """#)
        edits.merge(other)
        edits.merge(try Self.edits(#"{"mounts": [{"hostPath": "/2", "containerPath": "/m"}]}"#))
        #expect(edits.env == ["A=1", "B=2"])
        #expect(edits.deviceNodes.map(\.source) == ["/dev/disk"])
        #expect(edits.mounts.map(\.hostPath) == ["/2"])
        #expect(edits.additionalGids == [1, 2])
    }
}
