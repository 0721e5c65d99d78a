import Glibc
import LinuxKernel

/// O_PATH, which Swift does not see: libc without the extensions.
private let pathOnly: Int32 = 0o10_000_000

/// The file systems that are searched for devices: the machine's, or a made-up tree of them in a directory.
///
/// Paths are those within the tree, absolute; symbolic links are followed within it.
public struct HostTree: Sendable {
    /// The directory that stands for `/`; empty for the machine itself.
    public let root: String

    public init(root: String = "") {
        var root = root
        while root.hasSuffix("/") { root.removeLast() }
        self.root = root
    }

    /// The machine's path of a path in the tree.
    func host(_ path: String) -> String { root + path }

    private func open(_ path: String, _ flags: Int32) -> OwnedDescriptor? {
        guard let top = try? OwnedDescriptor.open(root.isEmpty ? "/" : root, pathOnly | O_DIRECTORY) else { return nil }
        return try? top.openInRoot(path, flags)
    }

    /// A small file; nil where there is none that can be read.
    func read(_ path: String, limit: Int = 1 << 20) -> [UInt8]? {
        guard let file = open(path, O_RDONLY | O_NONBLOCK), let status = try? FileStatus(descriptor: file.raw),
            status.kind == .regular
        else { return nil }
        return try? file.readAll(limit: limit)
    }

    func text(_ path: String) -> String? { read(path).map { String(decoding: $0, as: UTF8.self) } }

    /// The first word of a file that holds one.
    func word(_ path: String) -> String? {
        text(path)?.split(whereSeparator: { $0 == "\n" || $0 == " " || $0 == "\t" }).first.map(String.init)
    }

    /// The names in a directory, sorted; none where there is no such.
    func names(in path: String) -> [String] {
        guard let directory = open(path, O_RDONLY | O_DIRECTORY) else { return [] }
        return ((try? Directory.entries(of: directory.raw)) ?? []).map(\.name).sorted(by: HostTree.comesFirst)
    }

    /// By the numbers in them, so that `card10` comes after `card9`.
    static func comesFirst(_ a: String, _ b: String) -> Bool {
        let order = LinkerCache.compare(Array(a.utf8), Array(b.utf8))
        return order != 0 ? order < 0 : a < b
    }

    func status(_ path: String) -> FileStatus? {
        guard let file = open(path, pathOnly) else { return nil }
        return try? FileStatus(descriptor: file.raw)
    }

    func exists(_ path: String) -> Bool { status(path) != nil }

    /// A character device stands there.
    func isCharacterDevice(_ path: String) -> Bool { status(path)?.kind == .characterDevice }

    /// Where a path leads, in the tree; nil where it leads nowhere.
    func real(_ path: String) -> String? {
        guard let file = open(path, pathOnly), let top = open("/", pathOnly | O_DIRECTORY) else { return nil }
        guard let target = Self.link("/proc/self/fd/\(file.raw)"), let base = Self.link("/proc/self/fd/\(top.raw)")
        else { return nil }
        if base == "/" { return target }
        if target == base { return "/" }
        guard target.hasPrefix(base + "/") else { return nil }
        return String(target.dropFirst(base.utf8.count))
    }

    /// The text of a symbolic link in the tree; nil for what is none.
    func target(_ path: String) -> String? {
        let cut = path.utf8.lastIndex(of: UInt8(ascii: "/")) ?? path.startIndex
        let parent = cut == path.startIndex ? "/" : String(path[..<cut])
        guard let directory = real(parent) else { return nil }
        return Self.link(root + directory + path[cut...])
    }

    private static func link(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 4097)
        let length = readlink(path, &buffer, 4096)
        guard length > 0, length < 4096 else { return nil }
        return String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension String {
    /// What stands behind the last slash.
    var lastPart: String { split(separator: "/").last.map(String.init) ?? "" }

    /// What stands before the last slash.
    var directory: String {
        guard let cut = utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return cut == startIndex ? "/" : String(self[..<cut])
    }
}
