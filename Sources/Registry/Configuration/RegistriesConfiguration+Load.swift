import Glibc
import LinuxKernel
import OCISpec

extension RegistriesConfiguration {
    /// Reads what applies to the caller: the main file, the drop-ins, the aliases that podman recorded.
    ///
    /// The main file is `$CONTAINERS_REGISTRIES_CONF`, else the user's, else the system's. Drop-ins are read from the
    /// system's directory and then from the user's, whichever main file there is: that is what podman does, although
    /// its manual says otherwise for the user's.
    public static func load(_ environment: RegistryEnvironment) throws(RegistryError) -> RegistriesConfiguration {
        var configuration = RegistriesConfiguration()
        var foundFile = false
        let system = environment.systemConfiguration + "/containers/registries.conf"
        let user = environment.configurationHome + "/containers/registries.conf"
        configuration.path = system
        if let explicit = environment.variable("CONTAINERS_REGISTRIES_CONF") {
            guard let text = try read(explicit) else {
                throw RegistryError(.configuration, "read \(explicit): no such file or directory")
            }
            configuration.merge(try Document(parsing: text, path: explicit, allowsVersion1: true))
            configuration.path = explicit
            foundFile = true
        } else {
            for path in [user, system] {
                guard let text = try read(path) else { continue }
                configuration.merge(try Document(parsing: text, path: path, allowsVersion1: true))
                configuration.path = path
                foundFile = true
                break
            }
        }
        for directory in [system + ".d", user + ".d"] {
            for path in try dropIns(in: directory) {
                guard let text = try read(path) else { continue }
                configuration.merge(try Document(parsing: text, path: path))
            }
        }
        if let text = try read(recordedAliasesPath(environment)) {
            configuration.merge(try Document(parsing: text, path: recordedAliasesPath(environment)))
        }
        if !foundFile, configuration.searchRegistries == nil { configuration.searchRegistries = ["docker.io"] }
        return configuration
    }

    /// Where podman keeps what the user chose when asked which registry a short name means.
    private static func recordedAliasesPath(_ environment: RegistryEnvironment) -> String {
        environment.userID == 0
            ? environment.systemState + "/cache/containers/short-name-aliases.conf"
            : environment.cacheHome + "/containers/short-name-aliases.conf"
    }

    private static func dropIns(in directory: String) throws(RegistryError) -> [String] {
        do {
            return try Directory.entries(at: directory)
                .filter { $0.kind != .directory && $0.name.hasSuffix(".conf") }
                .map { directory + "/" + $0.name }.sorted()
        } catch  where error.errno == ENOTDIR {
            return []
        } catch {
            throw RegistryError(.configuration, "read \(directory): \(SyscallError.reason(error.errno))")
        }
    }

    /// nil for a file that is not there.
    private static func read(_ path: String) throws(RegistryError) -> [UInt8]? {
        do {
            return try File.readIfPresent(path, limit: 4 << 20)
        } catch {
            throw RegistryError(.configuration, "read \(path): \(SyscallError.reason(error.errno))")
        }
    }
}
