/// glibc's ld.so.cache: which library stands where. Read in every form that there is, written in the one of version
/// 1.1, `glibc-ld.so.cache1.1`, which every glibc since 2.2 understands.
public struct LinkerCache: Equatable, Sendable {
    public struct Entry: Equatable, Sendable {
        /// The name that programs ask for: a SONAME.
        public var name: String
        /// Where it stands in the container.
        public var path: String
        /// Kind of library and architecture, see ``flags(for:)``.
        public var flags: UInt32
        public var osVersion: UInt32 = 0
        /// 0, capability bits of old, or, with bit 62, the number of a name in ``capabilities``.
        public var hardware: UInt64 = 0

        public init(name: String, path: String, flags: UInt32) {
            self.name = name
            self.path = path
            self.flags = flags
        }
    }

    /// In the order that the linker looks at them: names descending, the first of equal ones wins.
    public private(set) var entries: [Entry] = []
    /// The names of `glibc-hwcaps` subdirectories, that entries refer to by number.
    public private(set) var capabilities: [String] = []

    public init() {}

    private static let magic = Array("glibc-ld.so.cache1.1".utf8)
    private static let oldMagic = Array("ld.so-1.7.0".utf8)
    private static let headerSize = 48
    private static let entrySize = 24
    private static let extensionMagic: UInt64 = 0xEAA4_2174
    private static let capabilitiesTag: UInt64 = 1

    /// FLAG_ELF_LIBC6 with the architecture's bits; nil for one that is not known here.
    public static func flags(for object: ELFObject) -> UInt32? {
        switch (object.machine, object.is64Bit) {
        case (62, true): 0x0303
        case (183, true): 0x0A03
        case (243, true): 0x1003
        case (3, false): 0x0003
        default: nil
        }
    }

    // MARK: - Reading

    /// Offsets are checked: the file is the image's. nil for what is no such file.
    public init?(parsing file: [UInt8]) {
        guard let start = Self.start(of: file) else { return nil }
        let bytes = Array(file[start...])
        let count = Int(bytes.number(20, 4))
        guard count <= (bytes.count - Self.headerSize) / Self.entrySize else { return nil }
        // 0 is not said, 2 is little-endian.
        guard bytes[28] & 3 == 0 || bytes[28] & 3 == 2 else { return nil }
        entries.reserveCapacity(count)
        for index in 0..<count {
            let at = Self.headerSize + index * Self.entrySize
            guard let name = Self.text(bytes, Int(bytes.number(at + 4, 4))),
                let path = Self.text(bytes, Int(bytes.number(at + 8, 4)))
            else { continue }
            var entry = Entry(name: name, path: path, flags: UInt32(truncatingIfNeeded: bytes.number(at, 4)))
            entry.osVersion = UInt32(truncatingIfNeeded: bytes.number(at + 12, 4))
            entry.hardware = bytes.number(at + 16, 8)
            entries.append(entry)
        }
        capabilities = Self.capabilities(bytes)
    }

    /// The new form stands alone or behind the old one, at the next multiple of 8.
    private static func start(of file: [UInt8]) -> Int? {
        var start = 0
        if file.starts(with: oldMagic) {
            // Twelve bytes of header, then twelve an entry.
            let count = Int(file.number(12, 4))
            guard count <= file.count / 12 else { return nil }
            start = (16 + count * 12 + 7) & ~7
        }
        guard start + headerSize <= file.count, file[start...].starts(with: magic) else { return nil }
        return start
    }

    private static func text(_ bytes: [UInt8], _ offset: Int) -> String? {
        guard offset >= headerSize, offset < bytes.count, let end = bytes[offset...].firstIndex(of: 0),
            end > offset, end - offset <= 4096
        else { return nil }
        return String(decoding: bytes[offset..<end], as: UTF8.self)
    }

