import Glibc
import LinuxKernel

/// What the kernel keeps of files in memory.
enum PageCache {
    /// Lets go of all files below a directory that this user may read. Names and inodes stay known, and so does what a
    /// running program has mapped: to let go of everything takes root, and hits the whole machine.
    static func drop(below directory: String) {
        guard let opened = try? OwnedDescriptor.open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) else { return }
        drop(opened.raw)
    }

    private static func drop(_ directory: Int32) {
        for entry in (try? Directory.entries(of: directory)) ?? []
        where entry.kind == .directory || entry.kind == .regular {
            guard let file = try? File.openRaw(entry.name, in: directory, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, mode: 0)
            else { continue }
            if entry.kind == .directory { drop(file) } else { posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) }
            close(file)
        }
    }
}
