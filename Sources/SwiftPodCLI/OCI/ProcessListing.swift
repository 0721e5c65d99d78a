import Glibc
import LinuxKernel
import OptionGrammar

/// What ps(1) of the machine says about some processes, as runc prints it.
struct ProcessListing {
    /// ps's own options.
    let arguments: [String]

    init(_ arguments: [String]) { self.arguments = arguments }

    /// The heading, and the lines of these processes.
    func lines(of pids: [Int32]) throws -> String {
        let lines = try run().split(separator: "\n")
        guard let heading = lines.first,
            let column = heading.split(separator: " ").firstIndex(of: "PID")
        else { throw CommandError("ps: its output has no column PID", exitCode: 1) }
        var text = heading + "\n"
        for line in lines.dropFirst() {
            let fields = line.split(separator: " ")
            if column < fields.count, let pid = Int32(fields[column]), pids.contains(pid) { text += line + "\n" }
        }
        return String(text)
    }

    private func run() throws -> String {
        let (reader, writer) = try OwnedDescriptor.pipe().release()
        let output = OwnedDescriptor(adopting: reader)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, writer, 1)
        var words: [UnsafeMutablePointer<CChar>?] = (["ps"] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var pid: pid_t = 0
        let failure = posix_spawnp(&pid, "ps", &actions, nil, &words, environ)
        close(writer)
        guard failure == 0 else { throw SyscallError("run", "ps", errno: failure) }
        let text = try output.readAll()
        var status: Int32 = 0
        waitpid(pid, &status, 0)
        guard status == 0 else { throw CommandError("ps \(arguments.joined(separator: " ")): has failed", exitCode: 1) }
        return String(decoding: text, as: UTF8.self)
    }
}
