import OCISpec

/// What went wrong while talking to a registry, or while finding out how to.
public struct RegistryError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Kinds of failure. More may come: switch with a default.
    public enum Code: String, Sendable {
        /// The registry does not have the image, or no image for the platform.
        case notFound
        /// Credentials are missing or wrong.
        case unauthorized
        /// The registry knows the caller and says no.
        case denied
        /// registries.conf forbids the image.
        case blocked
        /// Certificates: an unknown authority, a wrong host name, a server that speaks plain http.
        case tls
        /// No such host, connection refused, timeouts, cut transfers, servers that keep failing.
        case network
        /// The registry asks to come back later.
        case rateLimited
        /// A document or a blob is not what it should be: wrong digest, wrong size, malformed.
        case invalid
        /// A configuration file (registries.conf, auth.json, certs.d) that cannot be read or understood.
        case configuration
        /// An old or foreign format, or a build without registry support.
        case unsupported
        /// The local store failed.
        case storage
        case cancelled
    }

    public let code: Code
    /// One line, lower case, no full stop: verb, object, reason.
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        // Servers' words end up in here: a line stays a line, and no terminal is steered by a stranger.
        self.message = RegistryError.singleLine(message)
    }

    public var description: String { message }

    /// Control characters as blanks, runs of blanks as one.
    static func singleLine(_ text: String) -> String {
        var result = ""
        var blank = false
        for scalar in text.unicodeScalars {
            if scalar.properties.isWhitespace || scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) {
                blank = !result.isEmpty
                continue
            }
            if blank { result.unicodeScalars.append(" ") }
            blank = false
            result.unicodeScalars.append(scalar)
        }
        return result
    }
}

extension DocumentError {
    /// A sentence's second half: the document itself is `it`.
    var words: String { path.isEmpty ? "it \(description)" : description }
}
