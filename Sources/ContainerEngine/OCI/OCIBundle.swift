import Glibc
import LinuxKernel
import OCISpec

/// A bundle, read and checked.
struct OCIBundle {
    /// Absolute.
    var path: String
    /// The root file system, absolute.
    var rootfs: String
    var spec: RuntimeSpec
    /// `config.json` as it was read: the container keeps a copy.
    var text: [UInt8]

    /// - Parameters:
    ///   - directory: relative to the working directory, or absolute.
    ///   - config: the specification's file, relative to the bundle; nil is `config.json`.
    init(_ directory: String, config: String?) throws(EngineError) {
        let file: String
        do throws(SyscallError) {
            path = try OCIBundle.resolve(directory)
            file = config.map { $0.hasPrefix("/") ? $0 : "\(directory)/\($0)" } ?? "\(directory)/config.json"
            text = try File.read(file, limit: 16 << 20)
        } catch {
            throw EngineError(
                error.errno == ENOENT ? .notFound : .invalid, "read bundle: \(error)", cause: error)
        }
        do {
            spec = try RuntimeSpec(parsing: text)
        } catch {
            throw EngineError(.invalid, "read \(file): \(error)", cause: error)
        }
        guard let root = spec.root, !root.path.isEmpty else {
            throw EngineError(.invalid, "read \(file): root.path is missing")
        }
        do throws(SyscallError) {
            rootfs = try OCIBundle.resolve(root.path.hasPrefix("/") ? root.path : "\(path)/\(root.path)")
        } catch {
            throw EngineError(.invalid, "open root \(root.path): \(SyscallError.reason(error.errno))", cause: error)
        }
        try OCIBundle.check(spec)
    }

    private static func resolve(_ path: String) throws(SyscallError) -> String {
        guard let resolved = realpath(path, nil) else { throw SyscallError("open", path) }
        defer { free(resolved) }
        let text = String(cString: resolved)
        guard try FileStatus(text).kind == .directory else { throw SyscallError("open", path, errno: ENOTDIR) }
        return text
    }

    /// Without a namespace of its own a container would change the host's.
    private static func checkNames(_ spec: RuntimeSpec) throws(EngineError) {
        let kinds = spec.linux?.namespaces.map(\.type) ?? []
        for (name, value) in [("hostname", spec.hostname), ("domainname", spec.domainname)] {
            guard !(value ?? "").isEmpty, !kinds.contains(.uts) else { continue }
            throw EngineError(.invalid, "\(name) \(value ?? ""): there is no uts namespace")
        }
        // An ordinary user's container gets a user namespace in any case.
        let isMapped = spec.linux.map { !$0.uidMappings.isEmpty || !$0.gidMappings.isEmpty } ?? false
        if isMapped, geteuid() == 0, !kinds.contains(.user) {
            throw EngineError(.invalid, "uidMappings and gidMappings: there is no user namespace")
        }
    }

    /// What the specification asks for and the plan does not look at.
    private static func check(_ spec: RuntimeSpec) throws(EngineError) {
        // 1.x, and the release candidates that some callers still name.
        guard spec.ociVersion.hasPrefix("1.") else {
            throw EngineError(.invalid, "ociVersion \(spec.ociVersion): unknown version")
        }
        guard spec.process != nil else { throw EngineError(.invalid, "process is missing") }
        try checkNames(spec)
        if try ResourceControl.Request(spec.linux?.intelRdt) != nil { _ = try ResourceControl.find() }
        _ = try OCINetDevices(spec.linux)
        let hooks = spec.hooks ?? RuntimeSpec.Hooks()
        for hook in hooks.prestart + hooks.createRuntime + hooks.createContainer + hooks.startContainer
            + hooks.poststart + hooks.poststop
        {
            guard hook.path.hasPrefix("/") else {
                throw EngineError(.invalid, "hook \(hook.path): not an absolute path")
            }
            if let timeout = hook.timeout, timeout <= 0 {
                throw EngineError(.invalid, "hook \(hook.path): timeout must be greater than 0")
            }
        }
    }
}
