/// Lines of tab-separated cells, aligned as Go's tabwriter does for podman: columns at least 12 wide, two blanks between
/// them, the last cell of a line as long as it is.
///
/// By bytes: to look for characters would take as long as reading the thousand containers that a list may have.
package func alignColumns(_ lines: [String]) -> String {
    let rows = lines.map { $0.utf8.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false) }
    var widths: [Int] = []
    for row in rows {
        for (index, cell) in row.dropLast().enumerated() {
            if index == widths.count { widths.append(12) }
            widths[index] = max(widths[index], width(cell) + 2)
        }
    }
    var text: [UInt8] = []
    for row in rows {
        for (index, cell) in row.enumerated() {
            if cell.withContiguousStorageIfAvailable({ text.append(contentsOf: $0) }) == nil { text += cell }
            if index < row.count - 1 {
                text += repeatElement(UInt8(ascii: " "), count: widths[index] - width(cell))
            }
        }
        text.append(UInt8(ascii: "\n"))
    }
    return String(decoding: text, as: UTF8.self)
}

/// Unicode scalars: every byte but those that go on with one.
private func width(_ cell: Substring.UTF8View) -> Int {
    func count(_ bytes: some Sequence<UInt8>) -> Int { bytes.reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) } }
    return cell.withContiguousStorageIfAvailable { count($0) } ?? count(cell)
}
