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

    static func end(_ helper: ProcessIdentity?) {
        guard let helper, let pidfd = (try? ProcessDescriptor.open(helper)) ?? nil else { return }
        try? ProcessDescriptor.signal(pidfd.raw, SIGTERM)
        if (try? ProcessDescriptor.waitForEnd(pidfd.raw, milliseconds: 500)) != true {
            try? ProcessDescriptor.signal(pidfd.raw, SIGKILL)
        }
    }
}
