import Glibc
import LinuxKernel
import OCISpec

/// The default system call filter and profiles of the user's own.
public enum SeccompPolicy {
    /// The filter as bytes of `struct sock_filter`, ready for seccomp(2); empty for ``SeccompSelection/none``.
    ///
    /// - Parameter capabilities: the bounding set of the container; the profile allows more with more of them.
    /// - Parameter cacheDirectory: compiled filters are kept there by content; nil compiles anew. Compiling takes
    ///   milliseconds, reading a fraction of one.
    public static func filter(
        for selection: SeccompSelection, capabilities: [String], cacheDirectory: String?
    ) throws(EngineError) -> [UInt8] {
        let source: [UInt8]?
        switch selection {
        case .none: return []
        case .defaultProfile: source = nil
        case .file(let path): source = try read(path)
        }
        let key = cacheKey(source, capabilities: capabilities)
        let cached = cacheDirectory.map { "\($0)/seccomp-\(key)" }
        if let cached, let program = try? File.readIfPresent(cached, limit: 1 << 20), isWhole(program) {
            return program
        }
        let profile: RuntimeSpec.Seccomp
        if let source {
            do {
                profile = try SeccompDocument(parsing: source).profile(capabilities: capabilities, machine: machine)
            } catch {
                throw EngineError(.invalid, "loading seccomp profile failed: \(error)", cause: error)
            }
        } else {
            profile = defaultProfile(capabilities: capabilities, machine: machine)
        }
        let program = try compile(profile)
        if let cached {
            // Without a cache the next start is slower, no more.
            _ = mkdir(cacheDirectory ?? "", 0o700)
            try? File.writeAtomically(program, to: cached, mode: 0o600)
        }
        return program
    }

    /// The default profile in OCI terms, for `inspect` and for other runtimes.
    ///
    /// - Parameter machine: as `uname -m`.
    public static func defaultProfile(
        capabilities: [String], machine: String = SeccompPolicy.machine
    ) -> RuntimeSpec.Seccomp {
        var profile = RuntimeSpec.Seccomp(defaultAction: "SCMP_ACT_ERRNO")
        profile.defaultErrnoRet = UInt32(ENOSYS)
        profile.architectures = SeccompDocument.architectures(of: machine)
        for row in SeccompTable.rows where holds(row.condition, capabilities, machine) {
            var rule = RuntimeSpec.Seccomp.Rule(
                names: row.names.split(separator: " ").map(String.init), action: "SCMP_ACT_ALLOW")
            if case .errno(let number) = row.action {
                rule.action = "SCMP_ACT_ERRNO"
                rule.errnoRet = number
            }
            rule.args = row.arguments
            profile.syscalls.append(rule)
        }
        return profile
    }

    /// `uname -m`.
    public static let machine: String = {
        var name = utsname()
        guard uname(&name) == 0 else { return "" }
        return withUnsafeBytes(of: &name.machine) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }()

    private static func holds(_ condition: SeccompTable.Condition, _ capabilities: [String], _ machine: String) -> Bool
    {
        switch condition {
        case .always: true
        case .with(let capability): capabilities.contains(capability)
        case .without(let capability): !capabilities.contains(capability)
        case .on(let machines): machines.contains(machine)
        }
    }

    private static func read(_ path: String) throws(EngineError) -> [UInt8] {
        do {
            return try File.read(path, limit: 4 << 20)
        } catch {
            throw EngineError(
                .invalid, "opening seccomp profile failed: open \(path): \(SyscallError.reason(error.errno))",
                cause: error)
        }
    }

    /// Instructions are 8 bytes; the kernel takes 4096 of them.
    private static func isWhole(_ program: [UInt8]) -> Bool {
        !program.isEmpty && program.count % 8 == 0 && program.count <= 4096 * 8
    }

    /// Of everything that the program depends on. The directory is the caller's own, so nobody forges it.
    private static func cacheKey(_ source: [UInt8]?, capabilities: [String]) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func mix(_ bytes: some Sequence<UInt8>) {
            for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
            hash = (hash ^ 0xFF) &* 0x100_0000_01B3
        }
        if let source {
            mix(source)
        } else {
            hash ^= SeccompTable.fingerprint
        }
        for name in capabilities.sorted() { mix(name.utf8) }
        mix(machine.utf8)
        mix(SeccompDocument.kernelRelease.utf8)
        // How the program is written; see FilterCompaction.
        mix([2])
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
