import CShims
import Foundation
import Glibc
import ImageStore
import LinuxKernel
import OCISpec
import Testing

/// Trees of so many files that several threads make them.
@Suite struct LargeTreeTests {
    private static let directories = 60
    private static let files = 60

    /// Owner of a file by its number; who is not root has no owners to choose from.
    private static func owner(_ number: Int) -> Int { isRoot ? [0, 0, 1000, 33][number % 4] : 0 }

    private static var archive: [UInt8] {
        layer { tar in
            for directory in 0..<directories {
                tar.directory("d\(directory)", mode: directory % 5 == 0 ? 0o2711 : 0o755, uid: owner(directory))
                for file in 0..<files {
                    let owner = owner(file)
                    let mode = file % 7 == 0 ? 0o4755 : 0o640
                    tar.file("d\(directory)/f\(file)", "\(directory) \(file % 9)", mode: mode, uid: owner, gid: owner)
                }
                tar.symlink("d\(directory)/s", to: "f1")
                // To a directory before, which another thread may still be at.
                if directory > 0 { tar.hardLink("d\(directory)/before", to: "d\(directory - 1)/f2") }
            }
        }
    }

    @Test(arguments: [TreeKind.dataOnly, .copy]) func everyFileIsWhatItWas(_ kind: TreeKind) throws {
        let fixture = try Fixture(kind)
        let image = try fixture.image([Self.archive])
        let tree = try fixture.store.tree(of: image, map: Fixture.map)
        var wrong: [String] = []
        func look(at path: String, _ permissions: UInt32, owner: Int) throws {
            let found = try FileStatus(tree.path + "/" + path)
            let isOwners = !isRoot || (Int(found.uid) == owner && (found.kind == .directory || Int(found.gid) == owner))
            if found.permissions != permissions || found.modified.seconds != 1_600_000_000 || !isOwners {
                wrong.append("\(path): \(found)")
            }
        }
        for directory in 0..<Self.directories {
            let place = "d\(directory)"
            try look(at: place, directory % 5 == 0 ? 0o2711 : 0o755, owner: Self.owner(directory))
            for file in 0..<Self.files {
                try look(at: "\(place)/f\(file)", file % 7 == 0 ? 0o4755 : 0o640, owner: Self.owner(file))
            }
            #expect(try tree.readFile(place + "/f13") == Array("\(directory) 4".utf8))
            #expect(try readLink("\(tree.path)/\(place)/s") == "f1")
            if directory > 0 {
                let two = ["\(place)/before", "d\(directory - 1)/f2"]
                #expect(try Set(two.map { try FileStatus(tree.path + "/" + $0).inode }).count == 1, "\(place)")
            }
        }
        #expect(wrong.isEmpty, "\(wrong.count), of them \(wrong.prefix(3))")
        #expect(try FileManager.default.subpathsOfDirectory(atPath: tree.path).count == 60 * 63 - 1)
        #expect(try fixture.store.verify().isEmpty)
    }

    /// Threads that made files in others' names leave a process that may be looked into, and that makes files as before.
    @Test func thisProcessIsAsItWas() throws {
        let fixture = try Fixture()
        _ = try fixture.store.tree(of: try fixture.image([Self.archive]), map: Fixture.map)
        // Others may be building at this moment.
        let deadline = time(nil) + 20
        while swiftpod_prctl(3 /* PR_GET_DUMPABLE */, 0, 0, 0, 0) != 1, time(nil) < deadline { usleep(1000) }
        #expect(time(nil) < deadline, "nobody may look into this process any more")
        let mask = umask(0o22)
        umask(mask)
        // Whoever started this process has given it his own.
        let status = String(decoding: try File.read("/proc/\(getppid())/status", limit: 1 << 16), as: UTF8.self)
        let octal = String(mask, radix: 8)
        let four = String(repeating: "0", count: 4 - octal.count) + octal
        #expect(status.contains("\nUmask:\t\(four)\n"), "\(four)")
        let mine = try fixture.write("mine", [])
        #expect(try FileStatus(mine).uid == geteuid() && FileStatus(mine).gid == getegid())
    }

    /// What is made in a directory with the setgid bit belongs to that directory's group, but no image says so.
    @Test(.enabled(if: isRoot), arguments: [TreeKind.dataOnly, .copy]) func storeInAGroupsDirectory(_ kind: TreeKind)
        throws
    {
        let fixture = try Fixture()
        let place = fixture.path("place")
        try Directory.create(place)
        try #require(chown(place, 0, 4321) == 0 && chmod(place, 0o2775) == 0)
        let store = try ImageStore(root: place + "/store", treeKind: kind)
        let archive = try fixture.write("archive.tar", Self.archive)
        let tree = try store.tree(of: try store.importRootfs(from: .path(archive), name: nil), map: Fixture.map)
        for path in ["", "/d1", "/d1/f1", "/d1/s", "/d1/f2"] {
            let status = try FileStatus(tree.path + path)
            #expect(status.gid == (path == "/d1/f2" ? 1000 : 0), "\(path)")
            #expect(status.permissions & 0o2000 == 0, "\(path)")
        }
    }

