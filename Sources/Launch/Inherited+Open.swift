import CShims
import Glibc
import LinuxKernel

extension LaunchPlan.Inherited.Source {
    /// Opens or makes it; the caller closes it.
    /// `step`: the number of the instruction that executes the guard, for its report.
    func open(step: Int) throws(SyscallError) -> Int32 {
        switch self {
        case .descriptor(let descriptor): return descriptor
        case .path(let path): return try OwnedDescriptor.open(path).release()
        case .nodes(let nodes):
            let system = OwnedDescriptor(adopting: try check("fsmount", "devices") { swiftpod_node_system() })
            for (index, node) in nodes.enumerated() {
                try check("mknod", node.path) {
                    swiftpod_make_node(system.raw, "\(index)", node.mode, node.number.packed, node.uid, node.gid)
                }
            }
            return system.release()
        case .mapped(let tree): return try tree.open()
        case .guarding(let image): return image.open(step: step)
        }
    }
}

extension LaunchPlan.MappedTree {
    /// A mapping is told to the kernel as a user namespace's; a child that sleeps in one lends it.
    func open() throws(SyscallError) -> Int32 {
        let child = try check("clone", "user namespace") { swiftpod_namespace_child() }
        defer {
            kill(child, SIGKILL)
            var status: Int32 = 0
            while waitpid(child, &status, 0) < 0, errno == EINTR {}
        }
        try IDMaps.write(pid: child, uid: uid, gid: gid)
        let namespace = try OwnedDescriptor.open("/proc/\(child)/ns/user")
        return try check("mount_setattr", path) {
            swiftpod_mapped_tree(path, isRecursive ? 1 : 0, everywhere ? 1 : 0, namespace.raw)
        }
    }
}

extension SystemCall {
    /// In the launcher, for its child.
    func perform(for pid: Int32) throws(SyscallError) {
        var native = swiftpod_system_call()
        native.number = number
        var memory: [UnsafeMutableRawPointer] = []
        defer { for one in memory { one.deallocate() } }
        withUnsafeMutableBytes(of: &native.arguments) { raw in
            let words = raw.bindMemory(to: Int.self)
            for (index, argument) in arguments.prefix(5).enumerated() {
                switch argument {
                case .value(let value): words[index] = Int(bitPattern: UInt(value))
                case .process: words[index] = Int(pid)
                case .bytes(let bytes):
                    let copy = UnsafeMutableRawPointer.allocate(byteCount: max(1, bytes.count), alignment: 8)
                    bytes.withUnsafeBytes {
                        copy.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(copy), byteCount: bytes.count)
                    }
                    memory.append(copy)
                    words[index] = Int(bitPattern: copy)
                }
            }
        }
        try check(purpose) { swiftpod_system_call_now(&native) }
    }
}
