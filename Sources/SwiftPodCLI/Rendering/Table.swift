/// Lines of tab-separated cells, aligned as Go's tabwriter does for podman: columns at least 12 wide, two blanks between
/// them, the last cell of a line as long as it is.
package func alignColumns(_ lines: [String]) -> String {
    let rows = lines.map { $0.split(separator: "\t", omittingEmptySubsequences: false) }
    var widths: [Int] = []
    for row in rows {
        for (index, cell) in row.dropLast().enumerated() {
            if index == widths.count { widths.append(12) }
            widths[index] = max(widths[index], cell.unicodeScalars.count + 2)
        }
    }
    var text = ""
    for row in rows {
        for (index, cell) in row.enumerated() {
            text += cell
            if index < row.count - 1 {
                text += String(repeating: " ", count: widths[index] - cell.unicodeScalars.count)
            }
        }
        text += "\n"
    }
    return text
}
