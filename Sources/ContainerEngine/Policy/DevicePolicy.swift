import Glibc
import LinuxKernel
import OCISpec

/// `--device` and the devices of `--privileged`.
package struct DevicePolicy {
    /// Nodes can be made by real root only; elsewhere the host's own are bound in.
    package let bindsNodes: Bool

    package init(bindsNodes: Bool) {
        self.bindsNodes = bindsNodes
    }

    package struct Result: Equatable, Sendable {
        package var mounts: [RuntimeSpec.Mount] = []
        package var devices: [RuntimeSpec.Device] = []
        /// Rules of the device cgroup, in the specification's form.
        package var rules: [JSON] = []
        /// What was asked for by path, for `inspect`.
        package var uses: [Specification.DeviceUse] = []
    }

    /// Made in every container anyway, so not bound a second time.
    private static let standard: Set<String> = [
        "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/console",
    ]
    /// Directories of /dev that hold no devices of the machine, or file systems of their own.
    private static let skippedDirectories: Set<String> = ["pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts"]

    package func devices(_ requests: [DeviceRequest]) throws(EngineError) -> Result {
        var result = Result()
        for request in requests { try add(request, to: &result) }
        return result
    }

    private func add(_ request: DeviceRequest, to result: inout Result) throws(EngineError) {
        let text = [request.hostPath, request.containerPath, request.permissions].compactMap { $0 }
            .joined(separator: ":")
        guard request.hostPath.hasPrefix("/") else {
            throw EngineError(.invalid, "invalid device specification: \(text)")
        }
        let permissions = request.permissions ?? "rwm"
        guard Self.isMode(permissions) else {
            throw EngineError(.invalid, "invalid device mode: \(permissions)")
        }
        let target = request.containerPath ?? request.hostPath
        guard target.hasPrefix("/") else { throw EngineError(.invalid, "invalid device mode: \(target)") }
        let status: FileStatus
        do {
            status = try FileStatus(request.hostPath, following: true)
        } catch {
            throw EngineError(
                .notFound, "stat \(request.hostPath): \(SyscallError.reason(error.errno))", cause: error)
        }
        if status.kind == .directory {
            let found = try walk(request.hostPath, target: target, permissions: permissions, into: &result)
            if !found { throw EngineError(.invalid, "no devices found in \(text): invalid argument") }
            return
        }
        guard Self.type(status.mode) != nil else {
            throw EngineError(.invalid, "\(request.hostPath) is not a valid device: not a device node")
        }
        append(request.hostPath, target: target, status, permissions: permissions, to: &result)
    }

    private func walk(
        _ directory: String, target: String, permissions: String, into result: inout Result
    ) throws(EngineError) -> Bool {
        var found = false
        for entry in try list(directory) {
            let path = "\(directory)/\(entry.name)"
            guard let status = try? FileStatus(path) else { continue }
            if status.kind == .directory {
                let below = try walk(path, target: "\(target)/\(entry.name)", permissions: permissions, into: &result)
                found = found || below
            } else if Self.type(status.mode) == "c" || Self.type(status.mode) == "b" {
                append(path, target: "\(target)/\(entry.name)", status, permissions: permissions, to: &result)
                found = true
            }
        }
        return found
    }

    private func list(_ directory: String) throws(EngineError) -> [DirectoryEntry] {
        do {
            return try Directory.entries(at: directory).sorted { $0.name < $1.name }
        } catch {
            throw EngineError(.permission, "list devices: \(error)", cause: error)
        }
    }

    /// All of the host's /dev. Unreadable directories are passed over; when nodes are bound, so are terminals, which
    /// belong to the host's sessions, and destinations that something is mounted on already.
    package func everyDevice(mounted: Set<String>) -> Result {
        var result = Result()
        collect("/dev", mounted: mounted, into: &result)
        // The whole of /dev was not asked for node by node.
        result.uses = []
        if !bindsNodes {
            result.rules = [
                JSON.object([JSON.Member("allow", .bool(true)), JSON.Member("access", .string("rwm"))])
            ]
        }
        return result
    }

    private func collect(_ directory: String, mounted: Set<String>, into result: inout Result) {
        guard let entries = try? Directory.entries(at: directory) else { return }
        for entry in entries.sorted(by: { $0.name < $1.name }) {
            let path = "\(directory)/\(entry.name)"
            guard entry.name != "console", let status = try? FileStatus(path) else { continue }
            if status.kind == .directory {
                if !Self.skippedDirectories.contains(entry.name) { collect(path, mounted: mounted, into: &result) }
                continue
            }
            guard Self.type(status.mode) != nil else { continue }
            if Self.standard.contains(path) { continue }
            if bindsNodes, path.hasPrefix("/dev/tty") || mounted.contains(path) { continue }
            append(path, target: path, status, permissions: "rwm", to: &result)
        }
        if !bindsNodes { result.rules = [] }
    }

    private func append(
        _ path: String, target: String, _ status: FileStatus, permissions: String, to result: inout Result
    ) {
        let type = Self.type(status.mode) ?? "c"
        result.uses.append(.init(host: path, container: target, permissions: permissions))
        if bindsNodes {
            // podman says `slave`; a device node has nothing mounted below it that could come in.
            let access = permissions.contains("w") ? "rw" : "ro"
            result.mounts.append(
                RuntimeSpec.Mount(
                    destination: target, type: "bind", source: path,
                    options: ["rprivate", "nosuid", "noexec", access, "rbind"]))
            return
        }
        var device = RuntimeSpec.Device(
            type: type, path: target, major: status.special.major, minor: status.special.minor)
        device.fileMode = status.permissions
        device.uid = status.uid
        device.gid = status.gid
        result.devices.append(device)
        guard type != "p" else { return }
        result.rules.append(
            JSON.object([
                JSON.Member("allow", .bool(true)), JSON.Member("type", .string(type)),
                JSON.Member("major", .integer(Int64(status.special.major))),
                JSON.Member("minor", .integer(Int64(status.special.minor))),
                JSON.Member("access", .string(permissions)),
            ]))
    }

    /// `r`, `w` and `m`, each once at most.
    package static func isMode(_ word: String) -> Bool {
        !word.isEmpty && word.allSatisfy("rwm".contains) && Set(word).count == word.count
    }

    private static func type(_ mode: UInt32) -> String? {
        switch mode & 0o170000 {
        case 0o020000: "c"
        case 0o060000: "b"
        case 0o010000: "p"
        default: nil
        }
    }
}
