import Glibc
import LinuxKernel

/// What images travel in.
public enum ArchiveFormat: String, Equatable, Sendable, CaseIterable {
    /// `docker save`'s tarball: `manifest.json` and uncompressed layers.
    case dockerArchive = "docker-archive"
    /// An OCI image layout in a tarball.
    case ociArchive = "oci-archive"
    /// An OCI image layout as a directory.
    case ociDirectory = "oci-dir"
}

/// Where an archive is read from.
public enum ArchiveSource: Equatable, Sendable {
    /// A borrowed descriptor: a file, read from its beginning, or a pipe.
    case descriptor(Int32)
    /// A file, or a directory with an OCI image layout.
    case path(String)

    /// A descriptor of our own of it.
    func open() throws(SyscallError) -> OwnedDescriptor {
        switch self {
        case .descriptor(let descriptor):
            return OwnedDescriptor(adopting: try check("dup", "archive") { dup(descriptor) })
        case .path(let path): return try OwnedDescriptor.open(path)
        }
    }
}

/// Where an archive is written to.
public enum ArchiveTarget: Equatable, Sendable {
    /// A borrowed descriptor; a pipe will do.
    case descriptor(Int32)
    /// A file that appears when it is complete, or a directory for `.ociDirectory`.
    case path(String)
}
