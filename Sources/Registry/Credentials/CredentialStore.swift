import Glibc
import LinuxKernel
import OCISpec

/// The caller's credentials for registries, searched and kept where podman and docker search and keep them.
public struct CredentialStore: Sendable {
    let environment: RegistryEnvironment
    /// `--authfile`, or `$REGISTRY_AUTH_FILE`.
    let explicitFile: String?

    /// - Parameter authFile: the argument of `--authfile`; nil takes `$REGISTRY_AUTH_FILE` or the usual places.
    public init(environment: RegistryEnvironment = .current(), authFile: String? = nil) {
        self.environment = environment
        explicitFile = authFile ?? environment.variable("REGISTRY_AUTH_FILE")
    }

    /// The file that `login` writes.
    public var primaryPath: String {
        if let explicitFile { return explicitFile }
        if let runtime = environment.variable("XDG_RUNTIME_DIR") { return runtime + "/containers/auth.json" }
        return "\(environment.systemRuntime)/containers/\(environment.userID)/auth.json"
    }

    /// The files that are searched, in order.
    var searchPaths: [(path: String, isLegacy: Bool)] {
        [
            (primaryPath, false),
            (environment.configurationHome + "/containers/auth.json", false),
            (
                environment.variable("DOCKER_CONFIG").map { $0 + "/config.json" }
                    ?? environment.home + "/.docker/config.json", false
            ),
            (environment.home + "/.dockercfg", true),
        ]
    }

    // MARK: Searching

    /// What to show a registry for a repository, most specific entry first; nil: be anonymous.
    ///
    /// - Parameters:
    ///   - key: `registry/path/of/repository`, or a registry alone.
    ///   - warn: told about a credential store that cannot be asked, which docker's tools leave behind on machines
    ///     where they no longer are.
    /// - Throws: `.configuration`, naming the file, for one that cannot be read or understood.
    public func credentials(
        for key: String, warn: (String) -> Void = { _ in }
    ) throws(RegistryError) -> Credentials? {
        if let explicitFile, try CredentialStore.read(explicitFile) == nil {
            throw RegistryError(.configuration, "read auth file \(explicitFile): no such file or directory")
        }
        let registry = String(key.prefix { $0 != "/" })
        for (path, isLegacy) in searchPaths {
            guard let text = try CredentialStore.read(path) else { continue }
            let file = try AuthFile(parsing: text, path: path, isLegacy: isLegacy)
            switch try file.entry(for: key) {
            case .credentials(let credentials)?: return credentials
            case .helper(let name)?:
                if let found = try ask(name, registry) { return found }
            case .store(let name)?:
                do {
                    if let found = try ask(name, registry) { return found }
                } catch {
                    warn("\(error), as credsStore in \(path) asks for")
                }
            case nil: break
            }
        }
        return nil
    }

    private func helper(_ name: String) -> CredentialHelper {
        CredentialHelper(name: name, environment: environment.variables)
    }

    private func ask(_ name: String, _ registry: String) throws(RegistryError) -> Credentials? {
        if let found = try helper(name).get(registry) { return found }
        // docker stores its hub's credentials under this URL.
        return registry == "docker.io" ? try helper(name).get("https://index.docker.io/v1/") : nil
    }

    // MARK: Login and logout

    /// Keeps credentials for a registry or a namespace of it, by the helper in charge or in `primaryPath` (mode 0600).
    ///
    /// The caller has found out that they are right.
    ///
    /// - Returns: where they are kept now: the file, or `docker-credential-NAME`.
    @discardableResult
    public func store(_ credentials: Credentials, for key: String) throws(RegistryError) -> String {
        var file = try primaryFile()
        if !key.contains("/"), let name = try file.helper(for: key) {
            try helper(name).store(credentials, for: key)
            return "docker-credential-" + name
        }
        try file.set(credentials, for: key)
        try write(file)
        return file.path
    }

    /// Forgets the credentials for a registry or a namespace of it.
    ///
    /// - Returns: false where none were kept by us: not in `primaryPath` nor by a helper that it names.
    public func remove(_ key: String) throws(RegistryError) -> Bool {
        var file = try primaryFile()
        var removed = false
        if !key.contains("/"), let name = try file.helper(for: key) { removed = try helper(name).erase(key) }
        if try file.remove(key) {
            try write(file)
            removed = true
        }
        return removed
    }

    /// Forgets all credentials in `primaryPath` and by the helpers that it names.
    public func removeAll() throws(RegistryError) {
        var file = try primaryFile()
        for (registry, name) in try file.removeAll() { _ = try helper(name).erase(registry) }
        try write(file)
    }

    private func primaryFile() throws(RegistryError) -> AuthFile {
        guard let text = try CredentialStore.read(primaryPath) else { return AuthFile(emptyAt: primaryPath) }
        return try AuthFile(parsing: text, path: primaryPath)
    }

    private func write(_ file: AuthFile) throws(RegistryError) {
        do throws(SyscallError) {
            if let slash = file.path.lastIndex(of: "/"), slash > file.path.startIndex {
                try Directory.create(String(file.path[..<slash]), mode: 0o700)
            }
            try File.writeAtomically(file.encoded, to: file.path, mode: 0o600, sync: true)
        } catch {
            throw RegistryError(
                .configuration, "write auth file \(file.path): \(SyscallError.reason(error.errno))")
        }
    }

    /// nil for a file that is not there.
    private static func read(_ path: String) throws(RegistryError) -> [UInt8]? {
        do {
            return try File.readIfPresent(path, limit: 4 << 20)
        } catch {
            throw RegistryError(.configuration, "read auth file \(path): \(SyscallError.reason(error.errno))")
        }
    }
}
