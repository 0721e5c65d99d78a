import ImageStore
import LinuxKernel
import Testing

/// Keeps what a reader hands out.
private struct Recorder: TarSink {
    var entries: [TarEntry] = []
    var contents: [[UInt8]] = []

    mutating func begin(_ entry: TarEntry) throws {
        entries.append(entry)
        contents.append([UInt8](repeating: 0, count: Int(entry.size)))
    }

    mutating func content(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws {
        contents[contents.count - 1].replaceSubrange(Int(offset)..<Int(offset) + bytes.count, with: bytes)
    }

    mutating func end() throws {}

    var texts: [String] { contents.map { String(decoding: $0, as: UTF8.self) } }
    var paths: [String] { entries.map { String(decoding: $0.path, as: UTF8.self) } }
}

/// Headers of all the dialects, extended headers, sparse maps; and what is refused.
@Suite struct TarReaderTests {
    private func read(
        _ archive: [UInt8], pieces: Int = .max, limits: TarLimits = TarLimits()
    ) throws -> Recorder {
        var reader = TarReader(limits: limits)
        var sink = Recorder()
        try archive.withUnsafeBytes { bytes in
            var at = 0
            while at < bytes.count {
                let end = min(bytes.count, pieces == .max ? bytes.count : at + pieces)
                try reader.push(UnsafeRawBufferPointer(rebasing: bytes[at..<end]), into: &sink)
                at = end
            }
        }
        try reader.finish()
        return sink
    }

    @Test(arguments: [TarBuilder.Dialect.v7, .ustar, .gnu]) func plainHeaders(_ dialect: TarBuilder.Dialect) throws {
        var tar = TarBuilder(dialect)
        tar.member("a", flag: "0", Array("text".utf8), .init(mode: 0o4750, uid: 12, gid: 0o7654321, modified: 99))
        tar.member("old", flag: "\0", [], .init())
        tar.member("directory/", flag: "0", [], .init(mode: 0o755))
        tar.symlink("s", to: "over/there")
        tar.hardLink("h", to: "a")
        tar.fifo("f")
        let seen = try read(tar.finished)
        #expect(seen.paths == ["a", "old", "directory/", "s", "h", "f"])
        #expect(seen.entries.map(\.kind) == [.regular, .regular, .directory, .symlink, .hardLink, .fifo])
        let first = seen.entries[0]
        #expect(first.mode == 0o4750 && first.uid == 12 && first.gid == 0o7654321)
        #expect(first.modified == FileTime(seconds: 99) && seen.texts[0] == "text")
        #expect(seen.entries[3].target == Array("over/there".utf8) && seen.entries[4].target == Array("a".utf8))
    }

    @Test func devices() throws {
        var tar = TarBuilder()
        tar.device("c", flag: "3", 5, 300)
        tar.device("b", flag: "4", 259, 1)
        let seen = try read(tar.finished)
        #expect(seen.entries[0].device == DeviceNumber(major: 5, minor: 300))
        #expect(seen.entries[1].device == DeviceNumber(major: 259, minor: 1))
        #expect(seen.entries.map(\.kind) == [.characterDevice, .blockDevice])
    }

    @Test func prefixes() throws {
        var ustar = TarBuilder(.ustar)
        ustar.member("name", flag: "0", [], .init(prefix: "some/where"))
        #expect(try read(ustar.finished).paths == ["some/where/name"])
        var gnu = TarBuilder(.gnu)
        gnu.member("name", flag: "0", [], .init(prefix: "its own fields"))
        #expect(try read(gnu.finished).paths == ["name"])
    }

    /// GNU's numbers in base 256, of either sign.
    @Test func largeNumbers() throws {
        var tar = TarBuilder(.gnu)
        tar.member(
            "a", flag: "0", [],
            .init(edit: { block in
                block.replaceSubrange(108..<116, with: [0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff])
                block.replaceSubrange(136..<148, with: [UInt8](repeating: 0xff, count: 12))
            }))
        let entry = try read(tar.finished).entries[0]
        #expect(entry.uid == 0x7fff_ffff && entry.modified == FileTime(seconds: -1))
    }

