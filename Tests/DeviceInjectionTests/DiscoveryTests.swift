import DeviceInjection
import Foundation
import OCISpec
import Testing

extension FakeMachine {
    static let triple: String = {
        let text = output("/bin/sh", ["-c", "cc -dumpmachine | sed 's/-pc-/-/; s/-unknown-/-/'"]).text
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }()
}

/// What is found on a made-up machine, held against what the vendors' tools write for such a one.
@Suite(.enabled(if: FakeMachine.isPossible, "\(FakeMachine.reason)"))
struct DiscoveryTests {
    static let found = DeviceDiscovery(in: HostTree(root: FakeMachine.path))

    static func specification(_ kind: String) throws -> CDISpecification {
        try #require(found.specifications.first { $0.kind.description == kind })
    }

    static func nodes(_ kind: String, _ device: String) throws -> [String] {
        let device = try #require(try specification(kind).device(device))
        return device.edits.deviceNodes.map(\.path)
    }

    @Test("kinds and devices") func kinds() throws {
        #expect(
            Self.found.specifications.map(\.kind.description) == [
                "nvidia.com/gpu", "amd.com/gpu", "intel.com/gpu", "intel.com/npu",
            ])
        #expect(
            try Self.specification("nvidia.com/gpu").devices.map(\.name) == [
                "0", "1", "1:0", "1:1", "GPU-11111111-2222-3333-4444-555555555555",
                "GPU-99999999-8888-7777-6666-555555555555", "all",
            ])
        #expect(try Self.specification("amd.com/gpu").devices.map(\.name) == ["0", "GPU-9e3779b185ebca87", "all"])
        #expect(try Self.specification("intel.com/gpu").devices.map(\.name) == ["0", "all"])
        #expect(Self.found.warnings == [])
    }

    @Test("NVIDIA's nodes: the GPU, its parts, its DRM nodes by PCI address") func nvidiaNodes() throws {
        #expect(try Self.nodes("nvidia.com/gpu", "0") == ["/dev/nvidia0", "/dev/dri/card0", "/dev/dri/renderD128"])
        #expect(
            try Self.nodes("nvidia.com/gpu", "1")
                == [
                    "/dev/dri/card1", "/dev/dri/renderD129", "/dev/nvidia-caps/nvidia-cap12",
                    "/dev/nvidia-caps/nvidia-cap13",
                    "/dev/nvidia1", "/dev/nvidia-caps/nvidia-cap21", "/dev/nvidia-caps/nvidia-cap22",
                ].sorted { a, b in
                    let all = try! Self.nodes("nvidia.com/gpu", "1")
                    return all.firstIndex(of: a)! < all.firstIndex(of: b)!
                })
        #expect(
            try Self.nodes("nvidia.com/gpu", "1:1")
                == ["/dev/nvidia1", "/dev/nvidia-caps/nvidia-cap21", "/dev/nvidia-caps/nvidia-cap22"])
        let common = try Self.specification("nvidia.com/gpu").edits
        #expect(
            common.deviceNodes.map(\.path)
                == ["/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools", "/dev/nvidia-modeset"])
        #expect(common.env == ["NVIDIA_VISIBLE_DEVICES=void"])
        #expect(common.deviceNodes[0].hostPath == FakeMachine.path + "/dev/nvidiactl")
        let gpu = try #require(try Self.specification("nvidia.com/gpu").device("0"))
        #expect(gpu.edits.additionalGids == [4242])
    }

    @Test("NVIDIA's files") func nvidiaFiles() throws {
        let mounts = try Self.specification("nvidia.com/gpu").edits.mounts
        let folder = "/usr/lib/" + FakeMachine.triple
        #expect(
            mounts.map(\.containerPath).sorted()
                == [
                    "\(folder)/libGLX_nvidia.so.580.95.05", "\(folder)/libcuda.so.580.95.05",
                    "\(folder)/libnvidia-allocator.so.580.95.05", "\(folder)/libnvidia-egl-gbm.so.1.1.2",
                    "\(folder)/libnvidia-glcore.so.580.95.05", "\(folder)/libnvidia-ml.so.580.95.05",
                    "\(folder)/vdpau/libvdpau_nvidia.so.580.95.05", "/usr/bin/nvidia-smi",
                    "/usr/share/glvnd/egl_vendor.d/10_nvidia.json", "/etc/vulkan/icd.d/nvidia_icd.json",
                    "/etc/OpenCL/vendors/nvidia.icd", "/lib/firmware/nvidia/580.95.05/gsp_ga10x.bin",
                    "/run/nvidia-persistenced/socket",
                ].sorted())
        for mount in mounts {
            #expect(FileManager.default.fileExists(atPath: mount.hostPath), "\(mount.hostPath)")
            #expect(mount.options.contains("ro") != mount.containerPath.hasPrefix("/run"))
        }
    }

    @Test("what the vendor's hooks would do") func nvidiaSetup() throws {
        var edits = try Self.specification("nvidia.com/gpu").edits
        let setup = edits.takeDriverSetup()
        let folder = "/usr/lib/" + FakeMachine.triple
        #expect(edits.hooks == [])
        #expect(
            Set(setup.links.map { "\($0.path) -> \($0.target)" }) == [
                "\(folder)/libcuda.so -> libcuda.so.1", "\(folder)/libnvidia-ml.so -> libnvidia-ml.so.1",
                "\(folder)/libGLX_indirect.so.0 -> libGLX_nvidia.so.580.95.05",
                "\(folder)/gbm/nvidia-drm_gbm.so -> ../libnvidia-allocator.so.1",
            ])
        #expect(setup.folders == [folder, folder + "/vdpau"])
        #expect(setup.compatibility?.driver == "580.95.05" && setup.hidesDeviceModification)
        var gpu = try #require(try Self.specification("nvidia.com/gpu").device("0")).edits
        #expect(
            gpu.takeDriverSetup().links.map { "\($0.path) -> \($0.target)" } == [
                "/dev/dri/by-path/pci-0000:04:00.0-card -> ../card0",
                "/dev/dri/by-path/pci-0000:04:00.0-render -> ../renderD128",
            ])
    }

    @Test("AMD, Intel, accelerators") func others() throws {
        #expect(try Self.specification("amd.com/gpu").edits.deviceNodes.map(\.path) == ["/dev/kfd"])
        #expect(try Self.nodes("amd.com/gpu", "0") == ["/dev/dri/card2", "/dev/dri/renderD130"])
        #expect(try Self.nodes("intel.com/gpu", "0") == ["/dev/dri/card3", "/dev/dri/renderD131"])
        #expect(try Self.nodes("intel.com/npu", "all") == ["/dev/accel/accel0"])
        var registry = CDIRegistry()
        for one in Self.found.specifications { registry.add(one, path: "discovered:\(one.kind)", priority: 0) }
        #expect(registry.address(of: try CDIName("amd.com/gpu=0")) == "0000:2d:00.0")
        #expect(try registry.gpus(try GPURequest("device=0000:0A:00.0")).map(\.device) == ["1"])
    }

    @Test("what is found is a document that CDI's rules accept") func documents() throws {
        for one in Self.found.specifications {
            #expect(try CDISpecification(parsing: one.encoded()) == one)
            #expect(one.version == one.minimumVersion.description)
        }
    }

    // MARK: - A machine that changes

    /// A copy of the tree, to be changed.
    func copy() throws -> String {
        let path = FakeMachine.fresh() + "/tree"
        try #require(FakeMachine.run("/bin/cp", ["-a", FakeMachine.path, path]) == 0)
        return path
    }

    @Test("a GPU without a node is another's") func podOfOne() throws {
        let path = try copy()
        try FileManager.default.removeItem(atPath: path + "/dev/nvidia0")
        try FileManager.default.removeItem(atPath: path + "/dev/nvidia-caps/nvidia-cap21")
        let found = DeviceDiscovery(in: HostTree(root: path))
        let nvidia = try #require(found.specifications.first)
        #expect(nvidia.devices.map(\.name) == ["1", "1:0", "GPU-99999999-8888-7777-6666-555555555555", "all"])
    }

    @Test("missing nodes and libraries are told with what mends them") func warnings() throws {
        let path = try copy()
        try FileManager.default.removeItem(atPath: path + "/dev/nvidia-uvm")
        let gone = "\(path)/usr/lib/\(FakeMachine.triple)/libcuda.so.580.95.05"
        try FileManager.default.removeItem(atPath: gone)
        #expect(
            DeviceDiscovery(in: HostTree(root: path)).warnings == [
                "/dev/nvidia-uvm is missing and CUDA will not start; as root of the machine: "
                    + "mknod -m 666 /dev/nvidia-uvm c 508 0",
                "libcuda.so.580.95.05, the library of the driver that is loaded, was not found on this machine",
            ])
        FakeMachine.write("Character devices:\n  1 mem\n", to: path + "/proc/devices")
        #expect(
            DeviceDiscovery(in: HostTree(root: path)).warnings[0].hasSuffix(
                "modprobe nvidia-uvm && nvidia-modprobe -u -c=0"))
    }

    @Test("no driver, no GPU") func nothing() throws {
        let path = FakeMachine.fresh()
        #expect(DeviceDiscovery(in: HostTree(root: path)).specifications == [])
    }

    @Test(
        "the places of GKE and of the GPU operator",
        arguments: ["/usr/local/nvidia/lib64", "/run/nvidia/driver/usr/lib64"])
    func otherPlaces(_ place: String) throws {
        let path = try copy()
        let old = "\(path)/usr/lib/\(FakeMachine.triple)"
        let manager = FileManager.default
        try manager.createDirectory(
            atPath: (path + place as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try manager.moveItem(atPath: old, toPath: path + place)
        let mounts = try #require(DeviceDiscovery(in: HostTree(root: path)).specifications.first).edits.mounts
        let cuda = try #require(mounts.first { $0.containerPath.hasSuffix("/libcuda.so.580.95.05") })
        #expect(cuda.hostPath == path + place + "/libcuda.so.580.95.05")
        // What a driver container has in its root stands in the container's root.
        #expect(cuda.containerPath == (place.hasPrefix("/run") ? "/usr/lib64" : place) + "/libcuda.so.580.95.05")
    }

    @Test("remembered until something changes") func memory() throws {
        let path = try copy()
        let file = FakeMachine.fresh() + "/devices"
        let tree = HostTree(root: path)
        let first = DeviceDiscovery.remembered(in: tree, file: file, bootID: "boot")
        // Remembered: the memory can be told otherwise.
        let memory = try String(contentsOfFile: file, encoding: .utf8)
        FakeMachine.write(memory.replacingOccurrences(of: "NVIDIA_VISIBLE_DEVICES=void", with: "SEEN=1"), to: file)
        let second = DeviceDiscovery.remembered(in: tree, file: file, bootID: "boot")
        #expect(first.specifications.first?.edits.env == ["NVIDIA_VISIBLE_DEVICES=void"])
        #expect(second.specifications.first?.edits.env == ["SEEN=1"])
        // A node more, another boot, another driver, another part of a GPU: each is found.
        FakeMachine.run("/bin/rm", [path + "/dev/nvidia-uvm"])
        #expect(DeviceDiscovery.remembered(in: tree, file: file, bootID: "boot").warnings.count == 1)
        FakeMachine.write(memory, to: file)
        #expect(DeviceDiscovery.remembered(in: tree, file: file, bootID: "other").warnings.count == 1)
        FakeMachine.write(
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  470.1.1  Mon\n", to: path + "/proc/driver/nvidia/version")
        let older = DeviceDiscovery.remembered(in: tree, file: file, bootID: "other")
        #expect(
            older.specifications.first?.edits.mounts.contains { $0.containerPath.hasSuffix("libcuda.so.470.1.1") }
                == true)
        FakeMachine.run("/bin/rm", ["-r", path + "/proc/driver/nvidia/capabilities/gpu1/mig/gi2"])
        let fewer = DeviceDiscovery.remembered(in: tree, file: file, bootID: "other")
        #expect(fewer.specifications.first?.devices.map(\.name).contains("1:1") == false)
        // A memory that is no use is no error.
        FakeMachine.write("{", to: file)
        #expect(DeviceDiscovery.remembered(in: tree, file: file, bootID: "other") == fewer)
    }
}
