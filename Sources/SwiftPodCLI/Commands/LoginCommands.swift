import OptionGrammar
import Glibc
import LinuxKernel
import OCISpec
import Registry
import Workers

/// What `login` and `logout` have been told.
private struct LoginOptions {
    var registry = RegistryOptions()
    var username: String?
    var password: String?
    var readsPassword = false
    var showsLogin = false
    var isVerbose = false
    var all = false
}

extension Verb {
    private static let authFileRow = OptionRow<LoginOptions>.value(
        "authfile", nil, "FILE", "Keep credentials in this file"
    ) { (target, text) throws(CommandError) in
        target.registry.authFile = Caller.process.absolute(try nonEmpty(text))
    }

    private static let loginTable: OptionParser<LoginOptions>.Table = [
        [
            authFileRow,
            .value("cert-dir", nil, "DIR", "Use the certificates of this directory") {
                (target, text) throws(CommandError) in
                target.registry.certificateDirectory = Caller.process.absolute(try nonEmpty(text))
            },
            .flag("get-login", nil, "Print who is logged in") { $0.showsLogin = $1 },
            .value("password", "p", "PASSWORD", "The password; --password-stdin keeps it from other eyes") {
                (target, text) throws(CommandError) in
                target.password = text
            },
            .flag("password-stdin", nil, "Read the password from stdin") { $0.readsPassword = $1 },
            .flag("tls-verify", nil, "Require HTTPS and verify certificates") { $0.registry.tlsVerify = $1 },
            .value("username", "u", "USER", "The user's name") { (target, text) throws(CommandError) in
                target.username = text
            },
            .flag("verbose", "v", "Say where credentials are kept") { $0.isVerbose = $1 },
            .refused("compat-auth-file"),
            .refused("secret"),
        ]
    ]

    static let login = Verb(
        name: "login", summary: "Log in to a container registry", usage: "[options] [REGISTRY]",
        examples: ["login registry.example.com", "login -u me --password-stdin registry.example.com < token"],
        options: { described(loginTable) }
    ) { invocation in
        var options = LoginOptions()
        let key = try registryKey(try invocation.parse(loginTable, into: &options))
        for warning in invocation.globals.warnings { warner(invocation.globals)(warning) }
        let store = CredentialStore(authFile: options.registry.authFile)
        let warn = warner(invocation.globals)
        if options.showsLogin {
            guard let known = try store.credentials(for: key, warn: warn) else {
                throw CommandError("not logged into \(key)")
            }
            try Output.line(known.username)
            return 0
        }
        let credentials = try credentials(options, key, store)
        let pull = try options.registry.pullOptions()
        // The client starts threads: it works in a child, and what is kept is written here.
        _ = try inChild {
            try RegistryClient().verify(credentials, for: key, options: pull)
            return .null
        }
        let place = try store.store(credentials, for: key)
        if options.isVerbose { try Output.line("Used: \(place)") }
        try Output.line("Login Succeeded!")
        return 0
    }

    static let logout = Verb(
        name: "logout", summary: "Log out of a container registry", usage: "[options] [REGISTRY]",
        options: { described([[authFileRow, .flag("all", "a", "Forget all credentials") { $0.all = $1 }]]) }
    ) { invocation in
        var options = LoginOptions()
        let words = try invocation.parse(
            [[authFileRow, .flag("all", "a", "Forget all credentials") { $0.all = $1 }, .refused("compat-auth-file")]],
            into: &options)
        let store = CredentialStore(authFile: options.registry.authFile)
        if options.all {
            guard words.isEmpty else { throw CommandError("--all takes no arguments") }
            try store.removeAll()
            try Output.line("Removed login credentials for all registries")
            return 0
        }
        let key = try registryKey(words)
        guard try store.remove(key) else { throw CommandError("not logged into \(key)") }
        try Output.line("Removed login credentials for \(key)")
        return 0
    }

    private static func registryKey(_ words: [String]) throws(CommandError) -> String {
        guard words.count <= 1 else { throw CommandError("accepts at most 1 arg(s), received \(words.count)") }
        var key = words.first ?? "docker.io"
        for scheme in ["https://", "http://", "docker://"] { key = key.dropping(prefix: scheme) }
        while key.hasSuffix("/") { key.removeLast() }
        if key.isEmpty { throw CommandError("please provide a registry to log in to") }
        return key == "index.docker.io" || key == "registry-1.docker.io" ? "docker.io" : key
    }

    private static func credentials(
        _ options: LoginOptions, _ key: String, _ store: CredentialStore
    ) throws -> Credentials {
        if options.readsPassword {
            guard options.password == nil else {
                throw CommandError("can't specify both --password-stdin and --password")
            }
            guard let username = options.username, !username.isEmpty else {
                throw CommandError("must provide --username with --password-stdin")
            }
            var text = String(decoding: try readAll(0, limit: 1 << 16), as: UTF8.self)
            while let last = text.unicodeScalars.last, last == "\n" || last == "\r" { text.unicodeScalars.removeLast() }
            return Credentials(username: username, password: text)
        }
        var username = options.username ?? ""
        if username.isEmpty { username = try ask("Username: ", hidden: false) }
        let password = try options.password ?? ask("Password: ", hidden: true)
        return Credentials(username: username, password: password)
    }

    /// Asks on the terminal; what is typed is not shown where it is hidden.
    private static func ask(_ prompt: String, hidden: Bool) throws -> String {
        guard isatty(0) == 1 else {
            throw CommandError(
                "cannot ask for credentials: the input is no terminal, use --username and --password-stdin")
        }
        try Output.write(prompt)
        var old = termios()
        tcgetattr(0, &old)
        if hidden {
            var silent = old
            silent.c_lflag &= ~tcflag_t(ECHO)
            tcsetattr(0, TCSAFLUSH, &silent)
        }
        let answer = readLine(strippingNewline: true)
        if hidden {
            tcsetattr(0, TCSAFLUSH, &old)
            try Output.write("\n")
        }
        guard let answer, !answer.isEmpty else { throw CommandError("no answer to \(quoted(prompt))") }
        return answer
    }
}
