import LinuxKernel

/// Reads a tar archive from bytes as they come, in pieces of any size, and hands the contents on without copying them.
///
/// Understands V7, ustar, star, PAX and GNU with their long names, large numbers, extended attributes and sparse files.
/// What it does not understand is an error: a member must never be taken for something else.
public struct TarReader {
    private enum State {
        case header
        /// Gathers an extended header or a long name: its flag and its length.
        case extended(UInt8, Int)
        /// Further blocks of an old GNU sparse map, for an entry with that many bytes stored.
        case sparseBlock(TarEntry, stored: Int64)
        /// The map of PAX's sparse format 1.0 in front of the contents.
        case sparseLines(TarEntry, stored: Int64)
        case content(remaining: Int64)
        case padding(Int)
        case finished
    }

    let limits: TarLimits
    private var state: State = .header
    /// The block or extended header that is not complete yet.
    private var gathered: [UInt8] = []
    private var zeroBlocks = 0
    private var entries = 0
    private var total: Int64 = 0

    /// For the next member only.
    private var records = PAXRecords()
    private var globalRecords = PAXRecords()
    private var longPath: [UInt8]?
    private var longTarget: [UInt8]?

    /// Where the content in hand belongs.
    private var segments: [TarEntry.Segment] = []
    private var segment = 0
    private var segmentDone: Int64 = 0
    private var contentPadding = 0
    private var sparseLinesSeen = 0
    private var sparseLinesWanted = 0

    public init(limits: TarLimits = TarLimits()) {
        self.limits = limits
    }

    /// Takes the next bytes of the archive.
    ///
    /// - Throws: `TarError`, and whatever the sink throws. The reader is of no use afterwards.
    public mutating func push(_ bytes: UnsafeRawBufferPointer, into sink: inout some TarSink) throws {
        var rest = bytes
        while !rest.isEmpty {
            switch state {
            case .header:
                guard gather(&rest, upTo: TarHeader.size) else { return }
                try header(into: &sink)
            case .extended(let flag, let length):
                guard gather(&rest, upTo: length) else { return }
                state = .padding(Self.padding(Int64(length)))
                try extended(flag)
            case .sparseBlock(let entry, let stored):
                guard gather(&rest, upTo: TarHeader.size) else { return }
                try sparseBlock(entry, stored: stored, into: &sink)
            case .sparseLines(let entry, let stored):
                guard gather(&rest, upTo: (gathered.count / TarHeader.size + 1) * TarHeader.size) else { return }
                try sparseLines(entry, stored: stored, into: &sink)
            case .content(let remaining):
                let count = Int(min(Int64(rest.count), remaining))
                try content(UnsafeRawBufferPointer(rebasing: rest[..<count]), into: &sink)
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
                state = .content(remaining: remaining - Int64(count))
                if remaining == Int64(count) { try endContent(&sink) }
            case .padding(let count):
                let skipped = min(count, rest.count)
                rest = UnsafeRawBufferPointer(rebasing: rest[skipped...])
                state = skipped == count ? .header : .padding(count - skipped)
            case .finished:
                return
            }
        }
    }

    /// Bytes of content that follow and that nobody needs to push: whoever can seek tells by `skip` that he did.
    public var skippable: Int64 {
        switch state {
        case .content(let remaining): remaining + Int64(contentPadding)
        case .padding(let count): Int64(count)
        default: 0
        }
    }

    /// Everything that was skippable has been skipped.
    public mutating func skip(into sink: inout some TarSink) throws {
        if case .content = state { try sink.end() }
        state = .header
    }

    /// No more bytes will come. An archive may end without its two blocks of zeros, but not within a member.
    public mutating func finish() throws(TarError) {
        switch state {
        case .finished: return
        case .header where gathered.isEmpty && longPath == nil && longTarget == nil && records.records.isEmpty: return
        default: throw TarError("archive is cut short")
        }
    }

    /// How far a content of that length is from the end of its last block.
    static func padding(_ length: Int64) -> Int {
        Int((Int64(TarHeader.size) - length % Int64(TarHeader.size)) % Int64(TarHeader.size))
    }

    /// True once `gathered` has that many bytes.
    private mutating func gather(_ rest: inout UnsafeRawBufferPointer, upTo length: Int) -> Bool {
        let count = min(length - gathered.count, rest.count)
        gathered.append(contentsOf: rest[..<count])
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        return gathered.count == length
    }
}

// MARK: - Headers

