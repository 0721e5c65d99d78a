import Cgroups
import ContainerEngine
import OCISpec
import Testing

@Suite struct ResourcePolicyTests {
    struct Row: CustomTestStringConvertible, Sendable {
        let name: String
        let json: String
        let set: @Sendable (inout ResourceOptions) -> Void
        var testDescription: String { name }

        init(_ name: String, _ json: String, _ set: @escaping @Sendable (inout ResourceOptions) -> Void) {
            self.name = name
            self.json = json
            self.set = set
        }
    }

    static let rows: [Row] = [
        Row("podman's default", #"{"pids":{"limit":2048}}"#) { _ in },
        Row("no limit of processes", "{}") { $0.pidsLimit = 0 },
        Row("none either", "{}") { $0.pidsLimit = -1 },
        Row("swap is twice the memory", #"{"memory":{"limit":1000,"swap":2000},"pids":{"limit":2048}}"#) {
            $0.memory = 1000
        },
        Row("swap as said", #"{"memory":{"limit":1000,"swap":-1},"pids":{"limit":2048}}"#) {
            $0.memory = 1000
            $0.memorySwap = -1
        },
        Row("cpus", #"{"cpu":{"quota":50000,"period":100000},"pids":{"limit":2048}}"#) {
            $0.nanoCPUs = 500_000_000
        },
        Row("shares and sets", #"{"cpu":{"shares":512,"cpus":"0","mems":"1"},"pids":{"limit":2048}}"#) {
            $0.cpuShares = 512
            $0.cpusetCPUs = "0"
            $0.cpusetMemories = "1"
        },
        Row("a worker", #"{"pids":{"limit":2048},"unified":{"a.b":"1","memory.oom.group":"1"}}"#) {
            $0.endsAsWhole = true
            $0.unified = ["a.b": "1"]
        },
    ]

    @Test(arguments: rows) func resources(_ row: Row) throws {
        var options = ResourceOptions()
        row.set(&options)
        let json = try ResourcePolicy.resources(options, isNew: true)
        #expect(String(decoding: json.encoded(), as: UTF8.self) == row.json)
    }

    @Test func anUpdateSaysOnlyWhatItChanges() throws {
        var options = ResourceOptions()
        options.pidsLimit = -1
        options.memory = 500
        let change = try ResourcePolicy.resources(options, isNew: false)
        #expect(
            change
                == .object([
                    .init("memory", .object([.init("limit", .integer(500)), .init("swap", .integer(1000))])),
                    .init("pids", .object([.init("limit", .integer(-1))])),
                ]))
        let base = try JSON(parsing: Array(#"{"devices":[],"memory":{"limit":9,"reservation":3}}"#.utf8))
        let merged = ResourcePolicy.merge(change, over: base)
        #expect(
            String(decoding: merged.encoded(), as: UTF8.self)
                == #"{"devices":[],"memory":{"limit":500,"reservation":3,"swap":1000},"pids":{"limit":-1}}"#)
    }

    static let refusals: [@Sendable (inout ContainerConfiguration) -> Void] = [
        {
            $0.resources.nanoCPUs = 1
            $0.resources.cpuQuota = 1
        },
        { $0.resources.blockWeight = 9 },
        { $0.resources.blockWeights = [.init(path: "/dev/null", value: 100)] },
        {
            $0.cgroups = .disabled
            $0.resources.memory = 1 << 30
        },
        { $0.resources.deviceRules = ["c 1:2 r"] },
        {
            $0.cgroupManager = .cgroupfs
            $0.cgroupParent = "x.slice"
        },
        {
            $0.cgroupManager = .systemd
            $0.cgroupParent = "/x"
        },
    ]

    @Test(arguments: refusals.indices) func refuses(_ index: Int) {
        var request = ContainerConfiguration(source: .directory("/"))
        ResourcePolicyTests.refusals[index](&request)
        #expect(throws: EngineError.self) { try ResourcePolicy.validate(request, isRootless: true) }
    }

    /// RAY.md: podman goes on, and says so.
    @Test(
        arguments: [
            (true, .hybrid, nil, true), (true, .absent, .cgroupfs, true), (true, .unified, .cgroupfs, true),
            (true, .unified, nil, false), (true, .unified, .systemd, false), (false, .hybrid, .cgroupfs, false),
            (false, .unified, nil, false),
        ] as [(Bool, CgroupHierarchy.Kind, ContainerConfiguration.CgroupManager?, Bool)])
    func goesOn(
        _ rootless: Bool, _ kind: CgroupHierarchy.Kind, _ manager: ContainerConfiguration.CgroupManager?, _ goes: Bool
    ) {
        #expect(ResourcePolicy.goesOnWithoutLimits(isRootless: rootless, kind, manager) == goes)
    }
}
