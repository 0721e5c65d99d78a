/// The parts of NVIDIA's driver that programs in a container need and that have to be of the kernel driver's version:
/// so they come from the host. What is looked for, and where, is what NVIDIA documents for its container toolkit.
struct NvidiaFiles {
    let tree: HostTree
    let version: String

    /// A file of the host and its place in the container.
    struct File: Equatable {
        var host: String
        var place: String
    }

    /// Where drivers are installed besides the system itself; files have the same places below them.
    /// The first is the GPU operator's driver container.
    private static let driverRoots = ["", "/run/nvidia/driver"]

    /// Directories of libraries, for all architectures: only those that exist count.
    private static let libraryFolders = [
        "/usr/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu",
        "/usr/lib/x86_64-linux-gnu/nvidia/current", "/usr/lib/aarch64-linux-gnu/nvidia/current",
        "/lib64", "/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/usr/lib", "/usr/lib64/nvidia",
        // GKE, in a pod and on its host; Container-Optimized OS; NixOS.
        "/usr/local/nvidia/lib64", "/usr/local/nvidia/lib", "/home/kubernetes/bin/nvidia/lib64",
        "/var/lib/nvidia/lib64", "/run/opengl-driver/lib",
    ]

    private static let programFolders = [
        "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/nvidia/bin",
        "/home/kubernetes/bin/nvidia/bin", "/var/lib/nvidia/bin", "/run/current-system/sw/bin",
    ]

    static let programs = [
        "nvidia-smi", "nvidia-debugdump", "nvidia-persistenced", "nvidia-cuda-mps-control", "nvidia-cuda-mps-server",
        "nvidia-imex", "nvidia-imex-ctl",
    ]

    /// Beside what has the driver's version in its name.
    private static let ownVersions = [
        "libnvidia-egl-gbm.so.", "libnvidia-egl-wayland.so.", "libnvidia-egl-wayland2.so.", "libnvidia-egl-xcb.so.",
        "libnvidia-egl-xlib.so.", "libnvidia-nvvm70.so.", "libnvidia-api.so.",
    ]

    /// Directories in which libraries of the driver stand, in the order of preference: what the linker's cache knows
    /// first, then the usual ones.
    func libraryDirectories() -> [File] {
        var found: [File] = []
        for root in Self.driverRoots {
            var folders: [String] = []
            if let bytes = tree.read(root + "/etc/ld.so.cache", limit: 16 << 20),
                let cache = LinkerCache(parsing: bytes)
            {
                folders = cache.entries.filter {
                    $0.name.hasPrefix("libcuda.so") || $0.name.hasPrefix("libnvidia-ml.so")
                }
                .map(\.path.directory)
            }
            for folder in folders + Self.libraryFolders {
                guard let real = tree.real(root + folder), real.hasPrefix(root) else { continue }
                let file = File(host: real, place: String(real.dropFirst(root.utf8.count)))
                if !found.contains(file) { found.append(file) }
            }
        }
        return found
    }

    /// The driver's libraries: everything with its version in the name, some with versions of their own. Of equal names
    /// the first directory's counts.
    func libraries() -> [File] {
        var files: [File] = []
        var seen: Set<String> = []
        let suffix = ".so.\(version)"
        for directory in libraryDirectories() {
            var hasDriver = false
            for sub in ["", "/vdpau"] {
                let names = tree.names(in: directory.host + sub)
                if sub.isEmpty {
                    hasDriver = names.contains { $0.hasSuffix(suffix) }
                } else if !hasDriver {
                    continue
                }
                for name in names where name.hasSuffix(suffix) || (hasDriver && Self.hasOwnVersion(name)) {
                    let path = "\(directory.host)\(sub)/\(name)"
                    guard tree.target(path) == nil, tree.status(path)?.kind == .regular,
                        seen.insert(sub + name).inserted
                    else { continue }
                    files.append(File(host: path, place: "\(directory.place)\(sub)/\(name)"))
                }
            }
        }
        return files
    }

