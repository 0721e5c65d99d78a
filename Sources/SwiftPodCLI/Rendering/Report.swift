import OptionGrammar
import OCISpec

/// A list of things as `--format`, `--quiet`, `--no-trunc` and `--noheading` want it: one renderer for every list.
struct Report {
    /// The table's row, as podman's own: `{{.ID}}\t{{.Names}}`.
    let tableRow: String
    /// What a column is called where that is not its name in capitals.
    var headings: [String: String] = [:]
    var format: String?
    var hasHeading = true
    /// The command's name, for messages.
    let name: String

    /// - Parameters:
    ///   - rows: what templates see.
    ///   - documents: what `json` prints.
    func render(rows: [JSON], documents: @autoclosure () -> [JSON]) throws(CommandError) -> String {
        guard let format else { return try table(tableRow, rows) }
        let text = expandEscapes(format)
        let trimmed = text.trimmingBlanks()
        if trimmed == "json" || trimmed == "{{json .}}" || trimmed == "{{ json . }}" {
            return JSON.array(documents()).pretty() + "\n"
        }
        if trimmed == "table" { return try table(tableRow, rows) }
        if trimmed.hasPrefix("table ") { return try table(String(trimmed.dropFirst(6)), rows) }
        let template = try Template(text)
        if trimmed.hasPrefix("{{range") || trimmed.hasPrefix("{{ range") {
            return try template.render(.array(rows)).endingLine()
        }
        var result = ""
        for row in rows { result += try template.render(row).endingLine() }
        return result
    }

    private func table(_ row: String, _ rows: [JSON]) throws(CommandError) -> String {
        let template = try Template(row)
        var lines: [String] = []
        if hasHeading { lines.append(template.headings(heading)) }
        for row in rows {
            var text = try template.render(row)
            if text.withUTF8({ $0.contains(UInt8(ascii: "\n")) }) {
                lines += text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            } else {
                lines.append(text)
            }
        }
        return alignColumns(lines)
    }

    private func heading(_ field: String) -> String {
        if let heading = headings[field] { return heading }
        // CreatedAt -> CREATED AT
        var words = ""
        var wasLower = false
        for character in field {
            if character.isUppercase, wasLower { words += " " }
            wasLower = character.isLowercase
            words.append(character)
        }
        return words.uppercased()
    }
}

/// `\t` and `\n` as people write them in a shell's single quotes.
func expandEscapes(_ text: String) -> String {
    guard text.utf8.contains(UInt8(ascii: "\\")) else { return text }
    var result = ""
    var rest = text[...]
    while let character = rest.popFirst() {
        guard character == "\\", let next = rest.first else {
            result.append(character)
            continue
        }
        switch next {
        case "t": result.append("\t")
        case "n": result.append("\n")
        case "r": result.append("\r")
        default:
            result.append(character)
            continue
        }
        rest = rest.dropFirst()
    }
    return result
}

extension JSON {
    /// As podman prints documents.
    func pretty(indent: Int = 2) -> String {
        String(decoding: encoded(pretty: true, indent: indent), as: UTF8.self)
    }
}

extension String {
    func endingLine() -> String { hasSuffix("\n") ? self : self + "\n" }

    fileprivate func trimmingBlanks() -> String {
        var text = self[...]
        while let first = text.first, first.isWhitespace { text = text.dropFirst() }
        while let last = text.last, last.isWhitespace { text = text.dropLast() }
        return String(text)
    }
}