extension TarReader {
    private mutating func header(into sink: inout some TarSink) throws {
        if gathered.allSatisfy({ $0 == 0 }) {
            gathered.removeAll(keepingCapacity: true)
            zeroBlocks += 1
            if zeroBlocks == 2 { state = .finished }
            return
        }
        guard zeroBlocks == 0 else { throw TarError("header after a block of zeros") }
        let header = try TarHeader(gathered)
        gathered.removeAll(keepingCapacity: true)
        let kind: TarEntry.Kind
        switch header.flag {
        case UInt8(ascii: "x"), UInt8(ascii: "X"), UInt8(ascii: "g"), UInt8(ascii: "L"), UInt8(ascii: "K"):
            return try beginExtended(header)
        case UInt8(ascii: "V"):
            let size = try header.size()
            try refuse(size)
            return skip(size)
        case 0, UInt8(ascii: "0"), UInt8(ascii: "7"), UInt8(ascii: "S"): kind = .regular
        case UInt8(ascii: "1"): kind = .hardLink
        case UInt8(ascii: "2"): kind = .symlink
        case UInt8(ascii: "3"): kind = .characterDevice
        case UInt8(ascii: "4"): kind = .blockDevice
        case UInt8(ascii: "5"), UInt8(ascii: "D"): kind = .directory
        case UInt8(ascii: "6"): kind = .fifo
        default: throw TarError("member of unknown type \(header.flag)")
        }
        try beginMember(header, kind, into: &sink)
    }

    private mutating func skip(_ size: Int64) {
        let length = size + Int64(Self.padding(size))
        state = length == 0 ? .header : .padding(Int(length))
    }

    private mutating func beginExtended(_ header: TarHeader) throws(TarError) {
        let size = try header.size()
        guard size <= limits.extendedHeader else {
            throw TarError("extended header is longer than \(limits.extendedHeader) bytes", isLimit: true)
        }
        if size == 0 {
            state = .header
            return try extended(header.flag)
        }
        state = .extended(header.flag, Int(size))
    }

    private mutating func extended(_ flag: UInt8) throws(TarError) {
        let bytes = gathered
        gathered.removeAll(keepingCapacity: true)
        switch flag {
        case UInt8(ascii: "L"): longPath = Array(bytes.prefix { $0 != 0 })
        case UInt8(ascii: "K"): longTarget = Array(bytes.prefix { $0 != 0 })
        case UInt8(ascii: "g"): globalRecords = try PAXRecords(parsing: bytes).over(globalRecords)
        default: records = try PAXRecords(parsing: bytes).over(records)
        }
    }

    private mutating func beginMember(
        _ header: TarHeader, _ headerKind: TarEntry.Kind, into sink: inout some TarSink
    ) throws {
        let records = self.records.over(globalRecords)
        var entry = try header.entry(headerKind)
        if let longPath { entry.path = longPath }
        if let longTarget { entry.target = longTarget }
        try records.apply(to: &entry)
        if let name = records["GNU.sparse.name"] { entry.path = name }
        self.records = PAXRecords()
        longPath = nil
        longTarget = nil

        // Before there was a flag for directories a slash at the end said so.
        if headerKind == .regular, header.flag != UInt8(ascii: "S"), entry.path.last == UInt8(ascii: "/") {
            entry.kind = .directory
        }
        try checkLimits(entry)
        // Only regular files have content; some programs state the size of what a link points at.
        guard entry.kind == .regular else {
            if header.flag == UInt8(ascii: "D") || headerKind == .regular {
                let size = try records.integer("size") ?? header.size()
                try refuse(size)
                try sink.begin(entry)
                try sink.end()
                return skip(size)
            }
            try sink.begin(entry)
            try sink.end()
            state = .header
            return
        }
        let stored = try records.integer("size") ?? header.size()
        guard stored >= 0 else { throw TarError("member has a negative size") }
        try beginSparse(&entry, header, records, stored: stored, into: &sink)
    }

    private mutating func checkLimits(_ entry: TarEntry) throws(TarError) {
        entries += 1
        guard entries <= limits.entries else {
            throw TarError("archive has more than \(limits.entries) members", isLimit: true)
        }
        guard entry.path.count <= limits.path, entry.target.count <= limits.path else {
            throw TarError("path is longer than \(limits.path) bytes", isLimit: true)
        }
        guard !entry.path.isEmpty else { throw TarError("member without a name") }
    }

    private func refuse(_ size: Int64) throws(TarError) {
        guard size >= 0 else { throw TarError("member has a negative size") }
        guard size <= limits.content - total else {
            throw TarError("contents are larger than \(limits.content >> 30) GiB", isLimit: true)
        }
    }
}

// MARK: - Contents

