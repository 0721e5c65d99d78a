import Foundation
import Launch
import LinuxKernel
import OCISpec
import Testing

/// Who launches: what this test process can be decides which of them are tried.
enum Privilege: String, CaseIterable, CustomTestStringConvertible {
    /// Real root, no user namespace.
    case root
    /// Real root, the container in a user namespace of shifted ids.
    case rootMapped
    /// An ordinary user with nothing but himself to map.
    case single
    /// Root of a user namespace that holds a range of ids, as the engine is inside its keeper.
    case keeper

    var testDescription: String { rawValue }

    static var available: [Privilege] {
        if getuid() != 0 { return [.single] }
        return HostFacts.gather().inUserNamespace ? [.keeper] : [.root, .rootMapped]
    }

    var mappings: [RuntimeSpec.IDMapping]? {
        switch self {
        case .root: nil
        case .rootMapped: [.init(containerID: 0, hostID: 300_000, size: 65536)]
        case .single: [.init(containerID: 0, hostID: getuid(), size: 1)]
        case .keeper: [.init(containerID: 0, hostID: 0, size: 1), .init(containerID: 1, hostID: 1, size: 60000)]
        }
    }

    /// Ids above 0 exist inside.
    var hasUsers: Bool { self != .single }
}

/// How a command in a container ended and what it wrote.
struct Outcome: Equatable {
    var status: LinuxKernel.ExitStatus
    var output: String
    var error: String

    var lines: [String] { output.split(separator: "\n").map(String.init) }
}

/// One root file system of busybox and its container, gone afterwards.
final class Fixture {
    let privilege: Privilege
    let path: String
    var spec = RuntimeSpec()
    var options = LaunchOptions()
    var rootfs: RootFilesystem

    init(_ privilege: Privilege) throws {
        self.privilege = privilege
        path = "/tmp/swiftpod-launch-" + UUID().uuidString
        for name in ["lower/bin", "lower/etc", "lower/proc", "lower/tmp", "lower/full", "upper", "work"] {
            try LinuxKernel.Directory.create("\(path)/\(name)")
        }
        link(Fixture.busybox, "\(path)/lower/bin/busybox")
        for name in [
            "sh", "cat", "ls", "id", "stat", "mount", "sleep", "true", "echo", "readlink", "touch", "tty", "wc",
        ] {
            try FileManager.default.createSymbolicLink(
                atPath: "\(path)/lower/bin/\(name)", withDestinationPath: "busybox")
        }
        try File.writeAtomically("hello".utf8, to: "\(path)/lower/full/file")
        try File.writeAtomically("not a program".utf8, to: "\(path)/lower/etc/text", mode: 0o644)
        chmod(path, 0o755)
        rootfs = .overlay(lower: "\(path)/lower", objects: nil, upper: "\(path)/upper", work: "\(path)/work")
        spec = Fixture.specification(privilege)
        for name in ["lower", "upper", "work"] { give("\(path)/\(name)") }
    }

    /// Makes a tree the container root's.
    func give(_ top: String) {
        guard privilege == .rootMapped else { return }
        lchown(top, 300_000, 300_000)
        for below in FileManager.default.enumerator(atPath: top) ?? .init() where "\(below)" != "bin/busybox" {
            lchown("\(top)/\(below)", 300_000, 300_000)
        }
    }

    /// One copy for all, made before anything is launched: a program that any process has open for writing, a child of
    /// another test say, cannot be executed.
    private static let busybox: String = {
        let copy = "/tmp/swiftpod-busybox-\(getpid())"
        try? FileManager.default.copyItem(atPath: "/usr/bin/busybox", toPath: copy)
        atexit { unlink("/tmp/swiftpod-busybox-\(getpid())") }
        return copy
    }()

    deinit {
        try? LinuxKernel.Directory.removeTree(path)
    }

    /// The files that the container made.
    func upper(_ name: String) -> String { "\(path)/upper/\(name)" }

    func host(_ name: String, _ content: String? = nil) throws -> String {
        let file = "\(path)/\(name)"
        if let content {
            try File.writeAtomically(content.utf8, to: file)
        } else {
            try LinuxKernel.Directory.create(file)
        }
        return file
    }

    var process: RuntimeSpec.Process {
        get { spec.process! }
        set { spec.process = newValue }
    }

