import Glibc

/// Where configuration is looked for: the caller's environment as a value, so that every search order can be tested.
public struct RegistryEnvironment: Sendable {
    /// Environment variables.
    public var variables: [String: String]
    /// The caller's user id, before any user namespace was entered.
    public var userID: UInt32
    /// The caller's home directory.
    public var home: String
    /// The system's configuration directory, `/etc` outside tests.
    public var systemConfiguration = "/etc"
    /// Root's state directory, `/var` outside tests.
    public var systemState = "/var"
    /// Parent of the directories for runtime files where `XDG_RUNTIME_DIR` is not set, `/run` outside tests.
    public var systemRuntime = "/run"

    /// An environment of the caller's own making.
    public init(variables: [String: String], userID: UInt32, home: String) {
        self.variables = variables
        self.userID = userID
        self.home = home
    }

    /// The environment of this process.
    ///
    /// - Parameter userID: the caller's id; inside the keeper's namespace `getuid(2)` would say 0.
    public static func current(userID: UInt32 = getuid()) -> RegistryEnvironment {
        var variables: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let pair = String(cString: text)
            if let equals = pair.firstIndex(of: "=") {
                variables[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
            }
            entry += 1
        }
        let home = variables["HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? (userID == 0 ? "/root" : "/")
        return RegistryEnvironment(variables: variables, userID: userID, home: home)
    }

    /// A variable's value where it is set and not empty.
    func variable(_ name: String) -> String? {
        guard let value = variables[name], !value.isEmpty else { return nil }
        return value
    }

    /// `$XDG_CONFIG_HOME`, by default `~/.config`.
    var configurationHome: String { variable("XDG_CONFIG_HOME") ?? home + "/.config" }
    /// `$XDG_CACHE_HOME`, by default `~/.cache`.
    var cacheHome: String { variable("XDG_CACHE_HOME") ?? home + "/.cache" }
}
