import Glibc
import LinuxKernel

/// Files of the host that rules read: small, regular, or nothing.
package enum HostFile {
    package static func read(_ path: String, limit: Int) -> [UInt8]? {
        guard let file = try? OwnedDescriptor.open(path, O_RDONLY | O_NONBLOCK),
            let status = try? FileStatus(descriptor: file.raw), status.kind == .regular
        else { return nil }
        return try? file.readAll(limit: limit)
    }
}
