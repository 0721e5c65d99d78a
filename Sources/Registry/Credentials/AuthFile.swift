import OCISpec

/// One auth.json, docker config.json or .dockercfg: containers-auth.json(5). Members that we do not know survive.
struct AuthFile {
    /// What a file says about a registry.
    enum Entry: Equatable {
        case credentials(Credentials)
        /// Ask `docker-credential-NAME`; this file has nothing more to say.
        case helper(String)
        /// Ask `docker-credential-NAME`, the store for all registries; what it does not know may stand elsewhere.
        case store(String)
    }

    let path: String
    /// `.dockercfg`: the whole file is the list of registries.
    let isLegacy: Bool
    private var document: [JSON.Member]

    init(emptyAt path: String) {
        self.path = path
        isLegacy = false
        document = []
    }

    init(parsing text: [UInt8], path: String, isLegacy: Bool = false) throws(RegistryError) {
        self.path = path
        self.isLegacy = isLegacy
        let json: JSON
        do {
            // podman makes an empty file where it finds none to write to.
            json = text.allSatisfy { $0 <= 0x20 } ? .object([]) : try JSON(parsing: text)
        } catch {
            throw RegistryError(.configuration, "read auth file \(path): \(error.words)")
        }
        guard case .object(let members) = json else {
            throw RegistryError(.configuration, "read auth file \(path): it is not a JSON object")
        }
        document = members
        _ = try auths()
        _ = try helpers()
    }

    // MARK: Reading

    /// What stands for an image's repository (`registry/path`) or for a registry.
    func entry(for key: String) throws(RegistryError) -> Entry? {
        let registry = String(key.prefix { $0 != "/" })
        if let helper = try helpers()[registry] { return .helper(helper) }
        let auths = try self.auths()
        var exact = key[...]
        while true {
            if !isLegacy || !exact.contains("/"), let value = auths.first(where: { $0.name == exact }),
                let credentials = try credentials(value)
            {
                return .credentials(credentials)
            }
            guard let slash = exact.lastIndex(of: "/") else { break }
            exact = exact[..<slash]
        }
        // docker's older entries are URLs, and its hub's goes by another name.
        let wanted = AuthFile.canonical(registry)
        for value in auths where normalized(value.name) == wanted {
            if let credentials = try credentials(value) { return .credentials(credentials) }
        }
        if case .string(let store)? = member("credsStore"), !store.isEmpty { return .store(store) }
        return nil
    }

    private func member(_ name: String) -> JSON? { document.first { $0.name == name }?.value }

    private func auths() throws(RegistryError) -> [JSON.Member] {
        if isLegacy { return document }
        switch member("auths") {
        case nil, .null?: return []
        case .object(let members)?: return members
        default: throw RegistryError(.configuration, "read auth file \(path): auths is not an object")
        }
    }

    private func helpers() throws(RegistryError) -> [String: String] {
        guard !isLegacy, let value = member("credHelpers"), value != .null else { return [:] }
        guard case .object(let members) = value else {
            throw RegistryError(.configuration, "read auth file \(path): credHelpers is not an object")
        }
        var helpers: [String: String] = [:]
        for member in members {
            if case .string(let name) = member.value, !name.isEmpty { helpers[member.name] = name }
        }
        return helpers
    }

    private func credentials(_ entry: JSON.Member) throws(RegistryError) -> Credentials? {
        var token: String?
        if case .string(let text)? = entry.value["identitytoken"], !text.isEmpty { token = text }
        guard case .string(let encoded)? = entry.value["auth"], !encoded.isEmpty else {
            return token.map { Credentials(username: "", password: "", identityToken: $0) }
        }
        guard let bytes = Base64.decode(encoded), let text = String(validating: bytes, as: UTF8.self),
            let colon = text.firstIndex(of: ":")
        else {
            throw RegistryError(
                .configuration, "read auth file \(path): auth of \(entry.name) is not base 64 of user:password")
        }
        // docker pads the decoded text with zero bytes.
        var password = text[text.index(after: colon)...]
        while password.hasSuffix("\0") { password.removeLast() }
        let result = Credentials(
            username: String(text[..<colon]), password: String(password), identityToken: token)
        return result.isEmpty ? nil : result
    }

    /// `https://index.docker.io/v1/` and the like as a host.
    private func normalized(_ name: String) -> String {
        var text = name[...]
        var isURL = isLegacy
        for scheme in ["https://", "http://"] where text.hasPrefix(scheme) {
            text.removeFirst(scheme.count)
            isURL = true
        }
        if isURL { text = text.prefix { $0 != "/" } }
        return AuthFile.canonical(String(text))
    }

    private static func canonical(_ registry: String) -> String {
        registry == "index.docker.io" || registry == "registry-1.docker.io" ? "docker.io" : registry
    }

    // MARK: Changing

    /// The helper in charge of a registry here.
    func helper(for registry: String) throws(RegistryError) -> String? { try helpers()[registry] }

    mutating func set(_ credentials: Credentials, for key: String) throws(RegistryError) {
        var entries = try auths().filter { $0.name != key }
        entries.append(JSON.Member(key, .object([JSON.Member("auth", .string(credentials.basic))])))
        replace("auths", .object(entries))
    }

    /// False where the file had nothing.
    mutating func remove(_ key: String) throws(RegistryError) -> Bool {
        let entries = try auths()
        let wanted = AuthFile.canonical(key)
        var kept = entries.filter { $0.name != key }
        if kept.count == entries.count, !key.contains("/") { kept.removeAll { normalized($0.name) == wanted } }
        guard kept.count < entries.count else { return false }
        replace("auths", .object(kept))
        return true
    }

    /// Forgets every registry; returns the helpers that know more, with their registries.
    mutating func removeAll() throws(RegistryError) -> [(registry: String, helper: String)] {
        let helpers = try self.helpers().sorted { $0.key < $1.key }.map { (registry: $0.key, helper: $0.value) }
        replace("auths", .object([]))
        if member("credHelpers") != nil { replace("credHelpers", .object([])) }
        return helpers
    }

    private mutating func replace(_ name: String, _ value: JSON) {
        if let index = document.firstIndex(where: { $0.name == name }) {
            document[index].value = value
        } else {
            document.append(JSON.Member(name, value))
        }
    }

    var encoded: [UInt8] { JSON.object(document).encoded(pretty: true) + [0x0a] }
}
