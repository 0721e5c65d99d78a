import Glibc
import LinuxKernel

/// What the linker's cache needs to know of a shared object, read from its headers. Every offset is checked: the file
/// may be an image's.
public struct ELFObject: Equatable, Sendable {
    /// DT_SONAME; nil where it has none.
    public var soname: String?
    public var is64Bit: Bool
    /// EM_*: 62 x86-64, 183 aarch64, 3 i386.
    public var machine: UInt16
    /// The text of `.note.cuda.fwd_compatibility`; nil where it has none.
    public var cudaCompatibility: [UInt8]?

    /// nil for what is not a little-endian ELF file or is damaged.
    public init?(_ path: String) {
        guard let file = try? OwnedDescriptor.open(path, O_RDONLY | O_NONBLOCK) else { return nil }
        self.init(descriptor: file.raw)
    }

    /// Of an open regular file; the descriptor is only read from, by offset.
    public init?(descriptor: Int32) {
        let reader = ELFReader(descriptor: descriptor)
        guard let head = reader.bytes(0, 64), head.starts(with: [0x7F, 0x45, 0x4C, 0x46]), head[5] == 1 else {
            return nil
        }
        is64Bit = head[4] == 2
        machine = UInt16(truncatingIfNeeded: head.number(18, 2))
        guard head[4] == 1 || head[4] == 2, let layout = ELFLayout(head, is64Bit) else { return nil }
        soname = reader.soname(layout)
        cudaCompatibility = reader.section(".note.cuda.fwd_compatibility", layout).flatMap(ELFReader.noteText)
    }
}

/// Where the tables stand.
private struct ELFLayout {
    let is64Bit: Bool
    let programs: (offset: UInt64, size: Int, count: Int)
    let sections: (offset: UInt64, size: Int, count: Int, names: Int)

    init?(_ head: [UInt8], _ is64Bit: Bool) {
        self.is64Bit = is64Bit
        if is64Bit {
            programs = (head.number(32, 8), Int(head.number(54, 2)), Int(head.number(56, 2)))
            sections = (
                head.number(40, 8), Int(head.number(58, 2)), Int(head.number(60, 2)), Int(head.number(62, 2))
            )
        } else {
            programs = (head.number(28, 4), Int(head.number(42, 2)), Int(head.number(44, 2)))
            sections = (
                head.number(32, 4), Int(head.number(46, 2)), Int(head.number(48, 2)), Int(head.number(50, 2))
            )
        }
        // A program header has 56 or 32 bytes, and no library comes near a thousand of either.
        guard programs.count == 0 || programs.size >= (is64Bit ? 56 : 32), programs.count < 1024 else { return nil }
    }
}

private struct ELFReader {
    let descriptor: Int32