extension TarReader {
    private mutating func beginSparse(
        _ entry: inout TarEntry, _ header: TarHeader, _ records: PAXRecords, stored: Int64,
        into sink: inout some TarSink
    ) throws {
        entry.size = stored
        try refuse(stored)
        if header.flag == UInt8(ascii: "S"), header.isGNU {
            entry.size = try header.number(483, 12, "size")
            segments.removeAll()
            try SparseMap.append(to: &segments, from: header.block, at: 386, count: 4)
            entry.segments = segments
            if header.block[482] != 0 {
                state = .sparseBlock(entry, stored: stored)
                return
            }
        } else if try records.integer("GNU.sparse.major") == 1, try records.integer("GNU.sparse.minor") == 0 {
            entry.size = try records.integer("GNU.sparse.realsize") ?? stored
            state = .sparseLines(entry, stored: stored)
            sparseLinesSeen = 0
            sparseLinesWanted = 1
            return
        } else if let segments = try SparseMap.segments(in: records) {
            entry.segments = segments
            entry.size = try records.integer("GNU.sparse.size") ?? stored
        }
        try beginContent(entry, stored: stored, into: &sink)
    }

    private mutating func sparseBlock(
        _ entry: TarEntry, stored: Int64, into sink: inout some TarSink
    ) throws {
        try SparseMap.append(to: &segments, from: gathered, at: 0, count: 21)
        let more = gathered[504] != 0
        gathered.removeAll(keepingCapacity: true)
        guard segments.count <= limits.segments else { throw tooManySegments }
        if more { return }
        var entry = entry
        entry.segments = segments
        try beginContent(entry, stored: stored, into: &sink)
    }

    /// A count and then as many pairs, a number a line, filled up to whole blocks.
    private mutating func sparseLines(
        _ entry: TarEntry, stored: Int64, into sink: inout some TarSink
    ) throws {
        guard gathered.count <= stored else { throw TarError("sparse map is malformed") }
        sparseLinesSeen += gathered.suffix(TarHeader.size).count { $0 == 0x0a }
        guard sparseLinesSeen >= sparseLinesWanted else { return try moreSparseLines() }
        let lines = gathered.split(separator: 0x0a, omittingEmptySubsequences: false)
        let count = try PAXRecords.integer(lines[0], "sparse map")
        guard count >= 0, count <= limits.segments else { throw tooManySegments }
        let wanted = Int(count) * 2
        sparseLinesWanted = wanted + 1
        guard sparseLinesSeen >= sparseLinesWanted else { return try moreSparseLines() }
        var entry = entry
        entry.segments = try SparseMap.pairs(
            lines[1..<(1 + wanted)].map { (line) throws(TarError) in try PAXRecords.integer(line, "sparse map") })
        let map = Int64(gathered.count)
        gathered.removeAll(keepingCapacity: true)
        try beginContent(entry, stored: stored - map, into: &sink)
    }

    /// A map of as many segments as are allowed, each with two numbers of at most 20 bytes, is no longer than this.
    private func moreSparseLines() throws(TarError) {
        guard gathered.count < limits.segments * 42 else { throw tooManySegments }
    }

    private var tooManySegments: TarError {
        TarError("sparse file has more than \(limits.segments) pieces", isLimit: true)
    }

    private mutating func beginContent(
        _ entry: TarEntry, stored: Int64, into sink: inout some TarSink
    ) throws {
        var entry = entry
        try refuse(entry.size)
        total += entry.size
        if let map = entry.segments {
            guard map.count <= limits.segments else { throw tooManySegments }
            segments = try SparseMap.checked(map, size: entry.size, stored: stored)
            entry.segments = segments
        } else {
            segments = stored > 0 ? [TarEntry.Segment(offset: 0, length: stored)] : []
        }
        segment = 0
        segmentDone = 0
        contentPadding = Self.padding(stored)
        try sink.begin(entry)
        if stored == 0 {
            try endContent(&sink)
        } else {
            state = .content(remaining: stored)
        }
    }

    private mutating func content(_ bytes: UnsafeRawBufferPointer, into sink: inout some TarSink) throws {
        var rest = bytes
        while !rest.isEmpty {
            let current = segments[segment]
            let count = Int(min(Int64(rest.count), current.length - segmentDone))
            try sink.content(UnsafeRawBufferPointer(rebasing: rest[..<count]), at: current.offset + segmentDone)
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            segmentDone += Int64(count)
            if segmentDone == current.length {
                segment += 1
                segmentDone = 0
            }
        }
    }

    private mutating func endContent(_ sink: inout some TarSink) throws {
        try sink.end()
        state = contentPadding > 0 ? .padding(contentPadding) : .header
    }
}
