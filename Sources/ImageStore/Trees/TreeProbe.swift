import CShims
import Glibc
import LinuxKernel

/// Whether this kernel mounts overlays with a data-only lower layer as we need them, found out by mounting one.
struct TreeProbe {
    let layout: Layout

    /// The answer, from the store where one of this kernel is remembered.
    func kind() throws -> TreeKind {
        let kernel = try kernelName()
        if let text = try File.readIfPresent(layout.treeKind, limit: 4096) {
            let lines = String(decoding: text, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            if lines.count >= 2, lines[1] == kernel, let kind = TreeKind(rawValue: String(lines[0])) { return kind }
        }
        let kind: TreeKind = try mounts() ? .dataOnly : .copy
        try File.writeAtomically(Array("\(kind.rawValue)\n\(kernel)\n".utf8), to: layout.treeKind)
        return kind
    }

    /// Release and version, the build's date among it: a distribution's kernel changes without a new release number.
    private func kernelName() throws -> String {
        var name = utsname()
        try check("uname") { uname(&name) }
        func text(_ field: some Any) -> String {
            withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        }
        // Root and others have different namespaces to mount in.
        return "\(text(name.release)) \(text(name.version)) \(geteuid() == 0 ? "root" : "user")"
    }

    /// A file whose content is elsewhere, mounted and read in a child process, in namespaces of its own.
    private func mounts() throws -> Bool {
        let base = File.temporaryName(beside: layout.temporary + "/probe")
        defer { try? Directory.removeTree(base) }
        for name in ["lower", "data", "target"] { try Directory.create("\(base)/\(name)") }
        try File.writeAtomically(Array("content".utf8), to: base + "/data/object")
        let file = try OwnedDescriptor.open(base + "/lower/file", O_WRONLY | O_CREAT, mode: 0o644)
        try check("ftruncate", "probe") { ftruncate(file.raw, 7) }
        if swiftpod_setxattr(file.raw, Redirect.marker, "", 0) != 0 { return false }
        if swiftpod_setxattr(file.raw, Redirect.attribute, "/object", 7) != 0 { return false }
        let answer = swiftpod_child_overlay(base, "lowerdir=lower::data,userxattr", "content")
        if answer < 0 { throw SyscallError("clone", "probe", errno: Int32(-answer)) }
        return answer == 1
    }
}
