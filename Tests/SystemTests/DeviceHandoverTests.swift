import Foundation
import Testing

/// Edits of CDI documents that somebody outside of the container carries out.
@Suite(.enabled(if: !Machine.isPodman, "podman 4 has no --cdi-spec-dir"))
struct DeviceHandoverTests {
    private static func document(_ name: String, _ edits: String) -> String {
        CDITests.document(name, edits, version: "1.1.0")
    }

    private static let interface = document(
        "nic", "    netDevices:\n    - hostInterfaceName: v0\n      name: net7\n")

    @Test("a network interface moves into the container, renamed", .needs(.program("ip")), .needs(.root))
    func networkInterface() throws {
        try Pod.with(.root) { pod in
            pod.makeDirectory("cdi")
            pod.write("cdi/nic.yaml", Self.interface)
            // In a network namespace of this test's own.
            let script =
                "ip link add v0 type veth peer name v1 && ip addr add 10.9.8.7/24 dev v0 && ip link set v0 up; "
                + #""$@"; code=$?; ip -o link show; exit $code"#
            func run(_ options: [String]) -> Output {
                var command = pod.command(
                    ["--cdi-spec-dir=cdi", "run", "--rm", "--device=vendor.com/dev=nic"] + options
                        + [Pod.tiny, "sh", "-c", "cat /proc/net/dev; grep -c 10.9.8.7 /proc/net/fib_trie"])
                command.words = ["unshare", "--net", "sh", "-c", script, "sh"] + command.words
                return command.run()
            }
            // The second would need no supervisor but for the interface.
            for options in [["--network=none"], ["--network=none", "--pid=host", "--log-driver=none"]] {
                let out = run(options)
                #expect(out.ok && out.out.contains("net7:"), "\(out)")
                #expect(out.lines.contains { $0 == "2" || $0 == "3" }, "its address, routed because it is up: \(out)")
                #expect(!out.lines.contains { $0.contains(": v0") }, "it has left: \(out)")
            }
            let host = run(["--network=host"])
            #expect(
                host.code == 125 && host.err.contains("v0 moves into a network namespace of the container's own"),
                "\(host)")
            #expect(host.lines.contains { $0.contains(": v0") }, "it has stayed: \(host)")
            pod.write("cdi/nic.yaml", Self.interface.replacingOccurrences(of: "v0", with: "nosuch0"))
            let absent = run(["--network=none"])
            #expect(absent.code == 125 && absent.err.contains("nosuch0: no such device"), "\(absent)")
            #expect(pod("ps", "-aq").text.isEmpty)
        }
    }

    @Test("anybody but root is told why no interface can move") func unprivileged() throws {
        try Pod.with(.unprivileged) { pod in
            pod.makeDirectory("cdi")
            pod.write("cdi/nic.yaml", Self.interface)
            let run = pod.sh(["--cdi-spec-dir=cdi", "--device=vendor.com/dev=nic"], "true")
            #expect(
                run.code == 125
                    && run.err
                        == "Error: setting up CDI devices: vendor.com/dev=nic: to move network interface v0 into "
                        + "a container takes CAP_NET_ADMIN over the host's network: run as root\n",
                "\(run)")
        }
    }

    @Test("shares of caches: the container's process is put in the group", arguments: Account.all)
    func resourceGroup(_ account: Account) throws {
        try Pod.with(account) { pod in
            pod.makeDirectory("cdi")
            pod.write("cdi/rdt.yaml", Self.document("gold", "    intelRdt:\n      closID: gold\n"))
            pod.write("cdi/own.yaml", Self.document("own", "    intelRdt:\n      l3CacheSchema: 'L3:0=f'\n"))
            pod.environment["SWIFTPOD_DEVICE_ROOT"] = pod.files
            let absent = pod.sh(["--cdi-spec-dir=cdi", "--device=vendor.com/dev=gold"], "true")
            #expect(
                absent.code == 125
                    && absent.err.contains("=gold: linux.intelRdt: the resctrl file system is not mounted"),
                "\(absent)")
            // What the kernel would read stands in these files.
            for name in ["sys", "sys/fs", "sys/fs/resctrl", "sys/fs/resctrl/gold"] { pod.makeDirectory(name) }
            for name in ["schemata", "gold/schemata", "gold/tasks"] { pod.write("sys/fs/resctrl/" + name, "") }
            let id = try pod.background(["--cdi-spec-dir=cdi", "--device=vendor.com/dev=gold"])
            #expect(pod.read("sys/fs/resctrl/gold/tasks") == "\(pod.hostPID(id))")
            #expect(pod("rm", "-f", "-t0", id).ok)
            // No kernel makes a group's files here.
            let own = pod.sh(["--cdi-spec-dir=cdi", "--device=vendor.com/dev=own"], "true")
            #expect(own.code == 125 && own.err.contains("set schema L3:0=f"), "\(own)")
            let left = try FileManager.default.contentsOfDirectory(atPath: pod.files + "/sys/fs/resctrl").sorted()
            #expect(left == ["gold", "schemata"])
        }
    }
}
