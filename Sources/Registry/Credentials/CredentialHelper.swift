import Glibc
import LinuxKernel
import OCISpec

/// A program `docker-credential-NAME` that keeps credentials, by docker's protocol: a verb as argument, the rest on
/// standard input and output. The user's own configuration names it.
struct CredentialHelper {
    let name: String
    /// The helper's environment; its `PATH` is searched for the helper.
    let environment: [String: String]

    private var program: String { "docker-credential-" + name }

    /// nil where the helper knows nothing about the registry.
    func get(_ registry: String) throws(RegistryError) -> Credentials? {
        let (status, output) = try run("get", input: Array(registry.utf8))
        guard status == .exited(0) else {
            if isNotFound(output) { return nil }
            throw failure("get", output, status)
        }
        let json: JSON
        do {
            json = try JSON(parsing: output)
        } catch {
            throw RegistryError(.configuration, "run \(program): read its answer: \(error.words)")
        }
        guard case .string(let username)? = json["Username"], case .string(let secret)? = json["Secret"] else {
            throw RegistryError(.configuration, "run \(program): its answer lacks Username or Secret")
        }
        if username == "<token>" { return Credentials(username: "", password: "", identityToken: secret) }
        let credentials = Credentials(username: username, password: secret)
        return credentials.isEmpty ? nil : credentials
    }

    func store(_ credentials: Credentials, for registry: String) throws(RegistryError) {
        let document = JSON.object([
            JSON.Member("ServerURL", .string(registry)),
            JSON.Member("Username", .string(credentials.identityToken == nil ? credentials.username : "<token>")),
            JSON.Member("Secret", .string(credentials.identityToken ?? credentials.password)),
        ])
        let (status, output) = try run("store", input: document.encoded())
        guard status == .exited(0) else { throw failure("store", output, status) }
    }

    /// False where the helper knew nothing about the registry.
    func erase(_ registry: String) throws(RegistryError) -> Bool {
        let (status, output) = try run("erase", input: Array(registry.utf8))
        guard status == .exited(0) else {
            if isNotFound(output) { return false }
            throw failure("erase", output, status)
        }
        return true
    }

    private func isNotFound(_ output: [UInt8]) -> Bool {
        String(decoding: output, as: UTF8.self).contains("credentials not found in native keychain")
    }

    private func failure(_ verb: String, _ output: [UInt8], _ status: ExitStatus) -> RegistryError {
        let words = RegistryError.singleLine(String(decoding: output.prefix(200), as: UTF8.self))
        return RegistryError(
            .configuration, "run \(program) \(verb): \(words.isEmpty ? "exit code \(status.code)" : words)")
    }

    // MARK: The process

    private func run(
        _ verb: String, input: [UInt8]
    ) throws(RegistryError) -> (status: ExitStatus, output: [UInt8]) {
        guard let path = findProgram() else {
            throw RegistryError(.configuration, "run \(program): not found in PATH")
        }
        do throws(SyscallError) {
            // A file in memory rather than a pipe: a helper that does not read its input gives us no SIGPIPE.
            let stdin = try OwnedDescriptor.memoryFile(named: "credential-helper")
            try stdin.writeAll(input)
            try check("lseek") { lseek(stdin.raw, 0, SEEK_SET) }
            return try converse(path, verb, stdin: stdin.raw)
        } catch {
            throw RegistryError(.configuration, "run \(program): \(error)")
        }
    }

    private func converse(
        _ path: String, _ verb: String, stdin: Int32
    ) throws(SyscallError) -> (status: ExitStatus, output: [UInt8]) {
        var answer = try OwnedDescriptor.pipe()
        let pid = try spawn(path, verb, stdin: stdin, stdout: answer.writer.raw)
        // Ours is closed, so that the helper's end is the answer's end.
        answer.writer = OwnedDescriptor(adopting: -1)
        let output = Result { () throws(SyscallError) in try answer.reader.readAll(limit: 1 << 20) }
        var status: Int32 = 0
        try check("waitpid", program) { waitpid(pid, &status, 0) }
        let signal = status & 0x7f
        return (signal == 0 ? .exited((status >> 8) & 0xff) : .signaled(signal), try output.get())
    }

    private func spawn(_ path: String, _ verb: String, stdin: Int32, stdout: Int32) throws(SyscallError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, stdin, 0)
        posix_spawn_file_actions_adddup2(&actions, stdout, 1)
        var arguments: [UnsafeMutablePointer<CChar>?] = [strdup(program), strdup(verb), nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in arguments + variables { free(text) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, path, &actions, nil, &arguments, &variables)
        guard code == 0 else { throw SyscallError("posix_spawn", path, errno: code) }
        return pid
    }

    private func findProgram() -> String? {
        // Never by a path: what a configuration file names is one file name.
        guard !name.contains("/") else { return nil }
        for directory in (environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":") {
            let path = "\(directory)/\(program)"
            if directory.hasPrefix("/"), access(path, X_OK) == 0 { return path }
        }
        return nil
    }
}