    var linux: RuntimeSpec.Linux {
        get { spec.linux! }
        set { spec.linux = newValue }
    }

    func plan(_ command: [String]) throws -> LaunchPlan {
        process.args = command
        return try LaunchPlan(spec: spec, rootfs: rootfs, facts: HostFacts.gather(), options: options)
    }

    /// Runs a shell script in the container.
    func run(_ script: String, work: (LaunchMoment, Int32) throws -> Void = { _, _ in }) throws -> Outcome {
        try run(["/bin/sh", "-c", script], work: work)
    }

    func run(_ command: [String], work: (LaunchMoment, Int32) throws -> Void = { _, _ in }) throws -> Outcome {
        try captured { try launch(plan(command), work: work) }
    }

    /// Launches with pipes for the output and waits for the end.
    func captured(_ start: () throws -> LaunchedProcess) throws -> Outcome {
        let (outputReader, outputWriter) = try OwnedDescriptor.pipe().release()
        let (errorReader, errorWriter) = try OwnedDescriptor.pipe().release()
        let output = OwnedDescriptor(adopting: outputReader)
        let error = OwnedDescriptor(adopting: errorReader)
        defer {
            close(outputWriter)
            close(errorWriter)
        }
        (options.input, options.output, options.error) = (nil, outputWriter, errorWriter)
        let process = try start()
        if try !ProcessDescriptor.waitForEnd(process.pidfd.raw, milliseconds: 60_000) {
            Issue.record("does not end")
            try ProcessDescriptor.signal(process.pidfd.raw, SIGKILL)
        }
        let status = try ProcessDescriptor.wait(process.pidfd.raw)
        // What the container leaves behind may not keep the pipes open.
        for descriptor in [output.raw, error.raw] { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
        return Outcome(status: status, output: drain(output.raw), error: drain(error.raw))
    }

    /// Kills a process that was launched. One that does not end even then is not waited for: tests share few threads.
    static func end(_ pidfd: Int32) {
        try? ProcessDescriptor.signal(pidfd, SIGKILL)
        if (try? ProcessDescriptor.waitForEnd(pidfd, milliseconds: 10_000)) == true {
            _ = try? ProcessDescriptor.wait(pidfd)
        } else {
            Issue.record("killed, and does not end")
        }
    }

    private func drain(_ descriptor: Int32) -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let got = read(descriptor, &buffer, buffer.count)
            if got <= 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<got]
        }
    }
}

extension Fixture {
    private static func specification(_ privilege: Privilege) -> RuntimeSpec {
        var spec = RuntimeSpec()
        var process = RuntimeSpec.Process()
        process.env = ["PATH=/bin"]
        var capabilities = RuntimeSpec.Capabilities()
        let names = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_KILL", "CAP_SETGID", "CAP_SETUID"]
        (capabilities.bounding, capabilities.effective, capabilities.permitted) = (names, names, names)
        process.capabilities = capabilities
        spec.process = process
        spec.mounts = [
            .init(destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"]),
            .init(
                destination: "/dev", type: "tmpfs", source: "tmpfs",
                options: ["nosuid", "strictatime", "mode=755", "size=65536k"]),
            .init(
                destination: "/dev/pts", type: "devpts", source: "devpts",
                options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
            .init(
                destination: "/dev/shm", type: "tmpfs", source: "shm",
                options: ["nosuid", "noexec", "nodev", "mode=1777", "size=64000k"]),
            .init(
                destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"]),
            .init(destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"]),
        ]
        var linux = RuntimeSpec.Linux()
        linux.namespaces = [.init(.pid), .init(.network), .init(.mount), .init(.ipc), .init(.uts), .init(.cgroup)]
        if let mappings = privilege.mappings {
            linux.namespaces.append(.init(.user))
            (linux.uidMappings, linux.gidMappings) = (mappings, mappings)
            if privilege == .single {
                linux.gidMappings = [.init(containerID: 0, hostID: getgid(), size: 1)]
            }
        }
        linux.maskedPaths = ["/proc/kcore", "/proc/keys", "/proc/acpi", "/proc/nothing", "/full", "/sys/firmware"]
        linux.readonlyPaths = ["/proc/sys", "/proc/bus", "/proc/nothing"]
        spec.linux = linux
        return spec
    }
}
