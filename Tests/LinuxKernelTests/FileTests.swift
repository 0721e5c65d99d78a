import Foundation
import LinuxKernel
import Testing

/// A directory of the test's own, gone afterwards.
final class Scratch {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "swiftpod-test-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? LinuxKernel.Directory.removeTree(path)
    }
}

@Suite struct FileTests {
    @Test func replacesAFileWhole() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/a"
        try File.writeAtomically("one".utf8, to: path, mode: 0o600, sync: true)
        try File.writeAtomically("two".utf8, to: path, mode: 0o640)
        #expect(try File.read(path) == Array("two".utf8))
        #expect(try FileStatus(path).permissions == 0o640)
        #expect(try LinuxKernel.Directory.entries(at: scratch.path).map(\.name) == ["a"])
        #expect(throws: SyscallError("read", path, errno: EFBIG)) { try File.read(path, limit: 2) }
        #expect(try File.readIfPresent(scratch.path + "/none") == nil)
    }

    @Test func removesADeepTreeWithoutFollowingLinks() throws {
        let scratch = try Scratch()
        try File.writeAtomically("keep".utf8, to: scratch.path + "/keep")
        let top = scratch.path + "/top"
        try LinuxKernel.Directory.create(top)
        // Deeper than there are descriptors for a process, and longer than PATH_MAX: made step by step.
        var at = try OwnedDescriptor.open(top, O_RDONLY | O_DIRECTORY)
        for _ in 0..<1500 {
            #expect(mkdirat(at.raw, "deep-directory", 0o755) == 0)
            #expect(symlinkat(scratch.path + "/keep", at.raw, "link") == 0)
            at = try at.open("deep-directory", O_RDONLY | O_DIRECTORY)
        }
        let directory = try OwnedDescriptor.open(scratch.path)
        try LinuxKernel.Directory.removeTree("top", in: directory.raw)
        #expect(try LinuxKernel.Directory.entries(at: scratch.path).map(\.name) == ["keep"])
        try LinuxKernel.Directory.removeTree(scratch.path + "/none")
    }

    @Test func opensInsideARootOnly() throws {
        let scratch = try Scratch()
        try LinuxKernel.Directory.create(scratch.path + "/root/etc")
        try File.writeAtomically("inside".utf8, to: scratch.path + "/root/etc/hostname")
        #expect(symlink("/etc/hostname", scratch.path + "/root/link") == 0)
        #expect(symlink("../../../..", scratch.path + "/root/up") == 0)
        let root = try OwnedDescriptor.open(scratch.path + "/root", O_DIRECTORY)
        #expect(try root.openInRoot("link").readAll() == Array("inside".utf8))
        #expect(try root.openInRoot("/up/etc/hostname").readAll() == Array("inside".utf8))
        #expect(throws: SyscallError("openat2", "link", errno: EXDEV)) { _ = try root.openBeneath("link").raw }
    }

    @Test func attributesAreReadBackByEveryKindOfDescriptor() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/a"
        try File.writeAtomically([], to: path)
        let file = try OwnedDescriptor.open(path)
        let long = [UInt8](repeating: 7, count: 900)
        try ExtendedAttributes.set("user.long", to: long, on: file.raw)
        try ExtendedAttributes.set("user.empty", to: [], on: file.raw)
        let pathOnly = try OwnedDescriptor.open(path, 0o10000000)
        #expect(try ExtendedAttributes.get("user.long", of: pathOnly.raw) == long)
        #expect(try ExtendedAttributes.get("user.empty", at: path) == [])
        #expect(try ExtendedAttributes.get("user.none", of: file.raw) == nil)
        #expect(
            try ExtendedAttributes.names(of: pathOnly.raw).filter { $0.hasPrefix("user.") }.sorted() == [
                "user.empty", "user.long",
            ])
        try ExtendedAttributes.remove("user.long", from: pathOnly.raw)
        #expect(try ExtendedAttributes.get("user.long", of: file.raw) == nil)
    }

    @Test func aLockExcludes() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/lock"
        do {
            let held = try FileLock(path)
            #expect(try !isFree(path))
            _ = held.descriptor
        }
        #expect(try isFree(path))
    }

    private func isFree(_ path: String) throws -> Bool {
        switch try FileLock.ifFree(path) {
        case .some: true
        case .none: false
        }
    }

    /// Of many names some can be asked for, and there are no more read than that takes.
    @Test func someOfManyNames() throws {
        let scratch = try Scratch()
        for number in 0..<500 {
            try File.writeAtomically([], to: scratch.path + "/\(String(repeating: "x", count: 80))\(number)")
        }
        #expect(try LinuxKernel.Directory.entries(at: scratch.path).count == 500)
        #expect((64..<128).contains(try LinuxKernel.Directory.entries(at: scratch.path, count: 64).count))
        #expect(try LinuxKernel.Directory.entries(at: scratch.path, count: 1000).count == 500)
    }

    @Test func descriptorsTravel() throws {
        let pair = try OwnedDescriptor.socketPair()
        let pipe = try OwnedDescriptor.pipe()
        try pair.first.send(descriptors: [pipe.writer.raw])
        let received = try pair.second.receiveDescriptors()
        try #require(received.count == 1)
        do {
            let writer = OwnedDescriptor(adopting: received[0])
            try writer.writeAll("x".utf8)
        }
        var byte: UInt8 = 0
        #expect(read(pipe.reader.raw, &byte, 1) == 1)
    }
}
