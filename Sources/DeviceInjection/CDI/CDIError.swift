/// Why a device cannot be injected.
public struct CDIError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Code: Equatable, Sendable {
        /// A name, a request or a document that breaks the rules.
        case invalid
        /// No such vendor, class, device, node or file.
        case notFound
        /// Two specifications of equal rank describe the device.
        case conflict
        /// Not readable, or out of reach for a container.
        case permission
    }

    public let code: Code
    /// Lower case, one line, without a full stop.
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}

extension String {
    /// On one line, whatever a stranger put into it.
    var printable: String {
        var text = ""
        for scalar in unicodeScalars {
            let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
            text.unicodeScalars.append(isControl ? "?" : scalar)
        }
        return text
    }
}
