import Glibc
import LinuxKernel
import OCISpec

/// O_PATH, which Swift does not see: libc without the extensions.
private let pathOnly: Int32 = 0o10_000_000

/// How the rules read a container's root file system: an image's tree, a directory, or a running container's root.
public struct RootView: Sendable {
    /// Contents of a regular file, symbolic links resolved inside the root; nil where there is none. The number is the
    /// most bytes that may come back.
    public var readFile: @Sendable (_ path: String, _ limit: Int) -> [UInt8]?
    /// What stands at a path, symbolic links resolved inside the root; nil where there is nothing.
    public var entry: @Sendable (_ path: String) -> Entry?
    /// The names in a directory; none where there is no such.
    public var names: @Sendable (_ path: String) -> [String]
    /// Where a path leads inside the root, symbolic links resolved; nil where it leads nowhere.
    public var real: @Sendable (_ path: String) -> String?

    public init(
        readFile: @escaping @Sendable (_ path: String, _ limit: Int) -> [UInt8]?,
        entry: @escaping @Sendable (_ path: String) -> Entry? = { _ in nil },
        names: @escaping @Sendable (_ path: String) -> [String] = { _ in [] },
        real: @escaping @Sendable (_ path: String) -> String? = { _ in nil }
    ) {
        self.readFile = readFile
        self.entry = entry
        self.names = names
        self.real = real
    }

    public struct Entry: Equatable, Sendable {
        public var isDirectory: Bool
        /// The twelve permission bits.
        public var mode: UInt32
        /// Nothing in it; false for what is no directory.
        public var isEmpty: Bool

        public init(isDirectory: Bool, mode: UInt32, isEmpty: Bool) {
            self.isDirectory = isDirectory
            self.mode = mode
            self.isEmpty = isEmpty
        }
    }

    /// A directory of the host: `--rootfs`, a running container's `/proc/PID/root`. With `readFile`, a tree whose
    /// directories are real and whose files are kept elsewhere.
    public init(
        directory path: String, readFile: (@Sendable (_ path: String, _ limit: Int) -> [UInt8]?)? = nil
    ) {
        self.init(
            readFile: readFile ?? { name, limit in
                // O_NONBLOCK: a fifo of the image's must not hold us up.
                guard let root = try? OwnedDescriptor.open(path, pathOnly | O_DIRECTORY),
                    let file = try? root.openInRoot(name, O_RDONLY | O_NONBLOCK),
                    let status = try? FileStatus(descriptor: file.raw), status.kind == .regular
                else { return nil }
                return try? file.readAll(limit: limit)
            },
            entry: { name in
                guard let root = try? OwnedDescriptor.open(path, pathOnly | O_DIRECTORY),
                    let found = try? root.openInRoot(name, pathOnly),
                    let status = try? FileStatus(descriptor: found.raw)
                else { return nil }
                guard status.kind == .directory else {
                    return Entry(isDirectory: false, mode: status.permissions, isEmpty: false)
                }
                var isEmpty = true
                if let list = try? root.openInRoot(name, O_RDONLY | O_DIRECTORY),
                    let entries = try? Directory.entries(of: list.raw)
                {
                    isEmpty = entries.isEmpty
                }
                return Entry(isDirectory: true, mode: status.permissions, isEmpty: isEmpty)
            },
            names: { name in
                guard let root = try? OwnedDescriptor.open(path, pathOnly | O_DIRECTORY),
                    let list = try? root.openInRoot(name, O_RDONLY | O_DIRECTORY)
                else { return [] }
                return ((try? Directory.entries(of: list.raw)) ?? []).map(\.name).sorted()
            },
            real: { name in
                guard let root = try? OwnedDescriptor.open(path, pathOnly | O_DIRECTORY),
                    let found = try? root.openInRoot(name, pathOnly),
                    let base = RootView.link(root.procPath), let target = RootView.link(found.procPath)
                else { return nil }
                if base == "/" { return target }
                if target == base { return "/" }
                return target.hasPrefix(base + "/") ? String(target.dropFirst(base.utf8.count)) : nil
            })
    }

    /// The text of a symbolic link.
    private static func link(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 4097)
        let length = readlink(path, &buffer, 4096)
        guard length > 0 else { return nil }
        return String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// What the image says, as far as a container depends on it.
public struct ImageFacts: Equatable, Sendable {
    /// The configuration's digest.
    public var id: String
    /// The name the user gave or the first that the image has.
    public var name: String
    public var execution: ImageConfig.Execution

    public init(id: String, name: String, execution: ImageConfig.Execution) {
        self.id = id
        self.name = name
        self.execution = execution
    }
}
