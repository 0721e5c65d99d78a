import Foundation
import Testing

/// A made-up machine with GPUs, and an image that looks libraries up.
private enum GPUs {
    static let isPossible = geteuid() == 0 && Machine.has("cc") && !Machine.isPodman
    static let reason: String = "needs root, for device nodes, and cc; podman has no discovery"

    private static let scripts = Machine.images + "/../Machine"

    static let tree = machine()
    static let windows = machine("wsl")

    private static func machine(_ words: String...) -> String {
        let path = Machine.scratch + "/" + (["gpus"] + words).joined(separator: "-")
        let command = Command(
            words: ["sh", scripts + "/gpu-tree.sh", path] + words, environment: ["PATH": Machine.path])
        let made = command.run()
        guard made.ok else { fatalError("gpu-tree.sh: \(made)") }
        return path
    }

    private static func image(_ words: String...) -> String {
        let name = (["gpu"] + words).joined(separator: "-")
        let path = Machine.scratch + "/\(name).tar"
        var command = Command(
            words: ["sh", scripts + "/gpu-image.sh", Machine.scratch + "/" + name, path] + words,
            environment: ["PATH": Machine.path])
        command.seconds = 120
        let made = command.run()
        guard made.ok else { fatalError("gpu-image.sh: \(made)") }
        chmod(path, 0o644)
        return path
    }
    static let plain = image()
    static let compatible = image("compat")
}

extension Pod {
    fileprivate static func withGPUs(_ account: Account, body: (Pod) throws -> Void) throws {
        try with(account) { pod in
            pod.environment["SWIFTPOD_DEVICE_ROOT"] = GPUs.tree
            try body(pod)
        }
    }

    /// The nodes of NVIDIA's that a container has.
    fileprivate func nodes(_ options: [String]) -> Output {
        sh(options, "cd /dev; ls -d nvidia* dri/* kfd 2>/dev/null | tr '\\n' ' '")
    }

    fileprivate func `import`(_ path: String, _ name: String) throws {
        let made = self("import", path, name, seconds: 120)
        guard made.ok else { throw Failure("import: \(made)") }
    }
}

@Suite(.enabled(if: GPUs.isPossible, "\(GPUs.reason)"))
struct GPUTests {
    static let common = "nvidia-modeset nvidia-uvm nvidia-uvm-tools"

    @Test("nodes", arguments: Account.all) func nodes(_ account: Account) throws {
        try Pod.withGPUs(account) { pod in
            let one = pod.nodes(["--gpus=device=GPU-11111111"])
            #expect(one.ok && one.out.contains("\(Self.common) nvidia0 nvidiactl"), "\(one)")
            #expect(!one.out.contains("nvidia1") && !one.out.contains("nvidia-caps"))
            let part = pod.nodes(["--device=nvidia.com/gpu=1:0"])
            #expect(part.out.contains("nvidia-caps \(Self.common) nvidia1 nvidiactl"), "\(part)")
            // They can be opened: one is /dev/zero, the other /dev/null.
            let opened = pod.sh(["--gpus", "2"], "echo x > /dev/nvidia0 && head -c 2 /dev/nvidia1 | od -An -tx1")
            #expect(opened.text.trimmingCharacters(in: .whitespaces) == "00 00", "\(opened)")
            #expect(pod.nodes([]).text.isEmpty)
            let off = pod.nodes(["--gpus=all", "--gpus=none"])
            #expect(off.ok && off.text.isEmpty, "\(off)")
        }
    }

    static let wrong: [(String, String)] = [
        ("--gpus=device=7", "Error: GPU 7: no such GPU; there are 0, 1, 1:0, 1:1, GPU-1"),
        ("--gpus=9", "Error: 9 GPUs are asked for, there are"),
        (
            "--device=nvidia.com/gpu=7",
            "Error: setting up CDI devices: unresolvable CDI device nvidia.com/gpu=7: no such"
        ),
        ("--device=nvidia.com/disk=7", "vendor nvidia.com has no class disk"),
        ("--device=vendor.com/gpu=7", "no specification of vendor vendor.com"),
        ("--gpus=fast=1", "unknown key fast"),
    ]

