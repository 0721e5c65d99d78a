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
        try File.writeAtomically(Array("{\"imageLayoutVersion\":\"1.0.0\"}".utf8), to: layout.ociLayout)
    }
}