    private static func capabilities(_ bytes: [UInt8]) -> [String] {
        let offset = Int(bytes.number(32, 4))
        guard offset >= headerSize, offset + 8 <= bytes.count, bytes.number(offset, 4) == extensionMagic else {
            return []
        }
        let count = min(Int(bytes.number(offset + 4, 4)), 64)
        for index in 0..<count {
            let at = offset + 8 + index * 16
            guard bytes.number(at, 4) == capabilitiesTag else { continue }
            let first = Int(bytes.number(at + 8, 4))
            let size = min(Int(bytes.number(at + 12, 4)) / 4, 256)
            return (0..<size).map { text(bytes, Int(bytes.number(first + 4 * $0, 4))) ?? "" }
        }
        return []
    }

    // MARK: - Changing

    /// Puts entries in front of those of the same name, in the order given. What is known of their paths by other
    /// words stays.
    public mutating func add(_ added: [Entry]) {
        let new = Set(added.map { "\($0.name)\0\($0.path)" })
        entries = added + entries.filter { !new.contains("\($0.name)\0\($0.path)") }
        // A stable order, for of equal names the first counts.
        entries = entries.enumerated().sorted { a, b in
            let order = Self.compare(Array(b.element.name.utf8), Array(a.element.name.utf8))
            return order != 0 ? order < 0 : a.offset < b.offset
        }.map(\.element)
    }

    /// glibc's order of names: by bytes, but runs of digits by their value.
    static func compare(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var (i, j) = (0, 0)
        while i < a.count {
            if a[i].isDigit {
                guard j < b.count, b[j].isDigit else { return 1 }
                var (x, y): (Int32, Int32) = (0, 0)
                while i < a.count, a[i].isDigit {
                    x = x &* 10 &+ Int32(a[i] - 0x30)
                    i += 1
                }
                while j < b.count, b[j].isDigit {
                    y = y &* 10 &+ Int32(b[j] - 0x30)
                    j += 1
                }
                if x != y { return x < y ? -1 : 1 }
            } else {
                guard j < b.count else { return 1 }
                if b[j].isDigit { return -1 }
                // char is signed on x86 and glibc compares it so; names are ASCII.
                if a[i] != b[j] { return a[i] < b[j] ? -1 : 1 }
                i += 1
                j += 1
            }
        }
        return j < b.count ? -1 : 0
    }

    /// Where the linker would find a name for an architecture; nil where the cache has none.
    public func path(of name: String, flags: UInt32) -> String? {
        entries.first { $0.name == name && $0.flags == flags && $0.hardware == 0 }?.path
    }

    // MARK: - Writing

    /// The file's bytes.
    public func encoded() -> [UInt8] {
        var strings: [UInt8] = []
        var places: [String: Int] = [:]
        let base = Self.headerSize + entries.count * Self.entrySize
        func place(_ text: String) -> Int {
            if let known = places[text] { return known }
            let at = base + strings.count
            places[text] = at
            strings += text.utf8
            strings.append(0)
            return at
        }
        var table: [UInt8] = []
        table.reserveCapacity(entries.count * Self.entrySize)
        for entry in entries {
            let (name, path) = (place(entry.name), place(entry.path))
            table.append(UInt64(entry.flags), 4)
            table.append(UInt64(name), 4)
            table.append(UInt64(path), 4)
            table.append(UInt64(entry.osVersion), 4)
            table.append(entry.hardware, 8)
        }
        let names = capabilities.map(place)
        let hasExtension = !names.isEmpty
        while hasExtension, (base + strings.count) % 4 != 0 { strings.append(0) }
        let extensionOffset = base + strings.count

        var file = Self.magic
        file.append(UInt64(entries.count), 4)
        file.append(UInt64(strings.count), 4)
        file += [2, 0, 0, 0]
        file.append(UInt64(hasExtension ? extensionOffset : 0), 4)
        file += [UInt8](repeating: 0, count: 12)
        file += table
        file += strings
        guard hasExtension else { return file }
        file.append(Self.extensionMagic, 4)
        file.append(1, 4)
        file.append(Self.capabilitiesTag, 4)
        file.append(0, 4)
        file.append(UInt64(extensionOffset + 8 + 16), 4)
        file.append(UInt64(names.count * 4), 4)
        for name in names { file.append(UInt64(name), 4) }
        return file
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ value: UInt64, _ size: Int) {
        for shift in 0..<size { append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(shift)))) }
    }
}