    @Test("what is not there", arguments: wrong) func errors(_ option: String, _ words: String) throws {
        try Pod.withGPUs(.unprivileged) { pod in
            let made = pod("run", "--rm", option, Pod.tiny, "true")
            #expect(made.code == 125 && made.err.contains(words), "\(made)")
            #expect(pod("ps", "-aq").text.isEmpty)
        }
    }

    @Test("libraries are found by the names that programs use", arguments: Account.all)
    func libraries(_ account: Account) throws {
        try Pod.withGPUs(account) { pod in
            try pod.import(GPUs.plain, "localhost/gpu")
            try pod.import(GPUs.compatible, "localhost/compat")
            func probe(_ library: String, _ function: String, _ image: String = "localhost/gpu", _ options: String...)
                -> String
            {
                pod(["run", "--rm", "--network=none"] + options + [image, "probe", library, function]).text
            }
            #expect(probe("libcuda.so.1", "cuInit") == "7", "the image's own")
            #expect(probe("libcuda.so.1", "cuInit", "localhost/gpu", "--gpus=1") == "42", "the driver's before it")
            #expect(probe("libcuda.so", "cuInit", "localhost/gpu", "--gpus=1") == "42")
            #expect(probe("libnvidia-ml.so", "nvmlInit", "localhost/gpu", "--gpus=1") == "43")
            // Nothing but the linker's cache leads into this directory.
            #expect(probe("libvdpau_nvidia.so.1", "vdpau", "localhost/gpu", "--gpus=1") == "47")
            #expect(probe("libown.so.3", "cuInit", "localhost/gpu", "--gpus=1") == "8", "the image's others")
            #expect(probe("libcuda.so.1", "cuInit", "localhost/gpu", "--gpus=1", "--read-only") == "42")
            #expect(probe("libcuda.so.1", "cuInit", "localhost/compat", "--gpus=1") == "99", "the image's newer CUDA")
            #expect(probe("libcuda.so.1", "cuInit", "localhost/compat") == "7")
            let link = pod.sh(["--gpus=1"], "cd /usr/lib/*-linux-gnu; ls -l libcuda.so.1 | grep -o '[^ ]*$'")
            #expect(link.text == "libcuda.so.580.95.05", "\(link)")
            let files = pod.sh(
                ["--gpus=1"],
                "/usr/bin/nvidia-smi; cat /etc/OpenCL/vendors/nvidia.icd; echo x 2>/dev/null > /usr/bin/nvidia-smi || echo ro"
            )
            #expect(files.text == "smi\nlibnvidia-opencl.so.1\nro", "\(files)")
        }
    }

    @Test("under Windows: one node, and the libraries where Windows shows them", arguments: Account.all)
    func windows(_ account: Account) throws {
        try Pod.with(account) { pod in
            pod.environment["SWIFTPOD_DEVICE_ROOT"] = GPUs.windows
            try pod.import(GPUs.plain, "localhost/gpu")
            func run(_ words: String..., options: [String] = ["--gpus=all"]) -> Output {
                pod(["run", "--rm", "--network=none"] + options + ["localhost/gpu"] + words)
            }
            // The node is /dev/zero.
            let opened = run(
                "/bin/sh", "-c", "ls -d /dev/dxg /dev/nvidia* 2>/dev/null; head -c 1 /dev/dxg | od -An -tx1")
            #expect(opened.text == "/dev/dxg\n 00", "\(opened)")
            #expect(run("probe", "libcuda.so.1", "cuInit").text == "42", "before the image's own")
            #expect(run("probe", "libcuda.so.1", "cuInit", options: []).text == "7")
            #expect(run("probe", "libnvidia-ml.so.1", "nvmlInit").text == "44")
            #expect(run("probe", "libdxcore.so", "core").text == "46")
            let files = run(
                "/bin/sh", "-c", "/usr/bin/nvidia-smi; cd /usr/lib/wsl/drivers; ls; ls */nvcubins.bin; ls */readme.txt")
            let store = "nv_dispi.inf_amd64_0123456789abcdef"
            #expect(files.out == "smi\n\(store)\n\(store)/nvcubins.bin\n", "\(files)")
            let count = run("true", options: ["--gpus=1"])
            #expect(count.code == 125 && count.err.contains("cannot be told apart here: --gpus all"), "\(count)")
            let one = run("true", options: ["--gpus=device=0"])
            #expect(one.code == 125 && one.err.contains("GPU 0: no such GPU; there are all"), "\(one)")
        }
    }

