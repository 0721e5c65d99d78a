/// NVIDIA's GPUs as CDI documents, in the shape that `nvidia-ctk cdi generate` gives them, from what the kernel and the
/// file system say: no program and no library of the vendor's is called.
struct NvidiaDiscovery {
    let tree: HostTree
    let driver: NvidiaDriver
    /// What a user should hear, a line each.
    private(set) var warnings: [String] = []
    private(set) var specifications: [CDISpecification] = []

    static let kind = "nvidia.com/gpu"

    /// nil where there is no driver, or no GPU that can be seen.
    ///
    /// - Parameter release: the kernel's, for the firmware's place.
    init?(in tree: HostTree, release: String) {
        guard let driver = NvidiaDriver(in: tree) else { return nil }
        self.tree = tree
        self.driver = driver
        let devices = gpuDevices()
        guard !devices.isEmpty, let kind = try? CDIKind(Self.kind) else { return nil }
        specifications = [CDISpecification(kind: kind, devices: devices, edits: common(release: release))]
        specifications += others()
        warnAboutNodes()
    }

    // MARK: - Devices

    /// By index, by UUID, each instance of a partitioned GPU, and all. A GPU without a node in /dev is not this
    /// process's to use: in a pod, /proc shows those of other pods as well.
    private func gpuDevices() -> [CDISpecification.Device] {
        var devices: [CDISpecification.Device] = []
        var uuids: [CDISpecification.Device] = []
        var all = ContainerEdits()
        for gpu in driver.gpus where tree.isCharacterDevice("/dev/nvidia\(gpu.minor)") {
            var own = ContainerEdits()
            own.add(node: "/dev/nvidia\(gpu.minor)", in: tree)
            var whole = own
            whole.merge(DRMNodes(gpu.address, in: tree).edits(in: tree))
            var parts: [CDISpecification.Device] = []
            for (number, instance) in gpu.instances.enumerated()
            where instance.nodes.allSatisfy(tree.isCharacterDevice) {
                var part = own
                for node in instance.nodes { part.add(node: node, in: tree) }
                whole.merge(part)
                parts.append(device("\(gpu.index):\(number)", part, gpu))
            }
            devices.append(device("\(gpu.index)", whole, gpu))
            devices += parts
            if let uuid = gpu.uuid { uuids.append(device(uuid, whole, gpu)) }
            all.merge(whole)
        }
        guard !devices.isEmpty else { return [] }
        return devices + uuids + [CDISpecification.Device(name: "all", edits: all)]
    }

    private func device(_ name: String, _ edits: ContainerEdits, _ gpu: NvidiaDriver.GPU) -> CDISpecification.Device {
        var device = CDISpecification.Device(name: name, edits: edits)
        device.annotations = [DeviceDiscovery.addressKey: gpu.address]
        return device
    }

    // MARK: - What every GPU needs

    private static let controls = ["/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools", "/dev/nvidia-modeset"]

    private func common(release: String) -> ContainerEdits {
        var edits = ContainerEdits()
        // What runs inside must not inject a second time.
        edits.env = ["NVIDIA_VISIBLE_DEVICES=void"]
        for node in Self.controls + switches + channels { edits.add(node: node, in: tree) }
        let files = NvidiaFiles(tree: tree, version: driver.version)
        let libraries = files.libraries()
        for file in libraries + files.binaries() + files.configurations() + files.firmware(release: release) {
            edits.mounts.append(mount(file, ["ro", "nosuid", "nodev", "rbind", "rprivate"]))
        }
        for file in files.sockets() {
            edits.mounts.append(mount(file, ["nosuid", "nodev", "rbind", "rprivate", "noexec"]))
        }
        let links = libraries.flatMap { Self.links(for: $0, in: tree) }
        if !links.isEmpty { edits.hooks.append(DriverSetup.hook(links)) }
        edits.hooks.append(DriverSetup.hook("enable-cuda-compat", ["--host-driver-version=\(driver.version)"]))
        var folders: [String] = []
        for file in libraries where !folders.contains(file.place.directory) { folders.append(file.place.directory) }
        if !folders.isEmpty {
            edits.hooks.append(DriverSetup.hook("update-ldcache", folders.flatMap { ["--folder", $0] }))
        }
        edits.hooks.append(DriverSetup.hook("disable-device-node-modification"))
        return edits
    }

    private func mount(_ file: NvidiaFiles.File, _ options: [String]) -> ContainerEdits.Mount {
        ContainerEdits.Mount(hostPath: tree.host(file.host), containerPath: file.place, options: options)
    }

