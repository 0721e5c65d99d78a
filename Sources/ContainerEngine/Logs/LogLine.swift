/// One line of a log in the k8s-file format: `TIME STREAM F|P TEXT`. conmon writes the same.
struct LogLine: Equatable {
    /// RFC 3339 as written, with the offset of the writer's local time.
    var time: Substring
    var isError: Bool
    /// P: the text goes on in the next line.
    var isPartial: Bool
    var text: ArraySlice<UInt8>

    /// nil for what is no such line: the beginning of a file that was cut by a full disk.
    init?(_ line: ArraySlice<UInt8>) {
        guard let first = line.firstIndex(of: 0x20) else { return nil }
        let afterTime = line[(first + 1)...]
        // ` stdout F ` has one width.
        guard afterTime.count >= 9, afterTime[afterTime.startIndex + 6] == 0x20,
            afterTime[afterTime.startIndex + 8] == 0x20
        else { return nil }
        let stream = afterTime.prefix(6)
        guard stream.elementsEqual("stdout".utf8) || stream.elementsEqual("stderr".utf8) else { return nil }
        let letter = afterTime[afterTime.startIndex + 7]
        guard letter == UInt8(ascii: "F") || letter == UInt8(ascii: "P") else { return nil }
        time = Substring(decoding: line[..<first], as: UTF8.self)
        isError = stream.last == UInt8(ascii: "r")
        isPartial = letter == UInt8(ascii: "P")
        text = afterTime.dropFirst(9)
    }
}
