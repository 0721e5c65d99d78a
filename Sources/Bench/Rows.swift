import Glibc
import LinuxKernel

/// Which rows there are on this machine.
struct Rows {
    let fixtures: Fixtures
    let stopwatch: Stopwatch
    /// The swiftpod that is measured.
    let program: String
    /// What was left out, and why.
    var omitted: [String] = []

    init(_ fixtures: Fixtures, _ stopwatch: Stopwatch, program: String) {
        self.fixtures = fixtures
        self.stopwatch = stopwatch
        self.program = program
    }

    /// The floor's levels, each adding to those before; the last one stands beside them.
    static let floorLevels = ["spawn", "userns", "namespaces", "rootfs", "overlay", "mounts", "network"]

    /// Every row that works here.
    mutating func all(peers: Bool) throws -> [Row] {
        var rows = floors()
        rows += try ours()
        if peers { rows += try others() }
        return try rows.filter { row in
            guard let failure = try trial(row) else { return true }
            if row.kind == .floor { throw BenchError("\(row.name): \(failure)") }
            omitted.append("\(row.name): \(failure)")
            return false
        }
    }

    func floors() -> [Row] {
        (Rows.floorLevels + ["worker"]).map { level in
            // Before the root changes, the same program has another path.
            let isInside = Rows.floorLevels.firstIndex(of: level) ?? 9 >= 3
            let command = isInside ? "/bin/true" : fixtures.rootfs + "/bin/true"
            return Row(
                name: "floor " + level, kind: .floor, floor: nil,
                commands: [
                    Command([fixtures.floor, level, fixtures.rootfs, fixtures.scratch.path + "/floor.d", command])
                ])
        }
    }

    // MARK: - swiftpod

    func ours() throws -> [Row] {
        for archive in [fixtures.oneLayer, fixtures.manyLayers] {
            if let failure = try complaint([Command([program, "load", "-q", "-i", archive])]) {
                throw BenchError("swiftpod load: \(failure)")
            }
        }
        func run(_ options: [String], _ image: String = Fixtures.image) -> [Command] {
            [Command([program, "run", "--rm"] + options + [image, "/bin/true"])]
        }
        let worker = ["--network=host", "--pid=host", "--ipc=host", "--userns=keep-id", "--cgroup-manager=cgroupfs"]
        let bundle = fixtures.bundle
        let create = [
            Command([program, "oci", "create", "--bundle", bundle, "%ID%"]),
            Command([program, "oci", "start", "%ID%"]), Command([program, "oci", "delete", "--force", "%ID%"]),
        ]
        return [
            Row(name: Rows.main, kind: .swiftpod, floor: "floor network", commands: run(["--network=none"])),
            Row(
                name: "swiftpod run --network=host", kind: .swiftpod, floor: "floor mounts",
                commands: run(["--network=host"])),
            Row(
                name: "swiftpod run, 40 layers", kind: .swiftpod, floor: "floor network",
                commands: run(["--network=none"], Fixtures.layered)),
            Row(name: "swiftpod worker", kind: .swiftpod, floor: "floor worker", commands: run(worker)),
            Row(
                name: "swiftpod OCI run", kind: .swiftpod, floor: "floor network",
                commands: [Command([program, "oci", "run", "--bundle", bundle, "%ID%"])]),
            Row(name: "swiftpod OCI create+start+delete", kind: .swiftpod, floor: "floor network", commands: create),
            library("library launch", .launch), library("library launch from 1 GiB", .launch, ballast: 1 << 30),
            library("pool acquire", .acquire),
        ]
    }

    /// A start by a program that runs already. Of a pool nothing but the exec is left to do.
    private func library(_ name: String, _ start: LibraryClient.Start, ballast: Int = 0) -> Row {
        var row = Row(name: name, kind: .swiftpod, floor: start == .launch ? "floor worker" : nil, commands: [])
        row.client = LibraryClient(start, ballast: ballast, program: program)
        return row
    }

    /// The row that the product is judged by.
    static let main = "swiftpod run --network=none"

    // MARK: - Peers

    private mutating func others() throws -> [Row] {
        var rows: [Row] = []
        for (name, options) in [("crun", ["--cgroup-manager=disabled"]), ("runc", []), ("youki", [])] {
            guard let path = fixtures.scratch.program(name) else { continue }
            rows += runtime(name, [path] + options)
        }
        if let bwrap = fixtures.scratch.program("bwrap") {
            rows.append(
                Row(
                    name: "bwrap --unshare-all", kind: .peer, floor: "floor network",
                    commands: [
                        Command([
                            bwrap, "--unshare-all", "--uid", "0", "--gid", "0", "--bind", fixtures.rootfs, "/",
                            "--proc", "/proc", "--dev", "/dev", "--mqueue", "/dev/mqueue", "/bin/true",
                        ])
                    ]))
        }
        for name in ["podman", "docker", "nerdctl"] {
            guard let path = fixtures.scratch.program(name) else { continue }
            rows += try engine(name, path)
        }
        return rows
    }

    private func runtime(_ name: String, _ words: [String]) -> [Row] {
        let base = words + ["--root", fixtures.scratch.path + "/run/" + name]
        return [
            Row(
                name: "\(name) run", kind: .peer, floor: "floor network",
                commands: [Command(base + ["run", "--bundle", fixtures.bundle, "%ID%"])]),
            Row(
                name: "\(name) create+start+delete", kind: .peer, floor: "floor network",
                commands: [
                    Command(base + ["create", "--bundle", fixtures.bundle, "%ID%"]), Command(base + ["start", "%ID%"]),
                    Command(base + ["delete", "--force", "%ID%"]),
                ]),
        ]
    }

    private mutating func engine(_ name: String, _ path: String) throws -> [Row] {
        var words = [path]
        var environment: [(name: String, value: String)] = []
        if name == "podman" {
            words += ["--events-backend=file", "--cgroup-manager=cgroupfs"]
            environment = [("STORAGE_DRIVER", "overlay")]
        }
        for archive in [fixtures.oneLayer, fixtures.manyLayers] {
            if let failure = try complaint([Command(words + ["load", "-i", archive])], adding: environment) {
                omitted.append("\(name): load: \(failure)")
                return []
            }
        }
        func run(_ network: String, _ image: String) -> [Command] {
            [Command(words + ["run", "--rm", "--network=\(network)", image, "/bin/true"])]
        }
        return [
            ("\(name) run --network=none", "floor network", run("none", Fixtures.image)),
            ("\(name) run --network=host", "floor mounts", run("host", Fixtures.image)),
            ("\(name) run, 40 layers", "floor network", run("none", Fixtures.layered)),
        ].map {
            Row(name: $0.0, kind: .peer, floor: $0.1, commands: $0.2, environment: environment, isSlow: true)
        }
    }

    // MARK: - Trying

    private func trial(_ row: Row) throws -> String? {
        if let client = row.client {
            defer { client.end() }
            return try client.lap().failure
        }
        return try complaint(row.commands.map { $0.named("bench-trial") }, adding: row.environment)
    }

    /// Runs commands and says why one failed: the last line that was written, nil where none did.
    func complaint(_ commands: [Command], adding more: [(name: String, value: String)] = []) throws -> String? {
        let file = try OwnedDescriptor.memoryFile(named: "stderr")
        let lap = try stopwatch.run([commands], adding: more, errors: file.raw)[0]
        guard let failure = lap.failure else { return nil }
        lseek(file.raw, 0, SEEK_SET)
        let lines = try file.readAll(limit: 1 << 20).split(separator: 0x0a)
        return lines.last.map { String(decoding: $0, as: UTF8.self) } ?? failure
    }
}