    private static func hasOwnVersion(_ name: String) -> Bool {
        ownVersions.contains { name.hasPrefix($0) && !name.dropFirst($0.utf8.count).isEmpty }
    }

    func binaries() -> [File] {
        Self.programs.compactMap { program in
            for root in Self.driverRoots {
                for folder in Self.programFolders {
                    guard let real = tree.real("\(root)\(folder)/\(program)"), real.hasPrefix(root),
                        let status = tree.status(real), status.kind == .regular, status.permissions & 0o111 != 0
                    else { continue }
                    return File(host: real, place: "\(folder)/\(program)")
                }
            }
            return nil
        }
    }

    /// Firmware of the GPU's system processor, which nvidia-smi and the driver's programs look up.
    func firmware(release: String) -> [File] {
        let custom = tree.word("/sys/module/firmware_class/parameters/path").map { [$0] } ?? []
        let folders =
            custom + [
                "/lib/firmware/updates/\(release)", "/lib/firmware/updates", "/lib/firmware/\(release)",
                "/lib/firmware",
            ]
        for root in Self.driverRoots {
            for folder in folders {
                let place = "\(folder)/nvidia/\(version)"
                let names = tree.names(in: root + place).filter { $0.hasPrefix("gsp") && $0.hasSuffix(".bin") }
                if !names.isEmpty {
                    return names.compactMap { name in
                        tree.real("\(root)\(place)/\(name)").map { File(host: $0, place: "\(place)/\(name)") }
                    }
                }
            }
        }
        return []
    }

    /// Sockets of the driver's services, and the directory of the multi-process service.
    func sockets() -> [File] {
        var found: [File] = []
        for name in ["nvidia-persistenced/socket", "nvidia-fabricmanager/socket"] {
            if let path = ["/run/\(name)", "/var/run/\(name)"].first(where: { tree.status($0)?.kind == .socket }) {
                found.append(File(host: tree.real(path) ?? path, place: path))
            }
        }
        if tree.status("/tmp/nvidia-mps")?.kind == .directory {
            found.append(File(host: "/tmp/nvidia-mps", place: "/tmp/nvidia-mps"))
        }
        return found
    }

    // MARK: - What loaders of EGL, Vulkan and OpenCL read

    private static let shared = [
        "glvnd/egl_vendor.d/10_nvidia.json", "egl/egl_external_platform.d/15_nvidia_gbm.json",
        "egl/egl_external_platform.d/10_nvidia_wayland.json", "egl/egl_external_platform.d/09_nvidia_wayland2.json",
        "egl/egl_external_platform.d/20_nvidia_xcb.json", "egl/egl_external_platform.d/20_nvidia_xlib.json",
        "nvidia/nvoptix.bin",
    ]
    private static let configured = [
        "OpenCL/vendors/nvidia.icd", "vulkan/icd.d/nvidia_icd.json", "vulkan/icd.d/nvidia_layers.json",
        "vulkan/implicit_layer.d/nvidia_layers.json", "vulkan/icd.d/nvidia_icd.x86_64.json",
        "vulkan/icd.d/nvidia_icd.aarch64.json",
    ]
    /// GKE and driver installers keep theirs beside the driver.
    private static let configurationFolders = [
        "/etc", "/usr/local/share", "/usr/share", "/usr/local/nvidia/share", "/usr/local/nvidia",
        "/home/kubernetes/bin/nvidia", "/run/opengl-driver/share",
    ]

    /// In the container they stand where every loader looks, wherever the host has them.
    func configurations() -> [File] {
        var found: [File] = []
        for (names, place) in [(Self.shared, "/usr/share"), (Self.configured, "/etc")] {
            for name in names {
                let candidates = Self.driverRoots.flatMap { root in
                    Self.configurationFolders.map { "\(root)\($0)/\(name)" }
                }
                guard let path = candidates.lazy.compactMap(tree.real).first(where: { tree.exists($0) }) else {
                    continue
                }
                found.append(File(host: path, place: "\(place)/\(name)"))
            }
        }
        return found
    }
}
