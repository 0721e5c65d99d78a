import ContainerEngine
import DeviceInjection
import Foundation
import OCISpec
import Testing

/// Who decides about GPUs, and what devices by name do to a specification.
@Suite struct DeviceInjectionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var result: String
        var image: [String] = []
        var caller: [String] = []
        var change: @Sendable (inout ContainerConfiguration) throws -> Void = { _ in }

        init(
            _ name: String, _ result: String, image: [String] = [], caller: [String] = [],
            change: @escaping @Sendable (inout ContainerConfiguration) throws -> Void = { _ in }
        ) {
            testDescription = name
            self.result = result
            self.image = image
            self.caller = caller
            self.change = change
        }
    }

    static func ray(_ request: inout ContainerConfiguration) {
        request.environment.variables.append(("RAY_JOB_ID", "01000000"))
    }

    static let cases: [Case] = [
        Case("nobody", ""),
        Case("a flag", "all", change: { $0.gpus = [try GPURequest("all")] }),
        Case("flags add up", "count(1) count(2)", change: { $0.gpus = [try GPURequest("1"), try GPURequest("2")] }),
        Case("none is for all", "", change: { $0.gpus = [try GPURequest("1"), try GPURequest("none")] }),
        Case("a flag before the image's word", "count(1)", image: ["NVIDIA_VISIBLE_DEVICES=all"]) {
            $0.gpus = [try GPURequest("1")]
        },
        Case("a device by name stands alone", "", image: ["NVIDIA_VISIBLE_DEVICES=all"]) {
            $0.namedDevices = [try CDIName("nvidia.com/gpu=0")]
        },
        Case("the image", "all?", image: ["NVIDIA_VISIBLE_DEVICES=all"]),
        Case("the image, some", #"devices(["0", "GPU-1"])?"#, image: ["NVIDIA_VISIBLE_DEVICES=0,GPU-1"]),
        Case("the image says void", "", image: ["NVIDIA_VISIBLE_DEVICES=void"]),
        Case("--env before the image", #"devices(["1"])?"#, image: ["NVIDIA_VISIBLE_DEVICES=all"]) {
            $0.environment.variables = [("NVIDIA_VISIBLE_DEVICES", "1")]
        },
        Case("the launcher alone asks for nothing", "", caller: ["NVIDIA_VISIBLE_DEVICES=all"]),
        Case("Ray", "all?", change: ray),
        Case("Ray's raylet", "all?") { $0.environment.variables = [("RAY_RAYLET_PID", "7")] },
        Case("another variable of Ray's", "") { $0.environment.variables = [("RAY_ADDRESS", "auto")] },
        Case("Ray in a pod of CDI", "all?", caller: ["NVIDIA_VISIBLE_DEVICES=void"], change: ray),
        Case("Ray, narrowed", #"devices(["1"])?"#, caller: ["NVIDIA_VISIBLE_DEVICES=1"], change: ray),
        Case("Ray, none", "", caller: ["NVIDIA_VISIBLE_DEVICES=none"], change: ray),
        Case("Ray, turned off by a flag", "") {
            ray(&$0)
            $0.gpus = [try GPURequest("none")]
        },
        Case("Ray, turned off", "", caller: ["SWIFTPOD_GPUS=none"], change: ray),
        Case("Ray, chosen", "count(1)?", caller: ["SWIFTPOD_GPUS=1"], change: ray),
        Case("Ray, the image says none", "", image: ["NVIDIA_VISIBLE_DEVICES=none"], change: ray),
        Case("the image, turned off", "", image: ["NVIDIA_VISIBLE_DEVICES=all"], caller: ["SWIFTPOD_GPUS=none"]),
    ]

    @Test("who decides", arguments: cases) func policy(_ row: Case) throws {
        var request = ContainerConfiguration(source: .directory("/"))
        try row.change(&request)
        var caller = Fixture.rootless
        caller.environment = row.caller
        let policy = try GPUPolicy(request, image: row.image, caller: caller)
        let text = policy.requests.map { "\($0.choice)" }.joined(separator: " ")
        #expect(text + (policy.isImplicit && !text.isEmpty ? "?" : "") == row.result)
    }

    // MARK: - In the specification

    static func devices() -> ResolvedDevices {
        var devices = ResolvedDevices()
        var node = ContainerEdits.DeviceNode(path: "/dev/x", hostPath: "/dev/null")
        node.type = "c"
        (node.major, node.minor, node.fileMode, node.gid) = (1, 3, 0o660, 44)
        devices.edits.deviceNodes = [node]
        devices.edits.additionalGids = [44]
        devices.edits.env = ["FOO=edited"]
        devices.edits.mounts = [.init(hostPath: "/lib/liba.so.5", containerPath: "/usr/lib/liba.so.5")]
        devices.links = [
            .init(target: "liba.so.5", path: "/usr/lib/liba.so.1"), .init(target: "../x", path: "/dev/by-path/x"),
        ]
        devices.linkerCache = [1, 2, 3]
        devices.driverParameters = Array("ModifyDeviceFiles: 0\n".utf8)
        devices.warnings = ["careful"]
        return devices
    }

    static func build(
        caller: CallerFacts = Fixture.rootless, devices: ResolvedDevices = devices(),
        _ change: (inout ContainerConfiguration) -> Void = { _ in }
    ) throws -> Specification {
        var request = ContainerConfiguration(source: .image("img", pull: .missing, platform: nil))
        change(&request)
        var around = Fixture.surroundings()
        around.devices = devices
        return try SpecificationBuilder(
            request, identity: Fixture.identity, caller: caller, image: Fixture.plainImage, root: Fixture.root,
            surroundings: around
        ).build()
    }

    @Test("rootless: bound, links and cache in the layer, parameters covered") func rootless() throws {
        let draft = try Self.build()
        let runtime = draft.runtime
        #expect(runtime.linux?.devices == [])
        let node = try #require(runtime.mounts.first { $0.destination == "/dev/x" })
        #expect(node.source == "/dev/null" && node.options.contains("rbind"))
        #expect(runtime.mounts.contains { $0.destination == "/usr/lib/liba.so.5" })
        let parameters = try #require(runtime.mounts.last)
        #expect(parameters.destination == "/proc/driver/nvidia/params" && parameters.options.contains("ro"))
        #expect(
            draft.files.contains { $0.name == "files/nvidia-params" && $0.contents == Self.devices().driverParameters })
        #expect(runtime.process?.env.contains("FOO=edited") == true)
        #expect(runtime.process?.env.contains("FOO=bar") == false)
        #expect(runtime.process?.user.additionalGids.contains(44) == false)
        #expect(draft.rootEntries.contains { $0.path == "/usr/lib/liba.so.1" && $0.content == .link("liba.so.5") })
        #expect(draft.rootEntries.contains { $0.path == "/etc/ld.so.cache" && $0.content == .file([1, 2, 3]) })
        #expect(draft.deviceLinks == [.init(target: "../x", path: "/dev/by-path/x")])
        #expect(draft.deviceUses == [.init(host: "/dev/null", container: "/dev/x", permissions: "rwm")])
        #expect(draft.warnings == ["careful"] && !draft.keepGroups)
        // What the record keeps is all there again.
        let again = try Specification(json: draft.json)
        #expect(again.deviceLinks == draft.deviceLinks && again.runtime == runtime)
    }

    @Test("root: made, with a rule and the group") func root() throws {
        let draft = try Self.build(caller: Fixture.realRoot)
        let device = try #require(draft.runtime.linux?.devices.first)
        #expect(device.path == "/dev/x" && device.gid == 44 && device.fileMode == 0o660)
        #expect(draft.runtime.process?.user.additionalGids.contains(44) == true)
        let rules = draft.runtime.linux?.resources?["devices"]?.array ?? []
        #expect(rules.first?["allow"] == false)
        #expect(rules.last?.text == #"{"allow":true,"type":"c","major":1,"minor":3,"access":"rwm"}"#)
    }

    @Test("a node that is open to a group only keeps the caller's groups") func groups() throws {
        var devices = Self.devices()
        devices.needsGroups = true
        let kept = try Self.build(devices: devices)
        #expect(kept.keepGroups && kept.runtime.annotations["run.oci.keep_original_groups"] == "1")
        let asked = try Self.build(devices: devices) { $0.groups = ["staff"] }
        #expect(!asked.keepGroups)
        #expect(asked.warnings.contains { $0.contains("--group-add keep-groups keeps it") })
    }

    @Test("a root that cannot be written gets the cache mounted") func readOnly() throws {
        let draft = try Self.build { $0.readOnlyRoot = true }
        #expect(draft.runtime.mounts.contains { $0.destination == "/etc/ld.so.cache" && $0.options.contains("ro") })
        #expect(!draft.rootEntries.contains { $0.path == "/etc/ld.so.cache" })
    }

    @Test("what cannot be done here is refused") func refused() throws {
        var devices = Self.devices()
        devices.obstacle = "v.com/nic=1: to move network interface eth7 into a container takes CAP_NET_ADMIN"
        let error = #expect(throws: EngineError.self) { try Self.build(devices: devices) }
        #expect(error?.message.hasPrefix("setting up CDI devices: v.com/nic=1: to move") == true)
        devices.obstacle = nil
        devices.edits.netDevices = [.init(hostInterfaceName: "eth7", name: "net0")]
        let host = #expect(throws: EngineError.self) { try Self.build(devices: devices) { $0.network.mode = .host } }
        #expect(host?.message.contains("eth7 moves into a network namespace of the container's own") == true)
    }

    @Test("network interfaces and RDT classes reach the specification") func unusual() throws {
        var devices = Self.devices()
        devices.edits.netDevices = [.init(hostInterfaceName: "eth7", name: "net0")]
        var rdt = ContainerEdits.IntelRdt()
        rdt.closID = "gold"
        devices.edits.intelRdt = rdt
        let linux = try Self.build(devices: devices).runtime.linux
        #expect(linux?.netDevices?.text == #"{"eth7":{"name":"net0"}}"#)
        #expect(linux?.intelRdt?["closID"]?.string == "gold")
    }

    @Test("links in the layer: replaced, made with what is above them, never through a directory") func links() throws {
        let directory = NSTemporaryDirectory() + "/swiftpod-links-\(getpid())"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        for path in ["lower/usr/lib", "upper", "lower/dir"] {
            try FileManager.default.createDirectory(
                atPath: "\(directory)/\(path)", withIntermediateDirectories: true)
        }
        _ = FileManager.default.createFile(atPath: directory + "/lower/usr/lib/liba.so.1", contents: Data())
        var draft = Specification(runtime: RuntimeSpec())
        func entry(_ path: String, _ target: String) -> Specification.RootEntry {
            .init(path: path, content: .link(target), mode: 0o777, uid: getuid(), gid: getgid())
        }
        draft.rootEntries = [
            entry("/usr/lib/liba.so.1", "first"), entry("/usr/lib/liba.so.1", "liba.so.5"), entry("/new/dir/l", "x"),
            entry("/dir", "y"),
        ]
        try draft.writeRootEntries(layer: directory + "/upper", lower: directory + "/lower")
        let manager = FileManager.default
        #expect(try manager.destinationOfSymbolicLink(atPath: directory + "/upper/usr/lib/liba.so.1") == "liba.so.5")
        #expect(try manager.destinationOfSymbolicLink(atPath: directory + "/upper/new/dir/l") == "x")
        #expect(!manager.fileExists(atPath: directory + "/upper/dir"))
        #expect(try manager.contentsOfDirectory(atPath: directory + "/upper/usr/lib") == ["liba.so.1"])
    }
}
