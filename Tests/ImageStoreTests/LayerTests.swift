import Foundation
import ImageStore
import LinuxKernel
import OCISpec
import Testing

/// What layers become: whiteouts, opaque directories, hard links, attributes, and whatever a hostile archive tries.
@Suite struct LayerTests {
    @Test func laterLayersWin() throws {
        let fixture = try Fixture()
        let tree = try fixture.tree(
            layer { tar in
                tar.directory("d", mode: 0o700)
                tar.file("d/kept", "old")
                tar.file("d/changed", "old")
                tar.file("becomes-directory", "x")
                tar.directory("becomes-file")
                tar.file("becomes-file/in", "x")
            },
            layer { tar in
                tar.directory("d", mode: 0o711)
                tar.file("d/changed", "new", mode: 0o600)
                tar.directory("becomes-directory")
                tar.file("becomes-directory/in", "y")
                tar.file("becomes-file", "z")
            })
        #expect(
            tree == [
                "d": "dir 711", "d/kept": "file 644 old", "d/changed": "file 600 new", "becomes-directory": "dir 755",
                "becomes-directory/in": "file 644 y", "becomes-file": "file 644 z",
            ])
    }

    @Test func whiteouts() throws {
        let fixture = try Fixture()
        let tree = try fixture.tree(
            layer { tar in
                tar.directory("d")
                tar.file("d/a", "a")
                tar.file("d/b", "b")
                tar.directory("gone")
                tar.file("gone/inside", "x")
                tar.file("again", "old")
            },
            layer { tar in
                tar.whiteout("d/a")
                tar.whiteout("gone")
                tar.whiteout("nothing/of/that/name")
                // What it hides is below: wherever in the archive it stands.
                tar.file("again", "new")
                tar.whiteout("again")
            })
        #expect(tree == ["d": "dir 755", "d/b": "file 644 b", "again": "file 644 new"])
    }

    @Test func opaqueDirectories() throws {
        let fixture = try Fixture()
        let lower = layer { tar in
            tar.directory("d")
            tar.file("d/a", "a")
            tar.directory("d/sub")
            tar.file("d/sub/b", "b")
        }
        // The marker before and after what is new.
        for isFirst in [true, false] {
            let tree = try fixture.tree(
                lower,
                layer { tar in
                    tar.directory("d", mode: 0o750)
                    if isFirst { tar.opaque("d") }
                    tar.file("d/new", "n")
                    if !isFirst { tar.opaque("d") }
                })
            #expect(tree == ["d": "dir 750", "d/new": "file 644 n"], "first \(isFirst)")
        }
    }

    @Test(arguments: [TreeKind.dataOnly, .copy]) func hardLinks(_ kind: TreeKind) throws {
        let fixture = try Fixture(kind)
        let image = try fixture.image([
            layer { tar in
                tar.directory("d")
                tar.file("d/first", "linked")
                tar.hardLink("d/second", to: "d/first")
                tar.file("lower", "below")
            },
            layer { tar in
                tar.hardLink("upper", to: "lower")
                tar.whiteout("d/first")
            },
        ])
        let tree = try fixture.store.tree(of: image, map: Fixture.map)
        func inode(_ path: String) throws -> UInt64 { try FileStatus(tree.path + "/" + path).inode }
        #expect(try inode("upper") == inode("lower"))
        #expect(try entry("upper", of: tree) == "file 644 below")
        #expect(try entry("d/second", of: tree) == "file 644 linked", "its other name is gone, its content is not")
        #expect(try listing(tree).keys.sorted() == ["d", "d/second", "lower", "upper"])
    }

    /// Two files that are alike are still two.
    @Test(arguments: [TreeKind.dataOnly, .copy]) func equalFilesStayApart(_ kind: TreeKind) throws {
        let fixture = try Fixture(kind)
        let image = try fixture.image([
            layer { tar in
                for name in ["a", "b", "c"] { tar.file(name, "same") }
            }
        ])
        let tree = try fixture.store.tree(of: image, map: Fixture.map)
        #expect(Set(try ["a", "b", "c"].map { try FileStatus(tree.path + "/" + $0).inode }).count == 3)
    }

    @Test func hardLinkToNothing() throws {
        let fixture = try Fixture()
        let error = #expect(throws: StoreError.self) { try fixture.image([layer { $0.hardLink("a", to: "b") }]) }
        #expect(
            error?.code == .corrupt && error?.message.contains("\"b\", which is missing") == true, "\(error as Any)")
        #expect(try fixture.store.images().isEmpty)
    }

    @Test(arguments: [TreeKind.dataOnly, .copy]) func attributes(_ kind: TreeKind) throws {
        let fixture = try Fixture(kind)
        let image = try fixture.image([
            layer { tar in
                tar.file(
                    "a", "content",
                    pax: [
                        ("SCHILY.xattr.user.colour", "blue"), ("SCHILY.xattr.user.overlay.redirect", "/etc/shadow"),
                        ("SCHILY.xattr.user.overlay.metacopy", "y"), ("SCHILY.xattr.trusted.overlay.opaque", "y"),
                        ("SCHILY.xattr.security.selinux", "label"), ("SCHILY.xattr.user.", "no name"),
                    ])
            }
        ])
        let tree = try fixture.store.tree(of: image, map: Fixture.map)
        let file = try OwnedDescriptor.open(tree.path + "/a")
        let own = try ExtendedAttributes.names(of: file.raw).filter { !$0.hasPrefix("user.overlay.") }
        #expect(own == ["user.colour"])
        #expect(try ExtendedAttributes.get("user.colour", of: file.raw) == Array("blue".utf8))
        let redirect = try ExtendedAttributes.get("user.overlay.redirect", of: file.raw)
        #expect((redirect == nil) == (kind == .copy))
        #expect(redirect.map { !String(decoding: $0, as: UTF8.self).contains("shadow") } ?? true)
        #expect(try tree.readFile("a") == Array("content".utf8))
    }

    @Test(.enabled(if: isRoot)) func fileCapabilities() throws {
        let fixture = try Fixture()
        // Version 2, permitted and effective: CAP_NET_BIND_SERVICE.
        let value: [UInt8] = [1, 0, 0, 2, 0, 4, 0, 0] + [UInt8](repeating: 0, count: 12)
        var tar = TarBuilder()
        let record = " SCHILY.xattr.security.capability=".utf8
        let length = 2 + record.count + value.count + 1
        let content = "\(length)".utf8 + Array(record) + value + [0x0a]
        tar.member("x", flag: "x", Array(content))
        tar.file("a", "content", mode: 0o755)
        let image = try fixture.image([tar.finished])
        let plain = try fixture.store.tree(of: image, map: .identity)
        #expect(try ExtendedAttributes.get("security.capability", at: plain.path + "/a") == value)
        let ids = [RuntimeSpec.IDMapping(containerID: 0, hostID: 100_000, size: 1000)]
        let shifted = try fixture.store.tree(of: image, map: IDMap(uid: ids, gid: ids))
        let raw = try ExtendedAttributes.get("security.capability", at: shifted.path + "/a")
        #expect(raw == [1, 0, 0, 3] + value[4...] + [0xa0, 0x86, 1, 0], "version 3, for the root of that mapping")
    }

    @Test func specialFiles() throws {
        let fixture = try Fixture()
        let tree = try fixture.tree(
            layer { tar in
                tar.fifo("fifo")
                tar.device("null", flag: "3", 1, 3)
                tar.device("whiteout", flag: "3", 0, 0)
                tar.device("disk", flag: "4", 7, 7)
                tar.symlink("link", to: "../../../anywhere")
                tar.file("after", "still here")
            })
        var expected = [
            "fifo": "fifo 620", "link": "link ../../../anywhere", "after": "file 644 still here",
        ]
        if isRoot {
            expected["null"] = "char 1:3"
            expected["disk"] = "block 7:7"
        }
        #expect(tree == expected, "an image's 0:0 would be overlay's whiteout")
    }

    /// The last entry of a name counts.
    @Test func namesTwice() throws {
        let fixture = try Fixture()
        let tree = try fixture.tree(
            layer { tar in
                tar.file("a", "one", mode: 0o600)
                tar.file("a", "two", mode: 0o640)
                tar.file("kind", "x")
                tar.directory("kind")
                tar.file("kind/in", "y")
            })
        #expect(tree == ["a": "file 640 two", "kind": "dir 755", "kind/in": "file 644 y"])
    }

    @Test func ownNotesOfOldStores() throws {
        let fixture = try Fixture()
        let tree = try fixture.tree(
            layer { tar in
                tar.directory(".wh..wh.plnk")
                tar.file(".wh..wh.plnk/1.2", "x")
                tar.file(".wh..wh.aufs", "x")
                tar.file("a", "a")
            })
        #expect(tree == ["a": "file 644 a"])
    }

    // MARK: Escapes

    struct Escape: Sendable, CustomTestStringConvertible {
        let name: String
        /// nil where it is loaded, without harm.
        let refusal: String?
        let layers: [[UInt8]]
        var testDescription: String { name }

        init(_ name: String, refusal: String? = nil, _ builds: ((inout TarBuilder) -> Void)...) {
            self.name = name
            self.refusal = refusal
            layers = builds.map { build in layer(.ustar, build) }
        }
    }

    /// VICTIM is a directory outside of the store.
    static let victim = "/tmp/swiftpod-victim-\(getpid())"

    static let escapes: [Escape] = [
        Escape("dot dot", refusal: "leaves the root") { $0.file("../../../../../../..\(victim)/x", "out") },
        Escape("dot dot within", refusal: "leaves the root") { $0.file("a/../../a/../..\(victim)/x", "out") },
        Escape("absolute") { $0.file("\(victim)/x", "out") },
        Escape("absolute dot dot") { $0.file("/../..\(victim)/x", "out") },
        Escape("symlink in one layer") { tar in
            tar.symlink("l", to: victim)
            tar.file("l/x", "out")
        },
        Escape("symlink below", { $0.symlink("l", to: victim) }, { $0.file("l/x", "out") }),
        Escape("relative symlink") { tar in
            tar.symlink("l", to: "../../../../../../../../..\(victim)")
            tar.file("l/x", "out")
        },
        Escape("chain of symlinks") { tar in
            tar.symlink("a", to: "b/c")
            tar.symlink("b", to: "/")
            tar.symlink("c", to: victim)
            tar.file("a/x", "out")
        },
        Escape("link over itself", refusal: "too many symbolic links") { tar in
            tar.symlink("l", to: "l")
            tar.file("l/x", "out")
        },
        Escape("hard link out", refusal: "which leaves the root") {
            $0.hardLink("h", to: "../../../..\(victim)/secret")
        },
        Escape("hard link absolute", refusal: "which is missing") { $0.hardLink("h", to: "\(victim)/secret") },
        Escape("hard link by symlink", refusal: "which is missing") { tar in
            tar.symlink("l", to: victim)
            tar.hardLink("h", to: "l/secret")
        },
        Escape("hard link to symlink, then written") { tar in
            tar.symlink("l", to: victim + "/secret")
            tar.hardLink("h", to: "l")
            tar.file("h", "out")
        },
        Escape("whiteout out", refusal: "leaves the root") { $0.file("../../../..\(victim)/.wh.secret") },
        Escape("whiteout of dot dot", refusal: "whiteout of no name") { $0.file("a/.wh...") },
        Escape("whiteout by symlink", { $0.symlink("l", to: victim) }, { $0.file("l/.wh.secret") }),
        Escape("opaque by symlink", { $0.symlink("l", to: victim) }, { $0.file("l/.wh..wh..opq") }),
        Escape("directory's mode by symlink") { tar in
            tar.symlink("l", to: victim)
            tar.directory("l/", mode: 0o777)
        },
        Escape("root as a file", refusal: "is not a directory") { $0.file(".", "x") },
        Escape("file as a directory", refusal: "not a directory") { tar in
            tar.file("a", "x")
            tar.file("a/b", "y")
        },
    ]

    @Test(arguments: [TreeKind.dataOnly, .copy], escapes) func escape(_ kind: TreeKind, _ row: Escape) throws {
        let fixture = try Fixture(kind)
        try Victim.shared.get()
        do {
            let image = try fixture.image(row.layers)
            #expect(row.refusal == nil, "it was taken")
            _ = try fixture.store.tree(of: image, map: Fixture.map)
            #expect(try fixture.store.verify().isEmpty)
        } catch let error as StoreError {
            #expect(row.refusal.map { error.message.contains($0) } ?? false, "\(error)")
            #expect(error.code == .corrupt && !error.message.contains("\n"))
            #expect(try fixture.store.images().isEmpty)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: Self.victim) == ["secret"])
        #expect(try File.read(Self.victim + "/secret") == Array("secret".utf8))
        let status = try FileStatus(Self.victim + "/secret")
        #expect(status.links == 1 && status.permissions == 0o644)
        #expect(try FileStatus(Self.victim).permissions == 0o755)
    }

    /// Made once, removed with the process.
    enum Victim {
        static let shared = Result {
            try Directory.create(LayerTests.victim, mode: 0o755)
            chmod(LayerTests.victim, 0o755)
            try File.writeAtomically(Array("secret".utf8), to: LayerTests.victim + "/secret")
            atexit { try? Directory.removeTree(LayerTests.victim) }
        }
    }
}
