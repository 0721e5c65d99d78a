import CZlib
import CZstd

/// Whoever takes what a decompressor makes: it lends memory to write into.
protocol ByteSink {
    /// Free memory, never empty.
    func space() throws -> UnsafeMutableRawBufferPointer
    /// So many bytes of the space lent last are filled.
    func filled(_ count: Int) throws
}

/// Takes bytes that are gzip (any number of members), zstd (any number of frames) or neither, which the first of them
/// tell, and passes on what was compressed.
final class Decompressor {
    enum Format: Equatable {
        case plain, gzip, zstd
    }

    private enum Engine {
        case undecided
        case plain
        case gzip(UnsafeMutablePointer<z_stream>)
        case zstd(OpaquePointer)
    }

    private var engine: Engine = .undecided
    private var first: [UInt8] = []
    /// The last member or frame is complete, and nothing of another one has come.
    private var isAtEnd = true

    deinit {
        switch engine {
        case .gzip(let stream):
            inflateEnd(stream)
            stream.deallocate()
        case .zstd(let stream): ZSTD_freeDStream(stream)
        default: break
        }
    }

    func push(_ bytes: UnsafeRawBufferPointer, into sink: some ByteSink) throws {
        if case .undecided = engine {
            first += bytes
            // The longest magic number that we know has six bytes.
            if first.count < 6 { return }
            try decide()
            let start = first
            first = []
            try start.withUnsafeBytes { try run($0, into: sink) }
        } else {
            try run(bytes, into: sink)
        }
    }

    /// No more bytes will come.
    func finish(into sink: some ByteSink) throws {
        if case .undecided = engine {
            try decide()
            try first.withUnsafeBytes { try run($0, into: sink) }
        }
        guard isAtEnd else { throw StoreError(.corrupt, "compressed data is cut short") }
    }

    static func format(of bytes: [UInt8]) throws -> Format {
        if bytes.starts(with: [0x1f, 0x8b]) { return .gzip }
        if bytes.starts(with: [0x28, 0xb5, 0x2f, 0xfd]) { return .zstd }
        // A frame to be skipped, as parallel zstd begins with.
        if bytes.count >= 4, bytes[0] & 0xf0 == 0x50, bytes[1...3].elementsEqual([0x2a, 0x4d, 0x18]) { return .zstd }
        if bytes.starts(with: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]) {
            throw StoreError(.invalid, "xz compression is not supported")
        }
        if bytes.starts(with: Array("BZh".utf8)), bytes.dropFirst(3).first.map({ $0 >= 0x31 && $0 <= 0x39 }) == true {
            throw StoreError(.invalid, "bzip2 compression is not supported")
        }
        return .plain
    }

    private func decide() throws {
        switch try Decompressor.format(of: first) {
        case .plain: engine = .plain
        case .gzip:
            let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
            stream.initialize(to: z_stream())
            // 16: gzip's header and trailer, checked.
            inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
            engine = .gzip(stream)
            isAtEnd = false
        case .zstd:
            engine = .zstd(ZSTD_createDStream())
            isAtEnd = false
        }
    }

    private func run(_ bytes: UnsafeRawBufferPointer, into sink: some ByteSink) throws {
        guard !bytes.isEmpty else { return }
        switch engine {
        case .undecided: break
        case .plain: try copy(bytes, into: sink)
        case .gzip(let stream): try inflate(stream, bytes, into: sink)
        case .zstd(let stream): try decompress(stream, bytes, into: sink)
        }
    }

    private func copy(_ bytes: UnsafeRawBufferPointer, into sink: some ByteSink) throws {
        var rest = bytes
        while !rest.isEmpty {
            let space = try sink.space()
            let count = min(space.count, rest.count)
            space.copyMemory(from: UnsafeRawBufferPointer(rebasing: rest[..<count]))
            try sink.filled(count)
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    private func inflate(
        _ stream: UnsafeMutablePointer<z_stream>, _ bytes: UnsafeRawBufferPointer, into sink: some ByteSink
    ) throws {
        let input = UnsafeMutablePointer(mutating: bytes.bindMemory(to: UInt8.self).baseAddress!)
        stream.pointee.next_in = input
        stream.pointee.avail_in = UInt32(bytes.count)
        while true {
            if isAtEnd {
                guard stream.pointee.avail_in > 0 else { return }
                // Another member, or the zeros that some programs fill the last block with.
                if stream.pointee.next_in.pointee == 0 {
                    guard
                        UnsafeBufferPointer(start: stream.pointee.next_in, count: Int(stream.pointee.avail_in))
                            .allSatisfy({ $0 == 0 })
                    else { throw corrupt(nil) }
                    return
                }
                inflateReset(stream)
                isAtEnd = false
            }
            let space = try sink.space()
            stream.pointee.next_out = space.bindMemory(to: UInt8.self).baseAddress
            stream.pointee.avail_out = UInt32(space.count)
            let result = CZlib.inflate(stream, Z_NO_FLUSH)
            let made = space.count - Int(stream.pointee.avail_out)
            if made > 0 { try sink.filled(made) }
            switch result {
            case Z_STREAM_END: isAtEnd = true
            case Z_OK: if stream.pointee.avail_in == 0, stream.pointee.avail_out > 0 { return }
            // No progress: all input is used up.
            case Z_BUF_ERROR: return
            case Z_MEM_ERROR: throw StoreError(.failed, "inflate: out of memory")
            default: throw corrupt(stream.pointee.msg.map { String(cString: $0) })
            }
        }
    }

    private func decompress(
        _ stream: OpaquePointer, _ bytes: UnsafeRawBufferPointer, into sink: some ByteSink
    ) throws {
        var input = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
        while true {
            let space = try sink.space()
            var output = ZSTD_outBuffer(dst: space.baseAddress, size: space.count, pos: 0)
            let result = ZSTD_decompressStream(stream, &output, &input)
            if output.pos > 0 { try sink.filled(output.pos) }
            guard ZSTD_isError(result) == 0 else { throw corrupt(String(cString: ZSTD_getErrorName(result))) }
            isAtEnd = result == 0
            if input.pos == input.size, output.pos < output.size { return }
        }
    }

    private func corrupt(_ detail: String?) -> StoreError {
        StoreError(.corrupt, "compressed data is corrupt" + (detail.map { ": \($0.lowercased())" } ?? ""))
    }
}