    @Test("the linker's cache is made once for an image") func kept() throws {
        try Pod.withGPUs(.unprivileged) { pod in
            for _ in 0..<2 { #expect(pod.sh(["--gpus=all"], "true").ok) }
            let cache = pod.directory + "/home/.local/share/swiftpod/cache"
            let names = try FileManager.default.contentsOfDirectory(atPath: cache)
            #expect(names.filter { $0.hasPrefix("linker-") }.count == 1)
            #expect(names.contains("devices.json") && names.contains("libraries.json"))
        }
    }

    @Test("a node of a group keeps the caller's groups; who has none is told why") func groups() throws {
        try Pod.withGPUs(.unprivileged) { pod in
            let words = ["run", "--rm", "--network=none", "--device=amd.com/gpu=0"]
            let script = ["/bin/sh", "-c", "head -c 1 /dev/dri/renderD130 | od -An -tx1; ls /dev/dri"]
            let refused = pod(words + [Pod.tiny] + script)
            #expect(refused.code == 125, "\(refused)")
            #expect(
                refused.err.contains(
                    "/dev/dri/renderD130 cannot be opened: permission denied (mode 660, owner 0, group 4242; members of "
                        + "that group may open it)") || refused.err.contains("/dev/kfd cannot be opened"), "\(refused)")
            var command = pod.command(words + [Pod.tiny] + script)
            let user = pod.account
            command.words =
                [
                    "/usr/bin/setpriv", "--reuid", "\(user.uid)", "--regid", "\(user.gid)", "--groups",
                    "\(user.gid),4242", "--",
                ]
                + command.words.dropFirst(user.prefix.count)
            let opened = command.run()
            // The display's node is nobody's: it is left out without a word.
            #expect(opened.ok && opened.out.contains("00\n") && !opened.out.contains("card2"), "\(opened)")
            #expect(opened.err.isEmpty, "\(opened)")
        }
    }

