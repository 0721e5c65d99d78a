/// What is wrong with a document, and where in it.
public struct DocumentError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The way to the offending value, for instance `layers[2].digest`; empty for the document itself.
    public var path: String
    /// In words, lower case, without a full stop: `is not a string`.
    public var reason: String

    /// An error at `path`, by default at the value in hand; readers further up prepend their part of the way.
    public init(path: String = "", reason: String) {
        self.path = path
        self.reason = reason
    }

    /// `path reason` on one line, whatever characters a stranger's document put into either.
    public var description: String {
        let text = path.isEmpty ? reason : "\(path) \(reason)"
        return text.unicodeScalars.contains(where: \.isControl) ? text.escapingControls : text
    }

    /// The same error seen from the object that holds the value as its member `name`.
    package func within(_ name: String) -> DocumentError {
        let rest = path.isEmpty || path.hasPrefix("[") ? path : "." + path
        return DocumentError(path: name + rest, reason: reason)
    }

    /// The same error seen from the array that holds the value at `index`.
    package func within(_ index: Int) -> DocumentError {
        within("[\(index)]")
    }
}

extension Unicode.Scalar {
    /// Would move the cursor, change colours or end the line: C0, DEL, C1 and Unicode's own line ends.
    var isControl: Bool {
        value < 0x20 || (0x7F...0x9F).contains(value) || value == 0x2028 || value == 0x2029
    }
}

extension String {
    /// The text with every control character written as `\u{…}`, for error messages that quote strangers.
    package var escapingControls: String {
        var result = ""
        for scalar in unicodeScalars {
            if scalar.isControl {
                result += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
