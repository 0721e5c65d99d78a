import Glibc
import OCISpec

/// The words of `run` that make a worker.
package enum WorkerWords {
    /// What every worker shares with its host, as Ray asks for it on its own command line; but for `cgroupfs`, by which a
    /// limit that cannot hold would be a warning, and nobody would ask systemd. Root has no other ids to keep its own
    /// apart from.
    package static func isolation(isRootless: Bool = geteuid() != 0) -> [String] {
        [
            "--network=host", "--pid=host", "--ipc=host",
            isRootless ? "--userns=keep-id" : "--userns=host",
        ]
    }

    /// One element of a `run_options`, into words.
    ///
    /// Ray joins the elements with blanks and gives the line to a shell, so that `--device nvidia.com/gpu=all` are two
    /// words and quotes are a shell's: single, double, backslash. What a shell would do beyond that is refused, because
    /// here is none: a variable, a pattern, a command, a redirection.
    /// - Throws: `WorkerFault`, `invalid`.
    package static func split(_ text: String) throws(WorkerFault) -> [String] {
        var splitter = WordSplitter(Array(text.utf8))
        return try splitter.words(of: text)
    }
}

private struct WordSplitter {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func words(of text: String) throws(WorkerFault) -> [String] {
        var words: [String] = []
        while let word = try word(of: text) { words.append(word) }
        return words
    }

    /// nil at the end.
    private mutating func word(of text: String) throws(WorkerFault) -> String? {
        while position < bytes.count, isBlank(bytes[position]) { position += 1 }
        guard position < bytes.count else { return nil }
        var word: [UInt8] = []
        while position < bytes.count, !isBlank(bytes[position]) {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "'"): word += try quoted(until: byte, escapes: false, of: text)
            case UInt8(ascii: "\""): word += try quoted(until: byte, escapes: true, of: text)
            case UInt8(ascii: "\\"):
                guard position < bytes.count else { throw fault("ends in a backslash", text) }
                word.append(bytes[position])
                position += 1
            default:
                // A `#` or `~` means something at a word's beginning only.
                let isFirst = word.isEmpty && (byte == UInt8(ascii: "#") || byte == UInt8(ascii: "~"))
                if isFirst || "$`;&|<>()*?[{!".utf8.contains(byte) {
                    throw fault("has '\(Unicode.Scalar(byte))', which only a shell would understand: quote it", text)
                }
                word.append(byte)
            }
        }
        return String(decoding: word, as: UTF8.self)
    }

    private mutating func quoted(until end: UInt8, escapes: Bool, of text: String) throws(WorkerFault) -> [UInt8] {
        var part: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte == end { return part }
            if escapes, byte == UInt8(ascii: "$") || byte == UInt8(ascii: "`") {
                throw fault("has '\(Unicode.Scalar(byte))', which only a shell would understand", text)
            }
            // In double quotes a backslash takes the meaning of these alone.
            if escapes, byte == UInt8(ascii: "\\"), position < bytes.count, "$`\"\\".utf8.contains(bytes[position]) {
                part.append(bytes[position])
                position += 1
                continue
            }
            part.append(byte)
        }
        throw fault("has a quote that does not end", text)
    }

    private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0a }

    private func fault(_ reason: String, _ text: String) -> WorkerFault {
        WorkerFault(code: "invalid", message: "run option \"\(text.escapingControls)\" \(reason)")
    }
}
