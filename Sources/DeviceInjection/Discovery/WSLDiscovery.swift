/// NVIDIA's GPUs under the Windows Subsystem for Linux: one node for all of them, and the driver's libraries from where
/// Windows shows them.
struct WSLDiscovery {
    private(set) var specifications: [CDISpecification] = []

    /// nil elsewhere.
    init?(in tree: HostTree) {
        guard tree.isCharacterDevice("/dev/dxg"), let kind = try? CDIKind(NvidiaDiscovery.kind) else { return nil }
        // The driver store has a directory a driver; the one with CUDA is NVIDIA's.
        let store = tree.names(in: "/usr/lib/wsl/drivers").map { "/usr/lib/wsl/drivers/\($0)" }
            .first { tree.exists("\($0)/libcuda.so.1.1") }
        guard let store else { return nil }
        var edits = ContainerEdits()
        edits.env = ["NVIDIA_VISIBLE_DEVICES=void"]
        let own = tree.names(in: store).filter { name in
            name.hasSuffix(".so") || name.hasSuffix(".bin") || name.hasSuffix(".dll") || name == "nvidia-smi"
                || name.split(separator: ".").contains("so")
        }
        for path in own.map({ "\(store)/\($0)" }) + ["/usr/lib/wsl/lib/libdxcore.so"] where tree.exists(path) {
            edits.mounts.append(
                .init(
                    hostPath: tree.host(path), containerPath: path,
                    options: ["ro", "nosuid", "nodev", "rbind", "rprivate"]))
        }
        if own.contains("nvidia-smi") {
            edits.hooks.append(DriverSetup.hook([.init(target: "\(store)/nvidia-smi", path: "/usr/bin/nvidia-smi")]))
        }
        edits.hooks.append(
            DriverSetup.hook("update-ldcache", ["--folder", store, "--folder", "/usr/lib/wsl/lib"]))
        var node = ContainerEdits()
        node.add(node: "/dev/dxg", in: tree)
        specifications = [CDISpecification(kind: kind, devices: [.init(name: "all", edits: node)], edits: edits)]
    }
}