    /// One thread's failure is everybody's, and nothing half made stays.
    @Test func failureInAThread() throws {
        let fixture = try Fixture(.copy)
        let image = try fixture.image([Self.archive])
        let objects = fixture.store.root + "/objects"
        for name in try FileManager.default.subpathsOfDirectory(atPath: objects).prefix(40) where name.contains("/") {
            try FileManager.default.removeItem(atPath: objects + "/" + name)
        }
        let error = #expect(throws: StoreError.self) { try fixture.store.tree(of: image, map: Fixture.map) }
        #expect(error?.message.contains("of the image: ") == true, "\(error as Any)")
        let trees = try FileManager.default.subpathsOfDirectory(atPath: fixture.store.root + "/trees")
        #expect(!trees.contains { $0.contains("/new") || $0.contains("/root") })
    }

    /// On ext4 trees and layers begin wherever on the disk there is room, not where files have just been removed. Who begins
    /// elsewhere makes them thirty times as slowly there, where it keeps no journal.
    @Test(.enabled(if: isOnExt4("/tmp"))) func treesBeginAnywhereOnTheDisk() throws {
        let fixture = try Fixture()
        _ = try fixture.store.tree(of: try fixture.image([layer { $0.file("a", "a") }]), map: Fixture.map)
        let directory = try OwnedDescriptor.open(fixture.store.root + "/tmp", O_RDONLY | O_DIRECTORY)
        var flags: Int32 = 0
        try #require(swiftpod_ioctl(directory.raw, 0x8008_6601 /* FS_IOC_GETFLAGS */, &flags) == 0)
        #expect(flags & 0x0002_0000 /* FS_TOPDIR_FL */ != 0)
        // Nothing of it stays where it began.
        #expect(try Directory.entries(at: fixture.store.root + "/tmp").allSatisfy { !$0.name.contains("tree") })
    }

    // MARK: Short names

    /// A redirect by the short name fits into an inode; objects have that name as soon as they are there.
    @Test func objectsHaveTheirShortNames() throws {
        let fixture = try Fixture()
        let image = try fixture.image([layer { $0.file("a", "content of a") }])
        let objects = fixture.store.root + "/objects"
        let names = try FileManager.default.subpathsOfDirectory(atPath: objects).filter { $0.contains("/") }
        #expect(names.count == 2)
        #expect(try Set(names.map { try FileStatus(objects + "/" + $0).inode }).count == 1)
        let tree = try fixture.store.tree(of: image, map: Fixture.map)
        #expect(try redirect(of: "a", in: tree).utf8.count == 24)
        #expect(try tree.readFile("a") == Array("content of a".utf8))
    }

    /// A kill between the two names leaves the full one alone; whoever takes the content in again makes the other.
    @Test func missingShortName() throws {
        let fixture = try Fixture()
        try fixture.image([layer { $0.file("a", "content of a") }])
        let short = try shortName(in: fixture.store)
        try #require(unlink(short) == 0)
        #expect(try fixture.store.verify().contains { "\($0)".contains("short name") })
        let image = try fixture.image([layer { $0.file("b", "content of a") }])
        let tree = try fixture.store.tree(of: image, map: Fixture.map)
        #expect(try tree.readFile("b") == Array("content of a".utf8))
        #expect(try FileStatus(short).size == 12)
        #expect(try fixture.store.verify().isEmpty)
    }

    /// Another content's file under the short name, as if two digests began alike.
    @Test(arguments: [true, false]) func shortNameOfAnother(_ isThereBefore: Bool) throws {
        let known = try Fixture()
        try known.image([layer { $0.file("a", "content of a") }])
        let short = try shortName(in: known.store).dropFirst(known.store.root.utf8.count)
        let fixture = try Fixture()
        if !isThereBefore { try fixture.image([layer { $0.file("other", "content of a") }]) }
        let path = fixture.store.root + short
        try Directory.create(String(path.prefix(path.utf8.count - 21)))
        try File.writeAtomically(Array("evil".utf8), to: path)
        let image = try fixture.image([layer { $0.file("a", "content of a") }])
        let tree = try fixture.store.tree(of: image, map: Fixture.map)
        #expect(try redirect(of: "a", in: tree).utf8.count == 66)
        #expect(try tree.readFile("a") == Array("content of a".utf8))
    }

    private func shortName(in store: borrowing ImageStore) throws -> String {
        let objects = store.root + "/objects"
        let names = try FileManager.default.subpathsOfDirectory(atPath: objects)
        return objects + "/" + (try #require(names.first { $0.utf8.count == 23 }))
    }

    private func redirect(of name: String, in tree: Tree) throws -> String {
        let file = try OwnedDescriptor.open(tree.path + "/" + name)
        return String(
            decoding: try #require(try ExtendedAttributes.get("user.overlay.redirect", of: file.raw)), as: UTF8.self)
    }
}

private func isOnExt4(_ path: String) -> Bool { tool("stat", "-f", "-c", "%T", path)?.hasPrefix("ext2/ext3") == true }
