import Cgroups
import OCISpec
import Testing

/// One `linux.resources` and the lines it must become, or the error it must be.
struct TranslationRow: CustomTestStringConvertible, Sendable {
    let json: String
    let lines: [String]
    var error: String?

    init(_ json: String, _ lines: [String]) {
        self.json = json
        self.lines = lines
    }

    init(_ json: String, fails error: String) {
        self.json = json
        lines = []
        self.error = error
    }

    var testDescription: String { json }
}

@Suite struct ResourceTranslationTests {
    static let rows: [TranslationRow] = [
        .init("{}", []),
        .init(#"{"memory":null,"cpu":{}}"#, []),
        // Memory: v1's sum becomes swap alone.
        .init(#"{"memory":{"limit":67108864}}"#, ["memory.max=67108864"]),
        .init(
            #"{"memory":{"limit":67108864,"swap":134217728,"reservation":1048576}}"#,
            ["memory.max=67108864", "memory.swap.max=67108864", "memory.low=1048576"]),
        .init(#"{"memory":{"limit":1000,"swap":1000}}"#, ["memory.max=1000", "memory.swap.max=0"]),
        .init(#"{"memory":{"limit":1000,"swap":-1}}"#, ["memory.max=1000", "memory.swap.max=max"]),
        .init(#"{"memory":{"limit":-1}}"#, ["memory.max=max", "memory.swap.max=max"]),
        .init(#"{"memory":{"limit":-1,"swap":5000}}"#, ["memory.max=max", "memory.swap.max=max"]),
        .init(#"{"memory":{"limit":0}}"#, []),
        .init(#"{"memory":{"limit":18446744073709551615}}"#, ["memory.max=max", "memory.swap.max=max"]),
        .init(#"{"memory":{"swap":1000}}"#, fails: "cannot set swap limit without the memory limit"),
        .init(
            #"{"memory":{"limit":1000,"swap":999}}"#,
            fails: "cannot set memory+swap limit less than the memory limit"),
        .init(#"{"memory":{"swappiness":10}}"#, fails: "cannot set memory swappiness with cgroup v2"),
        .init(#"{"memory":{"kernel":10}}"#, fails: "cannot set kernel memory with cgroup v2"),
        .init(#"{"memory":{"disableOOMKiller":true}}"#, fails: "cannot disable OOM killer with cgroup v2"),
        .init(#"{"memory":{"disableOOMKiller":false}}"#, []),
        .init(#"{"memory":{"limit":"1g"}}"#, fails: "linux.resources.memory.limit is not an integer"),
        .init(#"{"memory":[]}"#, fails: "linux.resources.memory is not an object"),
        // CPU.
        .init(#"{"cpu":{"shares":1024}}"#, ["cpu.weight=100"]),
        .init(#"{"cpu":{"shares":2}}"#, ["cpu.weight=1"]),
        .init(#"{"cpu":{"shares":262144}}"#, ["cpu.weight=10000"]),
        .init(#"{"cpu":{"shares":1000000}}"#, ["cpu.weight=10000"]),
        .init(#"{"cpu":{"shares":0}}"#, []),
        .init(#"{"cpu":{"quota":50000,"period":100000}}"#, ["cpu.max=50000 100000"]),
        .init(#"{"cpu":{"quota":50000}}"#, ["cpu.max=50000 100000"]),
        .init(#"{"cpu":{"period":20000}}"#, ["cpu.max=max 20000"]),
        .init(#"{"cpu":{"quota":-1}}"#, ["cpu.max=max 100000"]),
        .init(
            #"{"cpu":{"quota":50000,"period":100000,"burst":25000}}"#,
            ["cpu.max=50000 100000", "cpu.max.burst=25000"]),
        .init(#"{"cpu":{"shares":1024,"idle":1}}"#, ["cpu.weight=100", "cpu.idle=1"]),
        .init(#"{"cpu":{"cpus":"0-1,3","mems":"0"}}"#, ["cpuset.cpus=0-1,3", "cpuset.mems=0"]),
        .init(#"{"cpu":{"cpus":"0\n1"}}"#, fails: "invalid list \"0\\u{a}1\" for cpuset.cpus"),
        .init(#"{"cpu":{"realtimeRuntime":95000}}"#, fails: "realtime runtime not supported on cgroup v2"),
        .init(#"{"cpu":{"realtimePeriod":1000000}}"#, fails: "realtime period not supported on cgroup v2"),
        // Processes.
        .init(#"{"pids":{"limit":64}}"#, ["pids.max=64"]),
        .init(#"{"pids":{"limit":0}}"#, ["pids.max=max"]),
        .init(#"{"pids":{"limit":-1}}"#, ["pids.max=max"]),
        // Block devices.
        .init(#"{"blockIO":{"weight":500}}"#, ["io.bfq.weight=500|io.weight=4950"]),
        .init(#"{"blockIO":{"weight":10}}"#, ["io.bfq.weight=10|io.weight=1"]),
        .init(#"{"blockIO":{"weight":1000}}"#, ["io.bfq.weight=1000|io.weight=10000"]),
        .init(
            #"{"blockIO":{"weight":1001}}"#, fails: "invalid block IO weight 1001: must be between 10 and 1000"),
        .init(
            #"{"blockIO":{"weightDevice":[{"major":8,"minor":0,"weight":100}]}}"#,
            ["io.bfq.weight=8:0 100|io.weight=8:0 910"]),
        .init(#"{"blockIO":{"leafWeight":10}}"#, fails: "cannot set leaf_weight with cgroup v2"),
        .init(
            """
            {"blockIO":{"throttleReadBpsDevice":[{"major":8,"minor":0,"rate":1048576}],\
            "throttleWriteBpsDevice":[{"major":8,"minor":0,"rate":0}],\
            "throttleReadIOPSDevice":[{"major":8,"minor":16,"rate":10}],\
            "throttleWriteIOPSDevice":[{"major":8,"minor":16,"rate":20}]}}
            """,
            ["io.max=8:0 rbps=1048576", "io.max=8:0 wbps=max", "io.max=8:16 riops=10", "io.max=8:16 wiops=20"]),
        .init(
            #"{"blockIO":{"throttleReadBpsDevice":[{"rate":1}]}}"#,
            fails: "a limit of a block device needs its major and minor number"),
        // The rest.
        .init(#"{"hugepageLimits":[{"pageSize":"2MB","limit":4194304}]}"#, ["hugetlb.2MB.max=4194304"]),
        .init(
            #"{"hugepageLimits":[{"pageSize":"../x","limit":1}]}"#, fails: "invalid huge page size \"../x\""),
        .init(
            #"{"rdma":{"mlx5_1":{"hcaHandles":3,"hcaObjects":10000}}}"#,
            ["rdma.max=mlx5_1 hca_handle=3 hca_object=10000"]),
        .init(#"{"network":{"classID":1}}"#, fails: "network class and priorities are not supported on cgroup v2"),
        // v2's own words come last.
        .init(
            #"{"unified":{"memory.high":"33554432","misc.max":"res_a 1"},"memory":{"limit":67108864}}"#,
            ["memory.max=67108864", "memory.high=33554432", "misc.max=res_a 1"]),
        .init(#"{"unified":{"../memory.max":"1"}}"#, fails: "invalid cgroup file name \"../memory.max\""),
        .init(#"{"unified":{"cgroup.procs":"1"}}"#, fails: "invalid cgroup file name \"cgroup.procs\""),
        .init(#"{"unified":{"cgroup.freeze":"1"}}"#, fails: "invalid cgroup file name \"cgroup.freeze\""),
        .init(#"{"unified":{"memory.max":1}}"#, fails: "linux.resources.unified.memory.max is not a string"),
    ]

    @Test(arguments: rows) func translates(_ row: TranslationRow) throws {
        let resources = try JSON(parsing: Array(row.json.utf8))
        do throws(CgroupError) {
            let settings = try ResourceTranslation.settings(resources)
            let lines = settings.map { setting in
                setting.description + (setting.also.map { "|\($0.file)=\($0.value)" } ?? "")
            }
            #expect(row.error == nil)
            #expect(lines == row.lines)
        } catch {
            #expect(error.description == row.error)
        }
    }

    @Test func weightNeverFallsAsSharesRise() {
        var last: UInt64 = 0
        for shares in stride(from: UInt64(2), through: 262_144, by: 7) {
            let weight = ResourceTranslation.weight(shares: shares)
            #expect(weight >= last && (1...10_000).contains(weight))
            last = weight
        }
    }

    @Test func controllersOfFiles() throws {
        let settings = try ResourceTranslation.settings(
            try JSON(
                parsing: Array(
                    #"{"cpu":{"cpus":"0","shares":9},"blockIO":{"weight":50},"unified":{"cgroup.max.depth":"1"}}"#.utf8)
            ))
        #expect(settings.controllers == ["cpu", "cpuset", "io"])
    }
}
