import ContainerEngine
import Glibc
import LinuxKernel
import OCISpec
import OptionGrammar

extension OCIVerb {
    static let update = OCIVerb(
        name: "update", summary: "Change a container's limits", usage: "[OPTION...] ID",
        options:
            "resources blkio-weight cpu-period cpu-quota cpu-burst cpu-share cpu-rt-period cpu-rt-runtime cpu-idle "
            + "cpuset-cpus cpuset-mems kernel-memory kernel-memory-tcp memory memory-reservation memory-swap pids-limit "
            + "l3-cache-schema mem-bw-schema"
    ) { call in
        let id = try call.id()
        var changes = call.options.changes
        if let file = call.options.resources {
            let text = file == "-" ? try readInput() : try call.caller.readFile(file)
            do { changes = try JSON(parsing: text) } catch {
                throw CommandError("read \(file == "-" ? "stdin" : file): \(error)", exitCode: 1)
            }
        }
        try call.runtime().update(
            id, changes, l3CacheSchema: call.options.l3CacheSchema,
            memoryBandwidthSchema: call.options.memoryBandwidthSchema)
        return 0
    }

    /// By its descriptor: opened by name, a pipe of somebody else's is refused.
    private static func readInput() throws -> [UInt8] {
        try OwnedDescriptor(adopting: try check("dup", "stdin") { fcntl(0, F_DUPFD_CLOEXEC, 3) }).readAll(
            limit: 1 << 20)
    }

    static let events = OCIVerb(
        name: "events", summary: "Print a container's figures, and when it runs out of memory",
        usage: "[OPTION...] ID", options: "stats interval"
    ) { call in
        let runtime = call.runtime()
        let id = try call.id()
        if call.options.statistics {
            try Output.line(OCIEvent.statistics(try runtime.statistics(id)).json(id).text)
        } else {
            try runtime.watch(id, interval: call.options.interval) { event in try Output.line(event.json(id).text) }
        }
        return 0
    }
}