    @Test func longNames() throws {
        let name = String(repeating: "directory/", count: 30) + "file"
        let target = String(repeating: "t", count: 300)
        var gnu = TarBuilder(.gnu)
        gnu.long(name)
        gnu.long(target, flag: "K")
        gnu.symlink("short", to: "short")
        gnu.file("next")
        var pax = TarBuilder()
        pax.pax([("path", name), ("linkpath", target)])
        pax.symlink("short", to: "short")
        pax.file("next")
        for archive in [gnu.finished, pax.finished] {
            let seen = try read(archive)
            #expect(seen.paths == [name, "next"])
            #expect(seen.entries[0].target == Array(target.utf8))
        }
    }

    @Test func extendedHeaders() throws {
        var tar = TarBuilder()
        tar.pax([("mtime", "7.5"), ("uid", "4000000")], flag: "g")
        tar.pax([
            ("mtime", "-1.25"), ("gid", "3000000000"), ("comment", "no matter"), ("SCHILY.xattr.user.a", "one"),
            ("SCHILY.xattr.user.a", "two"), ("SCHILY.xattr.user.none", ""), ("LIBARCHIVE.xattr.user.b%20c", "AAH/"),
        ])
        tar.file("a")
        tar.file("b")
        let seen = try read(tar.finished).entries
        #expect(seen[0].modified == FileTime(seconds: -2, nanoseconds: 750_000_000))
        #expect(seen[0].uid == 4_000_000 && seen[0].gid == 3_000_000_000)
        #expect(
            seen[0].attributes == [
                ExtendedAttribute(name: "user.a", value: Array("two".utf8)),
                ExtendedAttribute(name: "user.b c", value: [0, 1, 0xff]),
            ])
        #expect(seen[1].modified == FileTime(seconds: 7, nanoseconds: 500_000_000) && seen[1].uid == 4_000_000)
        #expect(seen[1].attributes.isEmpty && seen[1].gid == 0)
    }

