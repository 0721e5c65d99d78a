import Cgroups
import Glibc
import LinuxKernel
import OCISpec

extension Engine {
    /// `podman info`: members of podman's that mean something here.
    public func info() throws(EngineError) -> JSON {
        .object([
            .init("host", hostInfo()), .init("store", try storeInfo()), .init("registries", .object([])),
            .init(
                "plugins",
                .object([
                    .init("volume", ["local"].json), .init("network", ["host", "none", "pasta", "slirp4netns"].json),
                    .init("log", ["k8s-file", "none", "passthrough"].json), .init("authorization", .null),
                ])),
            .init(
                "version",
                .object([
                    .init("APIVersion", .string(Engine.version)), .init("Version", .string(Engine.version)),
                    .init("OsArch", .string("linux/\(Platform.host.architecture)")), .init("Os", .string("linux")),
                ])),
        ])
    }

    /// Of this program.
    public static let version = "0.1.0"

    private func hostInfo() -> JSON {
        var names = utsname()
        uname(&names)
        let memory = meminfo()
        let release = withUnsafeBytes(of: &names.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        let keeperPid = session.isRootless ? session.keeper.pid : nil
        let hasUnified = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0
        let cgroups = cgroupFacts()
        return .object([
            .init("arch", .string(Platform.host.architecture)), .init("cgroupControllers", cgroups.controllers.json),
            .init("cgroupManager", .string(cgroups.manager.rawValue)),
            .init("cgroupVersion", .string(hasUnified ? "v2" : "v1")),
            .init("cpus", Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))).json), .init("distribution", distribution()),
            .init("hostname", .string(session.caller.hostname)),
            .init(
                "idMappings",
                session.isRootless
                    ? .object([
                        .init("gidmap", maps("gid_map", keeperPid)), .init("uidmap", maps("uid_map", keeperPid)),
                    ])
                    : .object([.init("gidmap", .null), .init("uidmap", .null)])),
            .init("kernel", .string(release)), .init("logDriver", .string("k8s-file")),
            .init("memFree", (memory["MemFree"] ?? 0).json), .init("memTotal", (memory["MemTotal"] ?? 0).json),
            .init("namespaceKeeper", .object(keeperPid.map { [.init("pid", $0.json)] } ?? [])),
            .init(
                "networkTool", .string(NetworkTool.installed()?.rawValue ?? "")),
            .init(
                "ociRuntime", .object([.init("name", .string("swiftpod")), .init("version", .string(Engine.version))])),
            .init("os", .string("linux")), .init("serviceIsRemote", .bool(false)),
            .init(
                "security",
                .object([
                    .init("apparmorEnabled", .bool(false)), .init("rootless", .bool(session.isRootless)),
                    .init("seccompEnabled", .bool(true)), .init("selinuxEnabled", .bool(false)),
                ])),
            .init("swapFree", (memory["SwapFree"] ?? 0).json), .init("swapTotal", (memory["SwapTotal"] ?? 0).json),
            .init("uptime", .string(uptime())),
        ])
    }

    /// Who makes the cgroup of a container with limits where the command line does not say it, and which controllers that
    /// one has to give.
    private func cgroupFacts() -> (manager: ContainerConfiguration.CgroupManager, controllers: [String]) {
        let hierarchy = CgroupHierarchy.find()
        let caller = session.caller
        let bus = SystemdScope.bus(isRoot: !session.isRootless, uid: session.uid, variable: { caller.variable($0) })
        if bus != nil, hierarchy.kind == .unified {
            let manager = session.isRootless ? "/user.slice/user-\(session.uid).slice/user@\(session.uid).service" : "/"
            return (.systemd, hierarchy.cgroup(manager).words("cgroup.controllers"))
        }
        let place = (try? CgroupPlacement.find(in: hierarchy, isRoot: !session.isRootless)) ?? nil
        return (.cgroupfs, place?.usableControllers ?? [])
    }

    private func storeInfo() throws(EngineError) -> JSON {
        let all = try containers()
        let running = all.filter(\.status.isRunning).count
        let images: Int
        do { images = try self.images.images().count } catch { throw EngineError(error) }
        return .object([
            .init(
                "containerStore",
                .object([
                    .init("number", all.count.json), .init("paused", .integer(0)), .init("running", running.json),
                    .init("stopped", (all.count - running).json),
                ])),
            .init("graphDriverName", .string("overlay")), .init("graphOptions", .object([])),
            .init("graphRoot", .string(session.layout.data)),
            .init("imageStore", .object([.init("number", images.json)])),
            .init("runRoot", .string(session.layout.runtime)), .init("volumePath", .string(session.layout.volumes)),
        ])
    }

    /// Bytes, by the kernel's names.
    private func meminfo() -> [String: Int64] {
        var result: [String: Int64] = [:]
        for line in ((try? File.read("/proc/meminfo", limit: 1 << 16)) ?? []).split(separator: 0x0a) {
            let words = line.split(whereSeparator: { $0 == 0x20 || $0 == UInt8(ascii: ":") })
            guard words.count > 1, let kibibytes = Int64(String(decoding: words[1], as: UTF8.self)) else { continue }
            result[String(decoding: words[0], as: UTF8.self)] = kibibytes * 1024
        }
        return result
    }

    private func distribution() -> JSON {
        var values: [String: String] = [:]
        for line in ((try? File.read("/etc/os-release", limit: 1 << 16)) ?? []).split(separator: 0x0a) {
            let parts = String(decoding: line, as: UTF8.self).split(separator: "=", maxSplits: 1)
            if parts.count == 2 { values[String(parts[0])] = parts[1].filter { $0 != "\"" } }
        }
        return .object([
            .init("distribution", .string(values["ID"] ?? "unknown")),
            .init("version", .string(values["VERSION_ID"] ?? "unknown")),
            .init("codename", .string(values["VERSION_CODENAME"] ?? "")),
        ])
    }

    private func maps(_ file: String, _ pid: Int32?) -> JSON {
        guard let pid, let ranges = try? IDMaps.read(file, of: pid) else { return .null }
        return .array(
            ranges.map {
                .object([
                    .init("container_id", $0.inside.json), .init("host_id", $0.outside.json),
                    .init("size", $0.count.json),
                ])
            })
    }

    private func uptime() -> String {
        let text = String(decoding: (try? File.read("/proc/uptime", limit: 128)) ?? [], as: UTF8.self)
        let seconds = Int(text.prefix { $0 != "." }) ?? 0
        return "\(seconds / 3600)h \(seconds / 60 % 60)m \(seconds % 60).00s"
    }
}
