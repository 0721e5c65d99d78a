import LinuxKernel

/// A device node of the host.
public struct HostNode: Equatable, Sendable {
    /// `c`, `b` or `p`.
    public var type: String
    public var major: UInt32
    public var minor: UInt32
    /// The twelve permission bits.
    public var mode: UInt32
    public var uid: UInt32
    public var gid: UInt32

    public init(type: String, major: UInt32, minor: UInt32, mode: UInt32 = 0o666, uid: UInt32 = 0, gid: UInt32 = 0) {
        self.type = type
        self.major = major
        self.minor = minor
        self.mode = mode
        self.uid = uid
        self.gid = gid
    }

    /// The node at a path, symbolic links followed; nil for what is no device node or fifo.
    public init?(_ path: String) throws(SyscallError) {
        let status = try FileStatus(path, following: true)
        switch status.kind {
        case .characterDevice: type = "c"
        case .blockDevice: type = "b"
        case .fifo: type = "p"
        default: return nil
        }
        major = status.special.major
        minor = status.special.minor
        mode = status.permissions
        uid = status.uid
        gid = status.gid
    }
}

extension ContainerEdits {
    /// The edits with what a node leaves open filled in from the host. A node whose type and number are given needs no
    /// host's; any other has to exist.
    ///
    /// - Parameter node: nil for a path that is no device node; throws for one that is not there.
    public func filled(from node: (String) throws(SyscallError) -> HostNode?) throws(CDIError) -> ContainerEdits {
        var edits = self
        for index in edits.deviceNodes.indices { try edits.deviceNodes[index].fill(from: node) }
        return edits
    }
}

extension ContainerEdits.DeviceNode {
    fileprivate mutating func fill(from node: (String) throws(SyscallError) -> HostNode?) throws(CDIError) {
        let isComplete = type != nil && (major != 0 || type == "p")
        let found: HostNode?
        do throws(SyscallError) {
            found = try node(source)
        } catch {
            if isComplete { return }
            throw CDIError(.notFound, "device \(source.printable): \(SyscallError.reason(error.errno))")
        }
        guard let found else {
            if isComplete { return }
            throw CDIError(.invalid, "device \(source.printable): not a device node")
        }
        // Of a node that is bound and not made, mode and owner are the host's whatever is said here.
        if fileMode == nil { fileMode = found.mode }
        if isComplete { return }
        let wanted = type == "u" ? "c" : type
        if let wanted, wanted != found.type {
            throw CDIError(.invalid, "device \(source.printable): is of type \(found.type), not \(wanted)")
        }
        type = type ?? found.type
        if found.type != "p", major == 0 {
            major = Int64(found.major)
            minor = Int64(found.minor)
        }
    }
}
