import ImageStore

/// What a reader of tar archives promises to whoever takes the members.
private struct Checker: TarSink {
    var log: [UInt8] = []
    var limits: TarLimits
    var open: TarEntry?
    var position: Int64 = 0
    var total: Int64 = 0

    mutating func begin(_ entry: TarEntry) throws {
        precondition(open == nil, "a member begins within another")
        precondition(!entry.path.isEmpty && !entry.path.contains(0) && entry.path.count <= limits.path)
        precondition(!entry.target.contains(0) && entry.target.count <= limits.path)
        precondition(entry.mode <= 0o7777 && entry.size >= 0)
        precondition(entry.kind == .regular || entry.size == 0, "content of something that has none")
        total += entry.size
        precondition(total <= limits.content)
        log += entry.path + [0] + entry.target + [0] + String(describing: entry.kind).utf8
        open = entry
        position = 0
    }

    mutating func content(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws {
        let size = open!.size
        precondition(offset >= position && Int64(bytes.count) <= size - offset, "content outside of its file")
        position = offset + Int64(bytes.count)
        log += bytes
    }

    mutating func end() throws {
        precondition(open != nil)
        open = nil
        log += [0xFF]
    }
}

/// One archive twice, whole and in pieces: both must be the same members or both the same kind of refusal.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = UnsafeRawBufferPointer(start: start, count: count)
    let whole = read(bytes, piece: max(1, count))
    let pieces = read(bytes, piece: 1 + count % 97)
    precondition(whole.isGood == pieces.isGood, "\(whole.words) in one piece, \(pieces.words) in several")
    precondition(!whole.isGood || whole.log == pieces.log, "another archive in several pieces")
    precondition(!whole.words.utf8.contains(0x0A), "error on two lines")
    return 0
}

private func read(_ bytes: UnsafeRawBufferPointer, piece: Int) -> (isGood: Bool, words: String, log: [UInt8]) {
    var limits = TarLimits()
    limits.entries = 1000
    limits.segments = 1000
    limits.content = 1 << 40
    var reader = TarReader(limits: limits)
    var sink = Checker(limits: limits)
    do {
        var rest = bytes
        while !rest.isEmpty {
            let count = min(piece, rest.count)
            try reader.push(UnsafeRawBufferPointer(rebasing: rest[..<count]), into: &sink)
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
        try reader.finish()
        precondition(sink.open == nil, "an archive ends within a member")
        return (true, "", sink.log)
    } catch {
        return (false, "\(error)", sink.log)
    }
}
