/// Where the stored bytes of a sparse member belong: GNU's four ways to say it.
enum SparseMap {
    /// Old GNU, flag `S`: four pairs in the header, then 21 in each further block while a flag says so.
    static func append(
        to segments: inout [TarEntry.Segment], from block: [UInt8], at start: Int, count: Int
    ) throws(TarError) {
        for index in 0..<count {
            let at = start + index * 24
            if block[at] == 0, block[at + 12] == 0 { return }
            segments.append(
                TarEntry.Segment(
                    offset: try TarHeader.number(block[at..<at + 12], "sparse map"),
                    length: try TarHeader.number(block[at + 12..<at + 24], "sparse map")))
        }
    }

    /// PAX 0.0, pairs of repeated records, and 0.1, one record with commas. nil where the records say nothing of it.
    static func segments(in records: PAXRecords) throws(TarError) -> [TarEntry.Segment]? {
        if let map = records["GNU.sparse.map"] {
            let fields = map.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
            return try pairs(fields.map { (field) throws(TarError) in try PAXRecords.integer(field, "sparse map") })
        }
        guard records["GNU.sparse.numblocks"] != nil || records["GNU.sparse.offset"] != nil else { return nil }
        var numbers: [Int64] = []
        for (key, value) in records.records where key == "GNU.sparse.offset" || key == "GNU.sparse.numbytes" {
            guard (key == "GNU.sparse.offset") == (numbers.count % 2 == 0) else {
                throw TarError("sparse map is malformed")
            }
            numbers.append(try PAXRecords.integer(value[...], "sparse map"))
        }
        return try pairs(numbers)
    }

    static func pairs(_ numbers: [Int64]) throws(TarError) -> [TarEntry.Segment] {
        guard numbers.count % 2 == 0 else { throw TarError("sparse map is malformed") }
        return stride(from: 0, to: numbers.count, by: 2).map {
            TarEntry.Segment(offset: numbers[$0], length: numbers[$0 + 1])
        }
    }

    /// Segments rise, do not overlap, end within the file and hold exactly the stored bytes; empty ones go.
    static func checked(
        _ segments: [TarEntry.Segment], size: Int64, stored: Int64
    ) throws(TarError) -> [TarEntry.Segment] {
        var end: Int64 = 0
        var sum: Int64 = 0
        for segment in segments {
            let (next, overflow) = segment.offset.addingReportingOverflow(segment.length)
            guard !overflow, segment.length >= 0, segment.offset >= end, next <= size else {
                throw TarError("sparse map is malformed")
            }
            end = next
            sum += segment.length
        }
        guard sum == stored else { throw TarError("sparse map does not fit the stored size") }
        return segments.filter { $0.length > 0 }
    }
}
