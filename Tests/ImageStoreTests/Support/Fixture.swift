import Foundation
import Glibc
import ImageStore
import LinuxKernel
import OCISpec

/// A store of a test's own, removed with the value.
struct Fixture: ~Copyable {
    let directory: String
    let store: ImageStore

    init(_ kind: TreeKind = .dataOnly) throws {
        var template = Array("/tmp/swiftpod-store-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SyscallError("mkdtemp", "/tmp") }
        let directory = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        let store = try ImageStore(root: directory + "/store", treeKind: kind)
        self.directory = directory
        self.store = store
    }

    deinit {
        try? Directory.removeTree(directory)
    }

    /// The caller as the image's root: who is not root has no other ids.
    static var map: IDMap {
        geteuid() == 0
            ? .identity
            : IDMap(
                uid: [.init(containerID: 0, hostID: geteuid(), size: 1)],
                gid: [.init(containerID: 0, hostID: getegid(), size: 1)])
    }

    func path(_ name: String) -> String { directory + "/" + name }

    @discardableResult
    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        try File.writeAtomically(bytes, to: path(name))
        return path(name)
    }

    /// Takes an image in as a pull does: blobs by their digests, then the manifest.
    @discardableResult
    func image(_ layers: [[UInt8]], name: String = "localhost/image:latest") throws -> StoredImage {
        let session = try store.beginIngest()
        defer { _ = session }
        let made = MadeImage(layers)
        for (layer, diffID) in zip(made.layers, made.diffIDs) {
            let writer = try store.beginLayer(layer.descriptor, diffID: diffID)
            try layer.bytes.withUnsafeBytes { bytes in try writer.write(bytes) }
            try writer.finish()
        }
        let writer = try store.beginBlob(made.config.descriptor)
        try made.config.bytes.withUnsafeBytes { bytes in try writer.write(bytes) }
        try writer.finish()
        return try store.commit(
            manifest: made.manifest.bytes, digest: made.manifest.descriptor.digest,
            names: [try Reference(parsing: name)])
    }

    /// One layer, its tree built and listed.
    func tree(_ layers: [UInt8]...) throws -> [String: String] {
        let image = try image(layers)
        return try listing(try store.tree(of: image, map: Fixture.map))
    }
}

/// An image's documents and layers.
struct MadeImage {
    struct Part {
        var bytes: [UInt8]
        var descriptor: ContentDescriptor

        init(_ bytes: [UInt8], _ type: String) {
            self.bytes = bytes
            descriptor = ContentDescriptor(
                mediaType: type, digest: SHA256.digest(of: bytes), size: Int64(bytes.count))
        }
    }

    var layers: [Part]
    var diffIDs: [Digest]
    var config: Part
    var manifest: Part

    /// - Parameter stored: The layers as they travel; the archives themselves where nothing else is given.
    init(_ archives: [[UInt8]], stored: [[UInt8]]? = nil) {
        layers = (stored ?? archives).map { bytes in
            Part(bytes, bytes.starts(with: [0x1f, 0x8b]) ? MediaType.ociLayerGzip : MediaType.ociLayer)
        }
        diffIDs = archives.map { SHA256.digest(of: $0) }
        var document = ImageConfig(platform: .host, diffIDs: diffIDs)
        document.created = "2024-01-02T03:04:05Z"
        document.config.cmd = ["/bin/sh"]
        config = Part(document.encoded(), MediaType.ociConfig)
        let manifest = ImageManifest(
            mediaType: MediaType.ociManifest, config: config.descriptor, layers: layers.map(\.descriptor))
        self.manifest = Part(manifest.encoded(), MediaType.ociManifest)
    }
}

/// Every entry of a tree as text: type, mode, owner, target or content.
func listing(_ tree: Tree) throws -> [String: String] {
    var result: [String: String] = [:]
    for path in try FileManager.default.subpathsOfDirectory(atPath: tree.path) {
        result[path] = try entry(path, of: tree)
    }
    return result
}

func entry(_ path: String, of tree: Tree) throws -> String {
    let status = try FileStatus(tree.path + "/" + path)
    let mode = String(status.permissions, radix: 8)
    switch status.kind {
    case .directory: return "dir \(mode)"
    case .regular: return "file \(mode) \(String(decoding: try tree.readFile(path) ?? [], as: UTF8.self))"
    case .symlink: return "link \(try readLink(tree.path + "/" + path))"
    case .fifo: return "fifo \(mode)"
    case .characterDevice: return "char \(status.special.major):\(status.special.minor)"
    case .blockDevice: return "block \(status.special.major):\(status.special.minor)"
    case .socket, .other: return "other"
    }
}

/// A layer with these words.
func layer(_ dialect: TarBuilder.Dialect = .ustar, _ build: (inout TarBuilder) -> Void) -> [UInt8] {
    var tar = TarBuilder(dialect)
    build(&tar)
    return tar.finished
}

/// Runs a program of the machine; its output, or nil where it failed.
@discardableResult
func tool(_ words: String...) -> String? {
    let process = Foundation.Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = words
    let pipe = Foundation.Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return process.terminationStatus == 0 ? String(decoding: output, as: UTF8.self) : nil
}

/// Whether the caller may make files of any owner.
let isRoot = geteuid() == 0
