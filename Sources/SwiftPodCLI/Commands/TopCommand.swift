import ContainerEngine
import Glibc
import LinuxKernel
import OptionGrammar

extension Verb {
    private static let topTable: OptionParser<ContainerOptions>.Table = [[.latest]]

    static let top = Verb(
        name: "top", summary: "Display the running processes of a container",
        usage: "[options] CONTAINER [FORMAT-DESCRIPTORS|ARGS...]",
        examples: ["top web", "top web pid user args", "top web -eo pid,comm"], options: { described(topTable) }
    ) { invocation in
        var options = ContainerOptions()
        var words = try invocation.parse(topTable, into: &options, interspersed: false)
        let session = try Session(invocation)
        let container: Container
        if options.latest {
            guard let last = try session.engine.containers().last else {
                throw CommandError("no containers to act on: no such container")
            }
            container = last
        } else {
            guard !words.isEmpty else { throw CommandError("you must provide the name or id of a running container") }
            container = try session.engine.container(words.removeFirst())
        }
        let asked = words.flatMap { $0.split(separator: ",").map(String.init) }
        let names = asked.isEmpty ? ProcessColumn.standard : asked
        if names.allSatisfy({ ProcessColumn.all[$0] != nil }) {
            let processes = try session.engine.processes(container)
            let columns = names.compactMap { ProcessColumn.all[$0] }
            let clock = ProcessClock()
            var lines = [columns.map(\.heading).joined(separator: "\t")]
            for process in processes {
                lines.append(columns.map { $0.text(process, clock) }.joined(separator: "\t"))
            }
            try Output.write(alignColumns(lines))
            return 0
        }
        // As podman: words that are no descriptors are ps(1)'s, and the container's own is asked.
        var exec = ExecConfiguration(command: ["ps"] + words)
        exec.environment.httpProxy = false
        let io = AttachedStreams(stdin: nil, stdout: 1, stderr: 2)
        return try session.engine.exec(container, exec, io: io)?.code ?? 0
    }
}

/// Now, in the units of /proc.
private struct ProcessClock {
    let perSecond = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
    let uptime: Double

    init() {
        let text = String(decoding: (try? File.read("/proc/uptime", limit: 128)) ?? [], as: UTF8.self)
        uptime = Double(text.prefix { $0 != " " }) ?? 0
    }

    func elapsed(_ process: ContainerProcess) -> Double {
        max(0, uptime - Double(process.startTicks) / perSecond)
    }

    func used(_ process: ContainerProcess) -> Double { Double(process.cpuTicks) / perSecond }
}

/// podman's format descriptors that mean something here.
private struct ProcessColumn: Sendable {
    let heading: String
    let text: @Sendable (ContainerProcess, ProcessClock) -> String

    init(_ heading: String, _ text: @escaping @Sendable (ContainerProcess, ProcessClock) -> String) {
        self.heading = heading
        self.text = text
    }

    static let standard = ["user", "pid", "ppid", "pcpu", "etime", "tty", "time", "args"]

    static let all: [String: ProcessColumn] = [
        "args": ProcessColumn("COMMAND") { process, _ in
            process.arguments.isEmpty ? "[\(process.name)]" : process.arguments.joined(separator: " ")
        },
        "comm": ProcessColumn("COMMAND") { process, _ in process.name },
        "etime": ProcessColumn("ELAPSED") { process, clock in goSeconds(clock.elapsed(process)) },
        "hpid": ProcessColumn("HPID") { process, _ in "\(process.hostPid)" },
        "huser": ProcessColumn("HUSER") { process, _ in "\(process.hostUID)" },
        "nice": ProcessColumn("NI") { process, _ in "\(process.nice)" },
        "pcpu": ProcessColumn("%CPU") { process, clock in
            let elapsed = clock.elapsed(process)
            return printDouble("%.*f", 3, elapsed > 0 ? clock.used(process) / elapsed * 100 : 0)
        },
        "pgid": ProcessColumn("PGID") { process, _ in "\(process.group)" },
        "pid": ProcessColumn("PID") { process, _ in "\(process.pid)" },
        "ppid": ProcessColumn("PPID") { process, _ in "\(process.parent)" },
        "rss": ProcessColumn("RSS") { process, _ in "\(process.residentSize / 1024)" },
        "state": ProcessColumn("STATE") { process, _ in process.state },
        "time": ProcessColumn("TIME") { process, clock in goSeconds(clock.used(process)) },
        "tty": ProcessColumn("TTY") { process, _ in terminal(process.terminal) },
        "user": ProcessColumn("USER") { process, _ in process.uid == 0 ? "root" : "\(process.uid)" },
        "vsz": ProcessColumn("VSZ") { process, _ in "\(process.virtualSize / 1024)" },
    ]

    private static func goSeconds(_ seconds: Double) -> String {
        goDuration(microseconds: UInt64(seconds * 100) * 10_000).replacingZero()
    }

    /// tty_nr of proc(5): major in bits 8 to 15, minor around it.
    private static func terminal(_ device: Int) -> String {
        if device == 0 { return "?" }
        let (major, minor) = (device >> 8 & 0xff, device & 0xff | device >> 12 & 0xfff00)
        return major == 136 ? "pts/\(minor)" : major == 5 && minor == 1 ? "console" : major == 4 ? "tty\(minor)" : "?"
    }
}

extension String {
    /// Go's zero duration.
    fileprivate func replacingZero() -> String { self == "0µs" ? "0s" : self }
}