    /// Names that programs use and no SONAME gives: what NVIDIA's installer makes.
    static func links(for file: NvidiaFiles.File, in tree: HostTree) -> [DriverSetup.Link] {
        let folder = file.place.directory
        let name = file.place.lastPart
        func link(_ target: String, _ name: String) -> DriverSetup.Link {
            DriverSetup.Link(target: target, path: "\(folder)/\(name)")
        }
        // Programs that dlopen it leave the number out.
        if name.hasPrefix("libcuda.so.") { return [link("libcuda.so.1", "libcuda.so")] }
        if name.hasPrefix("libGLX_nvidia.so.") { return [link(name, "libGLX_indirect.so.0")] }
        if name.hasPrefix("libnvidia-opticalflow.so.") {
            return [link("libnvidia-opticalflow.so.1", "libnvidia-opticalflow.so")]
        }
        if name.hasPrefix("libnvidia-allocator.so.") {
            return [link("../libnvidia-allocator.so.1", "gbm/nvidia-drm_gbm.so")]
        }
        if name.hasPrefix("libnvidia-vulkan-producer.so.") { return [link(name, "libnvidia-vulkan-producer.so")] }
        // The rest as the host has it: `libnvidia-ml.so`.
        guard let cut = name.utf8.firstRange(of: ".so.") else { return [] }
        let bare = String(name[..<cut]) + ".so"
        let hostFolder = file.host.directory
        guard tree.target("\(hostFolder)/\(bare)") != nil,
            let soname = ELFObject(tree.host(file.host))?.soname, soname != bare
        else { return [] }
        return [link(soname, bare)]
    }

    private var switches: [String] {
        tree.names(in: "/dev").filter { $0.hasPrefix("nvidia-nvswitch") }.map { "/dev/\($0)" }
    }

    private var channels: [String] {
        tree.names(in: "/dev/nvidia-caps-imex-channels").filter { $0.hasPrefix("channel") }
            .map { "/dev/nvidia-caps-imex-channels/\($0)" }
    }

    // MARK: - Where asked for

    /// Classes of their own, for what has a use beyond the GPU: `nvidia.com/mofed=all` and the like.
    private func others() -> [CDISpecification] {
        let infiniband = tree.names(in: "/dev/infiniband").filter { $0.hasPrefix("uverbs") || $0 == "rdma_cm" }
        let storage = tree.names(in: "/dev").filter { $0.hasPrefix("nvidia-fs") }
        var found: [CDISpecification] = []
        for (name, nodes) in [
            ("mofed", infiniband.map { "/dev/infiniband/\($0)" }), ("gds", storage.map { "/dev/\($0)" }),
            ("gdrcopy", ["/dev/gdrdrv"]), ("nvswitch", switches),
        ] {
            var edits = ContainerEdits()
            for node in nodes { edits.add(node: node, in: tree) }
            if edits.isEmpty { continue }
            if name == "gds" {
                for path in ["/run/udev", "/etc/cufile.json"] where tree.exists(path) {
                    edits.mounts.append(
                        mount(.init(host: path, place: path), ["ro", "nosuid", "nodev", "rbind", "rprivate"]))
                }
            }
            if let kind = try? CDIKind("nvidia.com/\(name)") {
                found.append(CDISpecification(kind: kind, devices: [.init(name: "all", edits: edits)]))
            }
        }
        var all = ContainerEdits()
        var single: [CDISpecification.Device] = []
        for node in channels {
            var edits = ContainerEdits()
            edits.add(node: node, in: tree)
            all.merge(edits)
            single.append(.init(name: String(node.lastPart.dropFirst("channel".utf8.count)), edits: edits))
        }
        if !all.isEmpty, let kind = try? CDIKind("nvidia.com/imex-channel") {
            found.append(CDISpecification(kind: kind, devices: single + [.init(name: "all", edits: all)]))
        }
        return found
    }

    // MARK: - What is wrong

    private mutating func warnAboutNodes() {
        if !tree.isCharacterDevice("/dev/nvidia-uvm") {
            let hint: String
            if let major = NvidiaDriver.major(of: "nvidia-uvm", in: tree) {
                hint = "mknod -m 666 /dev/nvidia-uvm c \(major) 0"
            } else {
                hint = "modprobe nvidia-uvm && nvidia-modprobe -u -c=0"
            }
            warnings.append("/dev/nvidia-uvm is missing and CUDA will not start; as root of the machine: \(hint)")
        }
        if !tree.isCharacterDevice("/dev/nvidiactl") {
            warnings.append(
                "/dev/nvidiactl is missing and no GPU can be used; as root of the machine: "
                    + "mknod -m 666 /dev/nvidiactl c 195 255")
        }
        let mounts = specifications.first?.edits.mounts ?? []
        if !mounts.contains(where: { $0.containerPath.lastPart == "libcuda.so.\(driver.version)" }) {
            warnings.append(
                "libcuda.so.\(driver.version), the library of the driver that is loaded, was not found on this machine")
        }
    }
}

extension String.UTF8View {
    /// Where a text begins.
    fileprivate func firstRange(of text: StaticString) -> String.Index? {
        let key = text.withUTF8Buffer { Array($0) }
        var at = startIndex
        while at != endIndex {
            if self[at...].starts(with: key) { return at }
            at = index(after: at)
        }
        return nil
    }
}
