import Glibc
import LinuxKernel

/// Connects a container's own network namespace to the host's network, and undoes it.
struct NetworkConnection {
    let tool: NetworkTool?
    let record: ContainerRecord
    let layout: DataLayout

    init(_ record: ContainerRecord, layout: DataLayout) {
        tool = NetworkTool(rawValue: record.network)
        self.record = record
        self.layout = layout
    }

    var isNeeded: Bool { tool != nil }

    /// The process holds the namespace and waits. Returns the helper that carries the traffic from now on.
    func connect(_ pid: Int32) throws(EngineError) -> ProcessIdentity? {
        switch tool {
        case nil: nil
        case .pasta: try connectByPasta(pid)
        case .slirp4netns: try connectBySlirp(pid)
        }
    }

    /// Ends the helper. It ends by itself, too, some time after the namespace has.
    func disconnect(_ helper: ProcessIdentity?) { NetworkConnection.end(helper) }

    /// In the container's directory.
    static let pidFile = "network.pid"

    /// Ends the helper of a command that was killed before it had written down which it is. A pid alone may be somebody
    /// else's by now: only one that goes by the tool's name is touched.
    static func endLost(in directory: Int32) {
        guard let text = try? File.readIfPresent(pidFile, in: directory, limit: 32),
            let pid = Int32(String(decoding: text.prefix { $0 != 0x0a }, as: UTF8.self)), pid > 1,
            let found = ProcessIdentity(runningAs: pid),
            let name = try? File.read("/proc/\(pid)/comm", limit: 64)
        else { return }
        // pasta executes a variant of itself for the processor: `pasta.avx2`.
        guard name.starts(with: "pasta".utf8) || name.starts(with: "slirp4netns".utf8) else { return }
        end(found)
    }

    static func end(_ helper: ProcessIdentity?) {
        guard let helper, let pidfd = (try? ProcessDescriptor.open(helper)) ?? nil else { return }
        try? ProcessDescriptor.signal(pidfd.raw, SIGTERM)
        if (try? ProcessDescriptor.waitForEnd(pidfd.raw, milliseconds: 500)) != true {
            try? ProcessDescriptor.signal(pidfd.raw, SIGKILL)
        }
    }
}