    /// A file of 20 bytes with `abc` at 2 and `de` at 10, in GNU's four ways.
    @Test func sparseFiles() throws {
        let stored = Array("abcde".utf8)
        let expected =
            [UInt8](repeating: 0, count: 2) + "abc".utf8 + [UInt8](repeating: 0, count: 5) + "de".utf8
            + [UInt8](repeating: 0, count: 8)
        var old = TarBuilder(.gnu)
        old.member(
            "s", flag: "S", stored, .init(edit: { SparseFields.put(into: &$0, [(2, 3), (10, 2)], realSize: 20) }))
        var repeated = TarBuilder()
        repeated.pax([
            ("GNU.sparse.size", "20"), ("GNU.sparse.numblocks", "2"), ("GNU.sparse.offset", "2"),
            ("GNU.sparse.numbytes", "3"), ("GNU.sparse.offset", "10"), ("GNU.sparse.numbytes", "2"),
        ])
        repeated.member("s", flag: "0", stored)
        var map = TarBuilder()
        map.pax([("GNU.sparse.size", "20"), ("GNU.sparse.map", "2,3,10,2"), ("GNU.sparse.name", "s")])
        map.member("GNUSparseFile.1/s", flag: "0", stored)
        var lines = TarBuilder()
        lines.pax([
            ("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "20"),
            ("GNU.sparse.name", "s"),
        ])
        let text = Array("2\n2\n3\n10\n2\n".utf8)
        let content = text + [UInt8](repeating: 0, count: 512 - text.count) + stored
        lines.member("GNUSparseFile.1/s", flag: "0", content)
        for (index, builder) in [old, repeated, map, lines].enumerated() {
            var builder = builder
            builder.file("after", "still here")
            for pieces in [Int.max, 1, 513] {
                let seen = try read(builder.finished, pieces: pieces)
                #expect(seen.paths == ["s", "after"], "way \(index)")
                #expect(seen.contents[0] == expected, "way \(index)")
                #expect(seen.texts[1] == "still here", "way \(index)")
            }
        }
    }

    /// An old map that goes on in further blocks.
    @Test func longSparseMap() throws {
        let count = 60
        let pieces = (0..<count).map { (offset: $0 * 10, length: 1) }
        var tar = TarBuilder(.gnu)
        let stored = (0..<count).map { UInt8($0) }
        var blocks: [UInt8] = []
        for start in stride(from: 4, to: count, by: 21) {
            let part = pieces[start..<min(count, start + 21)]
            blocks += SparseFields.block(Array(part), more: start + 21 < count)
        }
        tar.member(
            "s", flag: "S", [],
            .init(edit: { block in
                SparseFields.put(into: &block, Array(pieces.prefix(4)), realSize: 600)
                block[482] = 1
            }), size: count)
        tar.append(blocks)
        tar.append(stored)
        tar.file("after")
        let seen = try read(tar.finished, pieces: 100)
        #expect(seen.paths == ["s", "after"] && seen.contents[0].count == 600)
        #expect((0..<count).allSatisfy { seen.contents[0][$0 * 10] == UInt8($0) })
        #expect(seen.contents[0].reduce(0) { $0 + Int($1) } == stored.reduce(0) { $0 + Int($1) })
    }

    @Test func anyPieces() throws {
        var tar = TarBuilder(.gnu)
        tar.long(String(repeating: "n", count: 200))
        tar.file("x", String(repeating: "content ", count: 200))
        tar.pax([("path", "other")])
        tar.file("y", "z")
        let whole = try read(tar.finished)
        for pieces in [1, 7, 511, 512, 513, 1024] {
            let seen = try read(tar.finished, pieces: pieces)
            #expect(seen.entries == whole.entries && seen.contents == whole.contents, "in pieces of \(pieces)")
        }
    }

    /// Old programs end an archive with one block of zeros, or none.
    @Test func endings() throws {
        var tar = TarBuilder()
        tar.file("a", "b")
        #expect(try read(tar.bytes).paths == ["a"])
        #expect(try read(tar.bytes + [UInt8](repeating: 0, count: 512)).paths == ["a"])
        #expect(try read(tar.finished + Array("whatever follows".utf8)).paths == ["a"])
        #expect(try read([]).paths == [])
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        let name: String
        let reason: String
        var isLimit = false
        let archive: [UInt8]
        var testDescription: String { name }

        init(_ name: String, _ reason: String, isLimit: Bool = false, _ build: (inout TarBuilder) -> Void) {
            self.name = name
            self.reason = reason
            self.isLimit = isLimit
            var tar = TarBuilder(.gnu)
            build(&tar)
            archive = tar.finished
        }
    }

    static let refusals: [Refusal] = [
        Refusal("type", "unknown type") { $0.member("a", flag: "Z", []) },
        Refusal("size", "size is not a number") {
            $0.member("a", flag: "0", [], .init(edit: { $0[124] = UInt8(ascii: "9") }))
        },
        Refusal("negative size", "negative size") {
            $0.member(
                "a", flag: "0", [], .init(edit: { $0.replaceSubrange(124..<136, with: repeatElement(0xff, count: 12)) })
            )
        },
        Refusal("huge number", "out of range") {
            $0.member(
                "a", flag: "0", [],
                .init(edit: { $0.replaceSubrange(124..<136, with: [0x80] + [UInt8](repeating: 0xff, count: 11)) }))
        },
        Refusal("uid", "uid .* out of range") { tar in
            tar.pax([("uid", "4294967295")])
            tar.file("a")
        },
        Refusal("no name", "without a name") { $0.file("") },
        Refusal("zero byte", "zero byte") { tar in
            tar.pax([("path", "a\u{0}b")])
            tar.file("a")
        },
        Refusal("record length", "malformed") { $0.member("x", flag: "x", Array("99 path=a\n".utf8)) },
        Refusal("record without value", "malformed") { $0.member("x", flag: "x", Array("7 path\n".utf8)) },
        Refusal("time", "mtime is not a number") { tar in
            tar.pax([("mtime", "soon")])
            tar.file("a")
        },
        Refusal("long path", "longer than", isLimit: true) { tar in
            tar.long(String(repeating: "a/", count: 3000))
            tar.file("a")
        },
        Refusal("long header", "longer than", isLimit: true) { $0.member("x", flag: "x", [], size: 2 << 20) },
        Refusal("contents", "larger than", isLimit: true) { tar in
            tar.pax([("size", "\(Int64.max)")])
            tar.file("a")
        },
        Refusal("sparse overlap", "malformed") { tar in
            tar.pax([("GNU.sparse.size", "20"), ("GNU.sparse.map", "5,3,2,2")])
            tar.file("a", "abcde")
        },
        Refusal("sparse beyond", "malformed") { tar in
            tar.pax([("GNU.sparse.size", "4"), ("GNU.sparse.map", "2,5")])
            tar.file("a", "abcde")
        },
        Refusal("sparse size", "stored size") { tar in
            tar.pax([("GNU.sparse.size", "20"), ("GNU.sparse.map", "2,3")])
            tar.file("a", "abcde")
        },
        Refusal("sparse odd", "malformed") { tar in
            tar.pax([("GNU.sparse.size", "20"), ("GNU.sparse.map", "2,3,4")])
            tar.file("a", "abcde")
        },
        Refusal("cut in content", "cut short") { $0.member("a", flag: "0", [1, 2, 3], size: 100_000) },
    ]

    @Test(arguments: refusals) func refused(_ row: Refusal) throws {
        let error = #expect(throws: TarError.self) { try read(row.archive) }
        #expect(error?.reason.range(of: row.reason, options: .regularExpression) != nil, "\(error as Any)")
        #expect(error?.isLimit == row.isLimit)
    }

    @Test func checksum() throws {
        var tar = TarBuilder()
        tar.file("a")
        var bytes = tar.finished
        bytes[0] ^= 1
        #expect(throws: TarError.self) { try read(bytes) }
    }

    @Test func memberAfterTheEnd() throws {
        var tar = TarBuilder()
        tar.file("a")
        #expect(throws: TarError.self) { try read(tar.bytes + [UInt8](repeating: 0, count: 512) + tar.bytes) }
    }

    @Test func statedLimits() throws {
        var limits = TarLimits()
        limits.entries = 3
        limits.content = 1000
        var tar = TarBuilder()
        for index in 0..<3 { tar.file("\(index)", String(repeating: "x", count: 300)) }
        #expect(try read(tar.finished, limits: limits).paths.count == 3)
        var more = tar
        more.file("4")
        let tooMany = #expect(throws: TarError.self) { try read(more.finished, limits: limits) }
        #expect(tooMany?.isLimit == true)
        limits.entries = 10
        var larger = tar
        larger.file("4", String(repeating: "x", count: 101))
        let tooLarge = #expect(throws: TarError.self) { try read(larger.finished, limits: limits) }
        #expect(tooLarge?.isLimit == true)
    }
}

/// The fields of GNU's old sparse headers.
private enum SparseFields {
    static func put(
        into block: inout [UInt8], _ pieces: [(offset: Int, length: Int)], realSize: Int
    ) {
        for (index, piece) in pieces.enumerated() {
            block.replaceSubrange(386 + index * 24..<386 + index * 24 + 24, with: pair(piece))
        }
        block.replaceSubrange(483..<495, with: TarBuilder.octal(realSize, 11) + [0])
    }

    static func block(_ pieces: [(offset: Int, length: Int)], more: Bool) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: 512)
        for (index, piece) in pieces.enumerated() {
            block.replaceSubrange(index * 24..<index * 24 + 24, with: pair(piece))
        }
        block[504] = more ? 1 : 0
        return block
    }

    private static func pair(_ piece: (offset: Int, length: Int)) -> [UInt8] {
        TarBuilder.octal(piece.offset, 11) + [0] + TarBuilder.octal(piece.length, 11) + [0]
    }
}
