import CShims
import Glibc
import LinuxKernel
import OCISpec

/// Images on disk: blobs as an OCI image layout, files as objects, and the trees that containers start from.
///
/// A value that knows where the store is and nothing else; making one touches no file. Any number of processes may work
/// on one store at a time. Commands that change trees must be in the keeper's user namespace (or be root).
public struct ImageStore: Sendable {
    let layout: Layout
    /// The kind of tree asked for; nil leaves it to the kernel's abilities.
    let wantedTreeKind: TreeKind?

    /// The store under a directory, which need not exist yet.
    public init(root: String, treeKind: TreeKind? = nil) throws(StoreError) {
        guard root.hasPrefix("/") else { throw StoreError(.invalid, "open store \(root): not an absolute path") }
        layout = Layout(root: root)
        wantedTreeKind = treeKind
    }

    /// The directory.
    public var root: String { layout.root }

    /// Makes the directories where they are missing. Only commands that write call this.
    func prepare() throws {
        if try FileStatus.ifPresent(layout.ociLayout) != nil { return }
        for directory in [
            layout.blobs, layout.objects, layout.linked, layout.layers, layout.trees, layout.images, layout.tags,
            layout.temporary, layout.locks,
        ] {
            try Directory.create(directory, mode: 0o755)
        }
        try scatterDirectories(madeIn: layout.temporary)
        try File.writeAtomically(Array("{\"imageLayoutVersion\":\"1.0.0\"}".utf8), to: layout.ociLayout)
    }

    /// ext4 looks for room on the whole disk for a directory that is made in this one, as it does in the root, and not in
    /// the neighbourhood alone. Without a journal it looks there at every inode that was freed in the last minutes, for each
    /// new one: after a large image had been removed, a file took 0.5 ms in place of 0.02. Trees and layers begin here.
    private func scatterDirectories(madeIn directory: String) throws {
        let file = try OwnedDescriptor.open(directory, O_RDONLY | O_DIRECTORY)
        let (get, set, topDirectory): (UInt, UInt, Int32) = (0x8008_6601, 0x4008_6602, 0x0002_0000)
        var flags: Int32 = 0
        // FS_IOC_GETFLAGS, FS_IOC_SETFLAGS; FS_TOPDIR_FL is ext4's alone, and others refuse it.
        guard swiftpod_ioctl(file.raw, get, &flags) == 0 else { return }
        flags |= topDirectory
        _ = swiftpod_ioctl(file.raw, set, &flags)
    }
}
