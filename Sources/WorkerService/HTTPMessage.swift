/// A request as it stands on the wire: HTTP/1.1 (RFC 9112), a body by its length, descriptors with any of its bytes.
struct HTTPRequest: Sendable {
    var method = ""
    /// Without the query.
    var path = ""
    var query: [String: String] = [:]
    /// By lower-case name; a field that comes twice is joined by a comma.
    var headers: [String: String] = [:]
    var body: [UInt8] = []
    var isLast = false

    /// Bytes; far above what a command line and an environment take.
    static let headLimit = 64 << 10
    static let bodyLimit = 16 << 20

    /// Reads the head, all bytes up to the empty line and without it.
    init(head: some Sequence<UInt8>) throws(HTTPFault) {
        let lines = Array(head).split(separator: 0x0a, omittingEmptySubsequences: false).map { line in
            Array(line.last == 0x0d ? line.dropLast() : line)
        }
        let words = String(decoding: lines[0], as: UTF8.self).split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[2].hasPrefix("HTTP/1.") else {
            throw HTTPFault(400, "the request line is malformed")
        }
        method = String(words[0])
        let parts = words[1].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts[0].hasPrefix("/") else { throw HTTPFault(400, "the request's target is not a path") }
        path = String(parts[0])
        for pair in parts.count > 1 ? parts[1].split(separator: "&") : [] {
            let ends = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            query[String(ends[0])] = ends.count > 1 ? String(ends[1]) : ""
        }
        for line in lines.dropFirst() {
            let text = String(decoding: line, as: UTF8.self)
            guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")), colon != text.startIndex,
                text.utf8.first != 0x20, text.utf8.first != 0x09
            else { throw HTTPFault(400, "a header line is malformed") }
            let name = text[..<colon].lowercased()
            let value = HTTPRequest.trimmed(text[text.utf8.index(after: colon)...])
            headers[name] = headers[name].map { "\($0), \(value)" } ?? value
        }
        isLast = words[2] == "HTTP/1.0" || headers["connection"]?.lowercased() == "close"
    }

    /// How many bytes of body follow.
    /// - Throws: 411 for one whose end only its coding would tell, 413 for one that is too long.
    func bodyLength() throws(HTTPFault) -> Int {
        if headers["transfer-encoding"] != nil { throw HTTPFault(411, "a body needs a Content-Length") }
        guard let text = headers["content-length"] else { return 0 }
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let length = Int(text) else {
            throw HTTPFault(400, "Content-Length is not a number")
        }
        guard length <= HTTPRequest.bodyLimit else { throw HTTPFault(413, "the body is too long") }
        return length
    }

    private static func trimmed(_ text: Substring) -> String {
        var bytes = text.utf8[...]
        while let first = bytes.first, first == 0x20 || first == 0x09 { bytes = bytes.dropFirst() }
        while let last = bytes.last, last == 0x20 || last == 0x09 { bytes = bytes.dropLast() }
        return String(Substring(bytes))
    }
}

/// What is wrong with a request as such; the connection ends with it.
struct HTTPFault: Error {
    let status: Int
    let message: String

    init(_ status: Int, _ message: String) {
        self.status = status
        self.message = message
    }
}

/// Words for the status codes that are used here.
func reasonPhrase(_ status: Int) -> String {
    switch status {
    case 100: "Continue"
    case 200: "OK"
    case 201: "Created"
    case 204: "No Content"
    case 400: "Bad Request"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 409: "Conflict"
    case 411: "Length Required"
    case 413: "Content Too Large"
    case 422: "Unprocessable Content"
    case 501: "Not Implemented"
    case 503: "Service Unavailable"
    default: "Internal Server Error"
    }
}
