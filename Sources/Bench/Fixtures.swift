import Glibc
import ImageStore
import LinuxKernel
import OCISpec

/// What containers are started from: the floor program, which is also the command that does nothing and the one that
/// waits, as a root file system, as images and as a bundle.
struct Fixtures {
    let scratch: Scratch
    /// A directory with /bin/true and /bin/pause.
    let rootfs: String
    /// Archives that `load` takes.
    let oneLayer: String
    let manyLayers: String
    /// An OCI runtime's bundle of that root file system.
    let bundle: String
    /// The floor program as this user may execute it.
    let floor: String

    static let image = "localhost/swiftpod-bench:latest"
    static let layered = "localhost/swiftpod-bench-40:latest"
    static let layerCount = 40

    init(_ scratch: Scratch, floor original: MeasuredProgram) throws {
        self.scratch = scratch
        rootfs = scratch.path + "/rootfs"
        oneLayer = scratch.path + "/image.tar"
        manyLayers = scratch.path + "/layers.tar"
        bundle = scratch.path + "/bundle"
        floor = try original.place(at: scratch.path + "/floor")
        for directory in [""] + Fixtures.directories {
            try check("mkdir", directory) { mkdir(rootfs + "/" + directory, 0o755) }
        }
        try original.copy(to: rootfs + "/bin/floor")
        for name in Fixtures.commands { symlink("floor", rootfs + "/bin/" + name) }
        try check("mkdir", bundle) { mkdir(bundle, 0o755) }
        try File.writeAtomically(
            Array(Fixtures.specification(root: rootfs).utf8), to: bundle + "/config.json")
        try check("mkdir", "floor.d") { mkdir(scratch.path + "/floor.d", 0o755) }
        let program = try File.read(rootfs + "/bin/floor")
        try File.writeAtomically(Fixtures.archive(program, layers: 1, name: Fixtures.image), to: oneLayer)
        try File.writeAtomically(
            Fixtures.archive(program, layers: Fixtures.layerCount, name: Fixtures.layered), to: manyLayers)
    }

    private static let directories = ["bin", "dev", "etc", "proc", "run", "sys", "tmp"]
    private static let commands = ["true", "pause"]

    // MARK: - Images

    /// `docker save`'s format, which swiftpod, podman and docker load.
    private static func archive(_ program: [UInt8], layers count: Int, name: String) -> [UInt8] {
        let layers = (0..<count).map { layer(program, number: $0) }
        let digests = layers.map { JSON.string("\(SHA256.digest(of: $0))") }
        let config = JSON(members: [
            "architecture": .string(Fixtures.architecture), "os": .string("linux"),
            "config": JSON(members: ["Cmd": .array([.string("/bin/true")])]),
            "rootfs": JSON(members: ["type": .string("layers"), "diff_ids": .array(digests)]),
        ])
        var tar = TarWriter()
        tar.file("config.json", config.encoded())
        for (index, layer) in layers.enumerated() { tar.file("\(index).tar", layer) }
        let manifest = JSON.array([
            JSON(members: [
                "Config": .string("config.json"), "RepoTags": .array([.string(name)]),
                "Layers": .array(layers.indices.map { .string("\($0).tar") }),
            ])
        ])
        tar.file("manifest.json", manifest.encoded())
        return tar.finished()
    }

    /// The first layer has the commands; each adds some files and changes some of the one before.
    private static func layer(_ program: [UInt8], number: Int) -> [UInt8] {
        var tar = TarWriter()
        if number == 0 {
            for directory in directories { tar.directory(directory + "/") }
            tar.file("bin/floor", program, mode: 0o755)
            for name in commands { tar.link("bin/" + name, to: "floor") }
        }
        for index in 0..<20 { tar.file("etc/file-\(number * 10 + index)", Array("\(number) \(index)\n".utf8)) }
        return tar.finished()
    }

    private static var architecture: String {
        #if arch(arm64)
        "arm64"
        #else
        "amd64"
        #endif
    }

    // MARK: - The bundle

    /// A rootless container as `runc spec --rootless` has it, with a network of its own. No limits: they need a
    /// delegated cgroup, which most users do not have.
    private static func specification(root: String) -> String {
        let kernelFile = #""options": ["nosuid", "noexec", "nodev""#
        return """
            {"ociVersion": "1.0.2",
             "process": {"terminal": false, "user": {"uid": 0, "gid": 0}, "args": ["/bin/true"], "cwd": "/",
              "env": ["PATH=/usr/bin:/bin"], "noNewPrivileges": true,
              "capabilities": {"bounding": ["CAP_KILL"], "effective": ["CAP_KILL"], "permitted": ["CAP_KILL"]}},
             "root": {"path": \(JSON.string(root).text), "readonly": false},
             "hostname": "bench",
             "mounts": [
              {"destination": "/proc", "type": "proc", "source": "proc"},
              {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
               "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
              {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
               "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
              {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", \(kernelFile), "mode=1777", "size=65536k"]},
              {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", \(kernelFile)]},
              {"destination": "/sys", "type": "sysfs", "source": "sysfs", \(kernelFile), "ro"]}],
             "linux": {
              "uidMappings": [{"containerID": 0, "hostID": \(getuid()), "size": 1}],
              "gidMappings": [{"containerID": 0, "hostID": \(getgid()), "size": 1}],
              "namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"},
               {"type": "mount"}, {"type": "cgroup"}, {"type": "user"}],
              "maskedPaths": ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
              "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]}}
            """
    }
}

/// A program that is measured, opened by whoever called the benchmark.
struct MeasuredProgram {
    private let descriptor: Int32
    private let path: String

    init(_ source: String, standingAt path: String) throws {
        descriptor = try OwnedDescriptor.open(source).release()
        self.path = path
    }

    /// Where the user who measures executes it: where it stands, as anybody would, if he may. A copy in memory would be
    /// measured as slower than it is, since the kernel maps files of /dev/shm page by page.
    ///
    /// - Parameter name: what it has to be called; nil is anything.
    func place(at other: String, onlyAs name: String? = nil) throws -> String {
        if path.hasPrefix("/"), access(path, X_OK) == 0, name.map({ path.hasSuffix("/" + $0) }) ?? true { return path }
        try copy(to: other)
        return other
    }

    /// Not by way of this process's memory, which every program that is measured begins as a copy of: the kernel would
    /// count it as that program's peak.
    func copy(to path: String) throws {
        let target = try OwnedDescriptor.open(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o755)
        var offset = off_t(0)
        while try check("sendfile", path, { sendfile(target.raw, descriptor, &offset, 1 << 20) }) > 0 {}
        try check("fchmod", path) { fchmod(target.raw, 0o755) }
    }
}
