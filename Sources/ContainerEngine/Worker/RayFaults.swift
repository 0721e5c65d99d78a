import Glibc
import LinuxKernel
import OCISpec

/// What would make a Ray worker fail some time after its start, in words of its own that tell the user nothing. Ray
/// notices after a minute and tries again for ever; so it is looked for before, as far as that costs next to nothing.
struct RayFaults {
    let process: RuntimeSpec.Process
    let linux: RuntimeSpec.Linux
    let imageName: String
    let root: RootView
    /// The raylet's program; nil where it is not known.
    let raylet: String?

    /// nil where the command is none of Ray's: `PYTHON …/default_worker.py --raylet-name=…`.
    init?(_ specification: Specification, imageName: String, root: RootView, raylet: String?) {
        guard let process = specification.runtime.process, process.args.count > 1,
            process.args[1].hasSuffix(RayFaults.workerPath)
        else { return nil }
        self.process = process
        linux = specification.runtime.linux ?? RuntimeSpec.Linux()
        self.imageName = imageName
        self.root = root
        self.raylet = raylet
    }

    /// Where the raylet that a worker is told of has its program. Asked before the keeper is entered: the kernel does
    /// not tell a process of another user namespace.
    static func raylet(of request: ContainerConfiguration) -> String? {
        guard request.command.first?.hasSuffix(workerPath) ?? false else { return nil }
        let name = "RAY_RAYLET_PID"
        let told = request.environment.variables.last { $0.name == name }?.value
        let inherited = request.environment.inheritHost ? getenv(name).map { String(cString: $0) } : nil
        guard let pid = (told ?? inherited).flatMap({ Int32($0) }) else { return nil }
        return try? readLink("/proc/\(pid)/exe")
    }

    private static let workerPath = "/ray/_private/workers/default_worker.py"

    private static let rayletPath = "/core/src/ray/raylet/raylet"

    /// - Throws: the first fault, and how to mend it.
    func check() throws(EngineError) {
        try checkSockets()
        try checkVersions()
    }

    // MARK: - Whom the worker runs as

    /// The worker connects to sockets of the raylet's, which are writable for the raylet's user alone.
    private func checkSockets() throws(EngineError) {
        for word in process.args.dropFirst(2) {
            guard let name = ["--raylet-name=", "--object-store-name="].first(where: word.hasPrefix) else { continue }
            let path = String(word.dropFirst(name.count))
            guard path.hasPrefix("/"), let status = try? FileStatus(path), !mayWrite(status) else { continue }
            throw EngineError(
                .permission,
                "start Ray worker: image \(imageName) runs as uid \(process.user.uid), which may not write the raylet's "
                    + "socket \(path): add --user=\(own(status)) to run_options, or leave USER out of the image")
        }
    }

    private func mayWrite(_ status: FileStatus) -> Bool {
        let user = process.user
        // Root of the container has all rights over what has an id in it.
        if user.uid == 0 { return true }
        if UserNamespacePlan.outside(user.uid, linux.uidMappings) == status.uid {
            return status.permissions & 0o200 != 0
        }
        let groups = [user.gid] + user.additionalGids
        if groups.contains(where: { UserNamespacePlan.outside($0, linux.gidMappings) == status.gid }) {
            return status.permissions & 0o020 != 0
        }
        return status.permissions & 0o002 != 0
    }

    /// The owner's uid as the container has it.
    private func own(_ status: FileStatus) -> UInt32 {
        for map in linux.uidMappings where status.uid >= map.hostID && status.uid - map.hostID < map.size {
            return map.containerID + (status.uid - map.hostID)
        }
        return status.uid
    }

    // MARK: - What it runs

    /// Ray wants the same Ray and the same Python on both sides. The raylet's program tells where the host's are.
    private func checkVersions() throws(EngineError) {
        guard let raylet, raylet.hasSuffix(RayFaults.rayletPath) else { return }
        let theirs = String(raylet.dropLast(RayFaults.rayletPath.count))
        let ours = String(process.args[1].dropLast(RayFaults.workerPath.count)) + "/ray"
        if let inside = RayFaults.python(ours), let outside = RayFaults.python(theirs), inside != outside {
            throw differ("Python", inside, outside)
        }
        guard let outside = RayFaults.version((try? File.readIfPresent(theirs + "/_version.py", limit: 4096)) ?? nil),
            let inside = RayFaults.version(root.readFile(ours + "/_version.py", 4096)), inside != outside
        else { return }
        throw differ("Ray", inside, outside)
    }

    private func differ(_ what: String, _ inside: String, _ outside: String) -> EngineError {
        EngineError(
            .invalid,
            "start Ray worker: image \(imageName) has \(what) \(inside), this host \(outside): Ray needs the same on "
                + "both sides, rebuild the image with \(what) \(outside)")
    }

    /// `3.11` of `/usr/lib/python3.11/site-packages/ray`.
    private static func python(_ path: String) -> String? {
        for part in path.split(separator: "/") where part.hasPrefix("python3.") { return String(part.dropFirst(6)) }
        return nil
    }

    /// `2.60.0` of `version = "2.60.0"`.
    private static func version(_ text: [UInt8]?) -> String? {
        for line in text?.split(separator: 0x0a) ?? [] where line.starts(with: "version".utf8) {
            let parts = line.split(separator: UInt8(ascii: "\""), omittingEmptySubsequences: false)
            if parts.count == 3 { return String(decoding: parts[1], as: UTF8.self) }
        }
        return nil
    }
}