    /// So many bytes from an offset, or nil.
    func bytes(_ offset: UInt64, _ count: Int) -> [UInt8]? {
        guard count >= 0, count <= 4 << 20, let start = Int(exactly: offset) else { return nil }
        var got = -1
        let result = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            got = count == 0 ? 0 : pread(descriptor, buffer.baseAddress!, count, start)
            filled = max(0, got)
        }
        return got == count ? result : nil
    }

    private struct Segment {
        var type: UInt64
        var offset: UInt64
        var address: UInt64
        var size: UInt64
    }

    private func segments(_ layout: ELFLayout) -> [Segment] {
        let (offset, size, count) = layout.programs
        guard let table = bytes(offset, size * count) else { return [] }
        return (0..<count).map { index in
            let at = index * size
            return layout.is64Bit
                ? Segment(
                    type: table.number(at, 4), offset: table.number(at + 8, 8), address: table.number(at + 16, 8),
                    size: table.number(at + 32, 8))
                : Segment(
                    type: table.number(at, 4), offset: table.number(at + 4, 4), address: table.number(at + 8, 4),
                    size: table.number(at + 16, 4))
        }
    }

    func soname(_ layout: ELFLayout) -> String? {
        let segments = segments(layout)
        // PT_DYNAMIC, PT_LOAD; DT_STRTAB, DT_STRSZ, DT_SONAME.
        guard let dynamic = segments.first(where: { $0.type == 2 }), dynamic.size <= 1 << 20,
            let table = bytes(dynamic.offset, Int(dynamic.size))
        else { return nil }
        let word = layout.is64Bit ? 8 : 4
        var values: [UInt64: UInt64] = [:]
        for at in stride(from: 0, to: table.count - 2 * word + 1, by: 2 * word) {
            let tag = table.number(at, word)
            if tag == 0 { break }
            if values[tag] == nil { values[tag] = table.number(at + word, word) }
        }
        guard let name = values[14], let strings = values[5], let length = values[10], name < length else { return nil }
        guard
            let load = segments.first(where: {
                $0.type == 1 && $0.address <= strings && strings - $0.address < $0.size
            })
        else { return nil }
        let (offset, overflow) = load.offset.addingReportingOverflow(strings - load.address + name)
        guard !overflow else { return nil }
        return text(offset, limit: Int(min(length - name, 4096)))
    }

    /// A name that ends with a zero.
    private func text(_ offset: UInt64, limit: Int) -> String? {
        var want = min(limit, 256)
        while true {
            if let raw = bytes(offset, want), let end = raw.firstIndex(of: 0) {
                return end == 0 ? nil : String(decoding: raw[..<end], as: UTF8.self)
            }
            if want == limit { return nil }
            want = limit
        }
    }

    func section(_ wanted: String, _ layout: ELFLayout) -> [UInt8]? {
        let (start, size, count, names) = layout.sections
        guard count > 0, count < 4096, names < count, size >= (layout.is64Bit ? 64 : 40),
            let table = bytes(start, size * count)
        else { return nil }
        func part(_ index: Int) -> (name: Int, type: UInt64, offset: UInt64, size: UInt64) {
            let at = index * size
            return layout.is64Bit
                ? (
                    Int(table.number(at, 4)), table.number(at + 4, 4), table.number(at + 24, 8),
                    table.number(at + 32, 8)
                )
                : (
                    Int(table.number(at, 4)), table.number(at + 4, 4), table.number(at + 16, 4),
                    table.number(at + 20, 4)
                )
        }
        let strings = part(names)
        guard strings.size <= 1 << 20, let text = bytes(strings.offset, Int(strings.size)) else { return nil }
        let key = Array(wanted.utf8) + [0]
        for index in 0..<count {
            let candidate = part(index)
            // SHT_NOTE
            guard candidate.type == 7, candidate.size <= 1 << 16, candidate.name + key.count <= text.count,
                text[candidate.name..<candidate.name + key.count].elementsEqual(key)
            else { continue }
            return bytes(candidate.offset, Int(candidate.size))
        }
        return nil
    }

    /// The description of NVIDIA's note.
    static func noteText(_ note: [UInt8]) -> [UInt8]? {
        guard note.count > 12 else { return nil }
        let nameSize = Int(note.number(0, 4))
        let textSize = Int(note.number(4, 4))
        let start = 12 + (nameSize + 3) & ~3
        guard nameSize <= 256, textSize <= note.count, start + textSize <= note.count,
            note[12..<min(note.count, 12 + nameSize)].starts(with: "NVIDIA Corporation".utf8)
        else { return nil }
        return Array(note[start..<start + textSize].filter { $0 != 0 })
    }
}

extension [UInt8] {
    /// A little-endian number; 0 beyond the end.
    func number(_ offset: Int, _ size: Int) -> UInt64 {
        guard offset >= 0, offset + size <= count else { return 0 }
        var value: UInt64 = 0
        for index in (0..<size).reversed() { value = value << 8 | UInt64(self[offset + index]) }
        return value
    }
}
