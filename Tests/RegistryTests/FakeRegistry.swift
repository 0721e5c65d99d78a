#if Registry
import Foundation
import Glibc
import Synchronization

/// An http server on loopback whose answers, good and bad, a test scripts.
final class FakeRegistry: Sendable {
    struct Request: Sendable {
        var method: String
        /// With the query.
        var path: String
        /// Names in lower case.
        var headers: [String: String]
        var body: String
    }

    struct Reply: Sendable {
        var status = 200
        var headers: [String: String] = [:]
        var body: [UInt8] = []
        /// What `Content-Length` says, where that is not the truth; negative: there is none, the connection's end
        /// is the body's.
        var claimedLength: Int?
        /// Closes the connection after so many bytes of the body.
        var cutAfter: Int?
        /// Seconds before the answer.
        var delay: Double = 0

        static func json(_ text: String, status: Int = 200) -> Reply {
            Reply(status: status, headers: ["Content-Type": "application/json"], body: Array(text.utf8))
        }

        static let notFound = Reply.json(
            #"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#, status: 404)
    }

    typealias Handler = @Sendable (Request) -> Reply

    let port: Int
    private let listener: Int32
    private let handler: Handler
    private let log = Mutex<[Request]>([])

    var host: String { "localhost:\(port)" }
    var requests: [Request] { log.withLock { $0 } }

    init(_ handler: @escaping Handler) throws {
        self.handler = handler
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = self.listener
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 64) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard bound else { throw POSIXError(.EADDRNOTAVAIL) }
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { [weak self] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                guard let self else {
                    close(connection)
                    return
                }
                Thread.detachNewThread { self.serve(connection) }
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    private func serve(_ connection: Int32) {
        defer { close(connection) }
        var buffer: [UInt8] = []
        while let request = read(connection, &buffer) {
            log.withLock { $0.append(request) }
            let reply = handler(request)
            if reply.delay > 0 { usleep(useconds_t(reply.delay * 1e6)) }
            guard send(reply, to: connection) else { return }
        }
    }

    private func read(_ connection: Int32, _ buffer: inout [UInt8]) -> Request? {
        let end = Array("\r\n\r\n".utf8)
        var chunk = [UInt8](repeating: 0, count: 16384)
        func more() -> Bool {
            let got = recv(connection, &chunk, chunk.count, 0)
            guard got > 0 else { return false }
            buffer += chunk[..<got]
            return true
        }
        var head: Range<Int>?
        while head == nil {
            head = buffer.indices.first { buffer[$0...].starts(with: end) }.map { $0..<$0 + 4 }
            // As http servers do when they are greeted in TLS.
            if let first = buffer.first, !(UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(first) {
                let refusal = Array("HTTP/1.0 400 Bad Request\r\n\r\n".utf8)
                Glibc.send(connection, refusal, refusal.count, Int32(MSG_NOSIGNAL))
                return nil
            }
            if head == nil, !more() { return nil }
        }
        guard let head else { return nil }
        let lines = String(decoding: buffer[..<head.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        buffer.removeFirst(head.upperBound)
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 {
                let name = parts[0].lowercased()
                let value = parts[1].trimmingCharacters(in: .whitespaces)
                headers[name] = headers[name].map { $0 + ", " + value } ?? value
            }
        }
        let length = Int(headers["content-length"] ?? "0") ?? 0
        while buffer.count < length { if !more() { return nil } }
        let body = String(decoding: buffer[..<length], as: UTF8.self)
        buffer.removeFirst(length)
        let words = lines[0].split(separator: " ")
        guard words.count == 3 else { return nil }
        return Request(method: String(words[0]), path: String(words[1]), headers: headers, body: body)
    }

    /// False where the connection ends with the reply.
    private func send(_ reply: Reply, to connection: Int32) -> Bool {
        var head = "HTTP/1.1 \(reply.status) Status\r\n"
        for (name, value) in reply.headers { head += "\(name): \(value)\r\n" }
        let claimed = reply.claimedLength ?? reply.body.count
        head += claimed < 0 ? "Connection: close\r\n" : "Content-Length: \(claimed)\r\n"
        let body = reply.cutAfter.map { reply.body.prefix($0) } ?? reply.body[...]
        let bytes = Array((head + "\r\n").utf8) + body
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return claimed == body.count
    }
}
#endif