    @Test("Ray's workers") func ray() throws {
        try Pod.withGPUs(.unprivileged) { pod in
            let podman = pod.directory + "/bin/podman"
            func run(_ options: [String], environment: [String: String] = [:]) -> Output {
                var command = Command(
                    words: pod.account.prefix
                        + [podman, "run", "--rm", "--network=host", "--pid=host", "--ipc=host", "--userns=keep-id"]
                        + options + [
                            "--entrypoint", "sh", Pod.tiny, "-c", "ls /dev | grep nvidia[0-9]; env | grep CUDA",
                        ],
                    environment: pod.environment.merging(environment) { $1 }, directory: pod.files)
                command.seconds = 60
                return command.run()
            }
            let worker = ["--env", "RAY_JOB_ID=01000000", "--env", "CUDA_VISIBLE_DEVICES=1"]
            #expect(run(worker).text == "nvidia0\nnvidia1\nCUDA_VISIBLE_DEVICES=1", "\(run(worker))")
            #expect(run([]).text.isEmpty)
            #expect(run(worker + ["--gpus=none"]).text == "CUDA_VISIBLE_DEVICES=1")
            #expect(run(worker, environment: ["SWIFTPOD_GPUS": "none"]).text == "CUDA_VISIBLE_DEVICES=1")
            #expect(run(worker, environment: ["NVIDIA_VISIBLE_DEVICES": "1"]).text == "nvidia1\nCUDA_VISIBLE_DEVICES=1")
            #expect(run(["--env", "NVIDIA_VISIBLE_DEVICES=0"]).text == "nvidia0")
            // A pod that has two parts of GPUs by their UUIDs; one of them could be either.
            let parts = run(worker, environment: ["NVIDIA_VISIBLE_DEVICES": "MIG-a,MIG-b"])
            #expect(parts.text == "nvidia1\nCUDA_VISIBLE_DEVICES=1", "\(parts)")
            let either = run(worker, environment: ["NVIDIA_VISIBLE_DEVICES": "MIG-a"])
            #expect(either.text == "CUDA_VISIBLE_DEVICES=1", "\(either)")
            #expect(
                either.err.hasPrefix("Warning: GPUs are left out: ") && either.err.contains("name it as GPU:PART"),
                "\(either)")
            // A machine without GPUs runs them all the same, and says nothing.
            let bare = run(worker, environment: ["SWIFTPOD_DEVICE_ROOT": pod.files])
            #expect(bare.text == "CUDA_VISIBLE_DEVICES=1" && bare.err.isEmpty, "\(bare)")
        }
    }

    /// A made-up machine is looked at by the launcher, too, and documents are read where the command line says.
    @Test("workers of a launcher get them as run's do") func launched() throws {
        try Pod.withGPUs(.unprivileged) { pod in
            let documents = pod.makeDirectory("cdi")
            pod.write(
                "cdi/own.json",
                """
                {"cdiVersion": "0.6.0", "kind": "vendor.example/thing",
                 "devices": [{"name": "one", "containerEdits": {"env": ["THING=one"]}}]}
                """)
            let socket = pod.files + "/service.sock"
            let service = try pod.start("--cdi-spec-dir", documents, "service", "--socket", socket)
            defer { service.signal(SIGTERM) }
            #expect(service.waits(for: socket))
            func nodes(_ members: String) throws -> String {
                let log = pod.files + "/log"
                try? FileManager.default.removeItem(atPath: log)
                let body =
                    #"{"image": "\#(Pod.tiny)", "arguments": ["echo $(ls /dev | grep nvidia[0-9]) $THING."], "#
                    + #""streams": {"stdout": {"file": "\#(log)"}}, \#(members)}"#
                let launched = pod.tool(
                    "curl", "-s", "--unix-socket", socket, "-d", body, "http://localhost/v1/workers")
                #expect(launched.out.contains("container_id"), "\(launched)")
                func said() -> String { pod.read("log") ?? "" }
                #expect(eventually { said().hasSuffix(".\n") }, "\(launched)")
                return said().trimmingCharacters(in: .whitespacesAndNewlines)
            }
            func shell(_ more: String = "") -> String { #""options": {"entrypoint": ["sh", "-c"]\#(more)}"# }
            #expect(try nodes(shell()) == ".")
            #expect(
                try nodes(shell(#", "devices": ["nvidia.com/gpu=1", "vendor.example/thing=one"]"#)) == "nvidia1 one.")
            #expect(try nodes(shell() + #", "run_options": ["--gpus device=0"]"#) == "nvidia0 .")
            #expect(try nodes(shell() + #", "environment": {"RAY_JOB_ID": "01000000"}"#) == "nvidia0 nvidia1 .")
        }
    }

    @Test(
        "near a GPU",
        .enabled(
            if: access("/proc/self/numa_maps", F_OK) == 0 && sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1,
            "needs two processors and NUMA"))
    func near() throws {
        try Pod.withGPUs(.unprivileged) { pod in
            let script =
                "grep Cpus_allowed_list /proc/self/status; grep -o 'prefer[^ ]*' /proc/self/numa_maps | head -n 1"
            let near = pod.sh(["--gpus=device=0,numa=near"], script)
            #expect(near.ok && near.out.hasPrefix("Cpus_allowed_list:\t1\n") && near.out.contains("prefer"), "\(near)")
            let both = pod.sh(["--gpus=all,numa=near"], "true")
            #expect(both.ok && both.err.contains("near different NUMA nodes"), "\(both)")
        }
    }

    @Test("inspect shows the nodes") func inspect() throws {
        try Pod.withGPUs(.root) { pod in
            let made = pod("create", "--name=g", "--gpus=device=0", "--device=/dev/null:/dev/other:r", Pod.tiny, "true")
            #expect(made.ok, "\(made)")
            let devices = pod.inspect(
                "g", "{{range .HostConfig.Devices}}{{.PathOnHost}} {{.PathInContainer}} {{.CgroupPermissions}}|{{end}}")
            #expect(devices.contains("/dev/null /dev/other r|"), "\(devices)")
            #expect(devices.contains("\(GPUs.tree)/dev/nvidia0 /dev/nvidia0 rwm|"), "\(devices)")
            #expect(pod("start", "-a", "g").ok)
        }
    }
}

/// Devices that documents describe.
@Suite(.enabled(if: !Machine.isPodman, "podman 4 has no --cdi-spec-dir"))
struct CDITests {
    static func document(_ device: String, _ edits: String, version: String = "0.6.0") -> String {
        "cdiVersion: \(version)\nkind: vendor.com/dev\ndevices:\n- name: \(device)\n  containerEdits:\n\(edits)"
    }

    @Test("a document's edits are all made", arguments: Account.all) func edits(_ account: Account) throws {
        try Pod.with(account) { pod in
            pod.makeDirectory("cdi")
            pod.write("mounted", "from the host\n")
            pod.write(
                "cdi/vendor.yaml",
                Self.document(
                    "one",
                    """
                        env: [DEVICE=one]
                        deviceNodes:
                        - path: /dev/vendor/node
                          hostPath: /dev/zero
                        mounts:
                        - hostPath: \(pod.files)/mounted
                          containerPath: /vendor/file
                          options: [ro, bind]

                    """) + "containerEdits:\n  env: [ALL=yes]\n")
            pod.write("cdi/broken.json", "{")
            let run = pod.sh(
                ["--cdi-spec-dir=cdi", "--device=vendor.com/dev=one"],
                "echo $DEVICE $ALL; head -c 1 /dev/vendor/node | od -An -tx1; cat /vendor/file; echo x 2>/dev/null > /vendor/file || echo ro"
            )
            #expect(run.text == "one yes\n 00\nfrom the host\nro", "\(run)")
            let missing = pod("--cdi-spec-dir=cdi", "run", "--rm", "--device=other.com/dev=one", Pod.tiny, "true")
            #expect(missing.code == 125 && missing.err.contains("\(pod.files)/cdi/broken.json: "), "\(missing)")
            pod.write("cdi/second.yaml", Self.document("one", "    env: [A=b]\n"))
            let conflict = pod("--cdi-spec-dir=cdi", "run", "--rm", "--device=vendor.com/dev=one", Pod.tiny, "true")
            #expect(conflict.code == 125 && conflict.err.contains("conflicting definitions in"), "\(conflict)")
            pod.makeDirectory("later")
            pod.write("later/v.yaml", Self.document("one", "    env: [DEVICE=later]\n"))
            let later = pod.sh(
                ["--cdi-spec-dir=cdi", "--cdi-spec-dir=later", "--device=vendor.com/dev=one"], "echo $DEVICE")
            #expect(later.text == "later", "\(later)")
            let gone = Self.document("gone", "    deviceNodes:\n    - path: /dev/nonexistent\n")
            pod.write("later/w.yaml", gone.replacingOccurrences(of: "vendor.com/dev", with: "w.com/dev"))
            let absent = pod("--cdi-spec-dir=later", "run", "--rm", "--device=w.com/dev=gone", Pod.tiny, "true")
            #expect(absent.err.contains("device /dev/nonexistent: no such file or directory"), "\(absent)")
        }
    }

    @Test("hooks of others are run at their points; one that fails fails the start", arguments: Account.all)
    func hooks(_ account: Account) throws {
        try Pod.with(account) { pod in
            pod.makeDirectory("cdi")
            let log = pod.write("log", "", mode: 0o666)
            // Read by a shell: a program that this process has just written may be busy, held by a child of another test's.
            let script = pod.write(
                "hook",
                "state=$(cat)\necho \"$1 $(echo \"$state\" | grep -o '\"status\":\"[a-z]*\"') $FROM\" >> \(log)\n",
                mode: 0o644)
            func document(_ name: String, _ points: [String], _ words: String) -> String {
                let hooks = points.map {
                    "    - hookName: \($0)\n      path: /bin/sh\n      args: [sh, \(words), \($0)]\n      env: [FROM=cdi, PATH=/usr/bin:/bin]\n      timeout: 20\n"
                }
                return Self.document(name, "    hooks:\n" + hooks.joined())
            }
            pod.write(
                "cdi/a.yaml", document("all", ["createRuntime", "createContainer", "poststart", "poststop"], script))
            pod.write("cdi/b.yaml", document("bad", ["createRuntime"], "-c, exit 1"))
            let run = pod.sh(["--cdi-spec-dir=cdi", "--device=vendor.com/dev=all"], "echo ran")
            #expect(run.text == "ran", "\(run)")
            #expect(
                pod.read("log") == """
                    createRuntime "status":"creating" cdi
                    createContainer "status":"creating" cdi
                    poststart "status":"running" cdi
                    poststop "status":"stopped" cdi

                    """, "\(pod.read("log") ?? "")")
            pod.write(
                "cdi/c.yaml",
                Self.document(
                    "inside",
                    "    hooks:\n    - {hookName: startContainer, path: /bin/sh, args: [sh, -c, cat > /told]}\n"))
            let inside = pod.sh(
                ["--cdi-spec-dir=cdi", "--device=vendor.com/dev=inside"], "grep -o '\"status\":\"[a-z]*\"' /told")
            #expect(inside.text == "\"status\":\"created\"", "a program of the image: \(inside)")
            let bad = pod.sh(["--cdi-spec-dir=cdi", "--device=vendor.com/dev=bad"], "echo ran")
            #expect(
                bad.code == 125 && bad.err.contains("createRuntime hook failed") && bad.err.contains("/bin/sh"),
                "\(bad)")
            #expect(pod("ps", "-aq").text.isEmpty)
        }
    }

    @Test("generate, list, validate", .enabled(if: GPUs.isPossible, "\(GPUs.reason)")) func verbs() throws {
        try Pod.with(.unprivileged) { pod in
            pod.environment["SWIFTPOD_DEVICE_ROOT"] = GPUs.tree
            pod.makeDirectory("cdi")
            let listed = pod("cdi", "list")
            #expect(
                listed.lines.contains("nvidia.com/gpu=1:0") && listed.lines.contains("intel.com/npu=all"), "\(listed)")
            #expect(pod("cdi", "generate", "--output", "cdi").ok)
            #expect(pod("cdi", "generate", "--output", "cdi", "--format=json", "--vendor=amd.com").ok)
            pod.tool("rm", "cdi/amd.com-gpu.yaml")
            // The documents say all that discovery found, without it.
            pod.environment["SWIFTPOD_DEVICE_ROOT"] = pod.files
            let checked = pod("--cdi-spec-dir=cdi", "cdi", "validate")
            #expect(checked.ok && checked.lines.count == 4, "\(checked)")
            #expect(pod("--cdi-spec-dir=cdi", "cdi", "list").text == listed.text)
            try pod.import(GPUs.plain, "localhost/gpu")
            let probe = pod(
                "--cdi-spec-dir=cdi", "run", "--rm", "--device=nvidia.com/gpu=0", "localhost/gpu", "probe",
                "libcuda.so.1", "cuInit")
            #expect(probe.text == "42", "\(probe)")
            pod.write("cdi/bad.yaml", "cdiVersion: 0.6.0\nkind: v.com/c\ndevices: []\nmore: 1\n")
            let bad = pod("cdi", "validate", "cdi/bad.yaml")
            #expect(
                bad.code == 1 && bad.err == "Error: cdi/bad.yaml: more is not a member that CDI knows\n", "\(bad)")
        }
    }
}
